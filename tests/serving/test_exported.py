"""An exported model behind the local engine: a row is the same, whatever shares the batch.

And whatever version comes meanwhile: no request fails.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from conformance.cases import named
from keras_vae.serving import Client, local

NUM = 200
THREADS = 16


@pytest.mark.parametrize(
    "name", ["cvae dense", pytest.param("cvae convolutional", marks=pytest.mark.slow)]
)
def test_rows_asked_for_by_many_at_once_are_those_of_one_batch(name, tmp_path):
    model = named(name).build()
    model.export(tmp_path / "cvae")
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, NUM)
    expected = model.sample(NUM, condition=labels, seed=0)
    cuts = [0, *sorted(generator.choice(np.arange(1, NUM), 60, replace=False)), NUM]
    with (
        local.serve(tmp_path, 0, 0) as served,
        Client(served.address, "cvae") as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):

        def part(start: int, stop: int) -> np.ndarray:
            return client.sample(stop - start, condition=labels[start:stop], seed=start)

        parts = list(pool.map(part, cuts[:-1], cuts[1:]))
    assert {len(rows) for rows in parts} > {1, 2, 3}
    np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-5)


def test_integers_are_equal_and_a_bad_label_spoils_its_row_alone(tmp_path):
    model = named("cvae dense").build()
    model.export(tmp_path / "cvae")
    expected = model.sample(NUM, condition=1, seed=0)
    with (
        local.serve(tmp_path, 0, 0) as served,
        Client(served.address, "cvae") as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        # Below the client's own check of labels, as other programs ask.
        def ask(seed: int) -> dict[str, np.ndarray]:
            inputs = {"seed": [seed], "temperature": [1.0], "label": [7 if seed % 4 == 0 else 1]}
            arrays = {key: np.array(values) for key, values in inputs.items()}
            return client._connection.call("sample", arrays)

        replies = list(pool.map(ask, range(NUM)))
    for seed, reply in enumerate(replies):
        assert reply["seed"].tolist() == [seed]
        if seed % 4 == 0:
            assert np.isnan(reply["image"]).all()
        else:
            np.testing.assert_allclose(reply["image"][0], expected[seed], atol=1e-5)


@pytest.mark.slow
def test_no_request_fails_while_a_new_export_takes_over(tmp_path, until):
    model = named("cvae dense").build()
    model.export(tmp_path / "cvae")
    expected = [model.sample(4, condition=1, seed=0)]
    done = threading.Event()
    with (
        local.serve(tmp_path, 0, 0) as served,
        Client(served.address, "cvae") as client,
        ThreadPoolExecutor(4) as pool,
    ):

        def ask() -> np.ndarray:
            return client.sample(4, condition=1, seed=0)

        def version(image: np.ndarray) -> int:
            (index,) = [i for i, each in enumerate(expected) if np.allclose(image, each, atol=1e-5)]
            return index

        def hammer() -> list[np.ndarray]:
            images = []
            while not done.is_set():
                images.append(ask())
            return images

        hammering = [pool.submit(hammer) for _ in range(4)]
        try:
            for weight in model.trainable_variables:
                weight.assign(2.0 * weight)
            expected.append(model.sample(4, condition=1, seed=0))
            assert not np.allclose(*expected, atol=1e-2)
            model.export(tmp_path / "cvae")
            until(lambda: version(ask()) == 1)
        finally:
            done.set()
        for images in (future.result(60) for future in hammering):
            answers = [version(image) for image in images]
            assert answers == sorted(answers)
            assert answers[0] == 0
