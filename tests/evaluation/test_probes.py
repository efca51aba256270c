"""Classifiers on codes: they learn what the codes tell, from as many labels as asked for."""

import numpy as np
import pytest

from keras_vae.errors import UserError
from keras_vae.evaluation import PROBES, probe_errors

RNG = np.random.default_rng(0)


def clusters(num, spread):
    """Codes (num, 2, 2) around one corner for each of three labels, and the labels."""
    y = np.arange(num) % 3
    corners = np.array([[0, 0, 0, 0], [4, 0, 0, 4], [0, 4, 4, 0]], "float32")
    codes = corners[y] + spread * RNG.normal(size=(num, 4))
    return codes.reshape(num, 2, 2).astype("float32"), y


def test_clusters_apart_are_told_and_mixed_ones_are_not():
    codes, y = clusters(300, 0.2)
    errors = probe_errors(codes, y, *clusters(90, 0.2))
    assert set(errors) == set(PROBES)
    assert all(by_labels == {100: 0.0, 300: 0.0} for by_labels in map(rounded, errors.values()))
    shuffled = RNG.permutation(y)
    for by_labels in probe_errors(codes, shuffled, *clusters(90, 0.2)).values():
        assert min(by_labels.values()) > 25  # by chance two of three are wrong


def rounded(by_labels):
    """The choice of 100 rows has 33 of each of three labels."""
    return {100 if num == 99 else num: error for num, error in by_labels.items()}


def test_an_error_is_a_percentage_of_the_test_rows():
    codes, y = clusters(60, 0.1)
    test_codes, test_y = clusters(40, 0.1)
    test_y[:10] = (test_y[:10] + 1) % 3
    errors = probe_errors(codes, y, test_codes, test_y, num_labels=[None])
    assert all(by_labels == {60: 25.0} for by_labels in errors.values())


def test_rows_are_balanced_and_chosen_by_the_seed(monkeypatch):
    seen = []

    class Spy:
        def fit(self, codes, y):
            seen.append((codes, y))
            return self

        def predict(self, codes):
            return np.zeros(len(codes), int)

    monkeypatch.setitem(PROBES, "linear", Spy)
    codes, y = clusters(300, 1.0)
    for seed in (0, 0, 1):
        probe_errors(
            codes, y, codes, y, num_labels=[30], probes={"linear": PROBES["linear"]}, seed=seed
        )
    assert all(np.bincount(labels).tolist() == [10, 10, 10] for _, labels in seen)
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    assert not np.array_equal(seen[0][0], seen[2][0])
    assert seen[0][0].shape == (30, 4)


@pytest.mark.parametrize("name", PROBES)
def test_the_scale_of_a_code_does_not_matter(name):
    codes, y = clusters(120, 1.5)
    test_codes, test_y = clusters(60, 1.5)
    one, other = (
        probe_errors(
            k * codes, y, k * test_codes, test_y, num_labels=[60], probes={name: PROBES[name]}
        )
        for k in (1.0, 1024.0)
    )
    assert one == other
    assert one[name][60] > 0


def test_progress_comes_to_its_end():
    codes, y = clusters(60, 0.1)
    done = []
    probe_errors(codes, y, codes, y, num_labels=[30, 1000, None], progress=done.append)
    assert sum(done) == 3 * len(PROBES)


def test_one_class_is_refused():
    codes, y = clusters(20, 0.1)
    with pytest.raises(UserError, match="Received labels of 1 class"):
        probe_errors(codes, 0 * y, codes, y)
