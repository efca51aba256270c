"""Every model is served: its signatures give what the model gives, whatever shares the batch."""

import json
import subprocess
import sys
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from conformance.cases import CASES, VARIANTS, named, slow
from keras_vae.models import Generative
from keras_vae.models._importance import log_sums
from keras_vae.noise import Noise
from loaded_graph import Servable

SERVED = [
    named("autoencoder convolutional"),
    named("vae dense"),
    named("vae convolutional"),
    named("vae two flows, discretized logistic"),
    named("iwae dense"),
    named("hierarchical vae"),
    named("cvae dense"),
    named("completion cvae dense"),
]
MORE = [case for case in (*CASES, *VARIANTS) if case not in SERVED]
CODING = {"encode", "decode", "reconstruct"}
BY_THE_C_RUNTIME = [
    named("autoencoder convolutional"),
    named("vae two flows, discretized logistic"),
    named("cvae dense"),
]
DRAWING = {"sample", "sample_png", "elbo", "log_prob"}
BATCH_SIZES = (1, 2, 3, 7, 8, 17, 64)

RUNTIME = """
import sys
from pathlib import Path
import numpy as np
from keras_vae.serving._session import Session

for line in sys.stdin:
    folder, inputs, outputs = map(Path, line.split())
    session = Session(folder)
    results = {}
    with np.load(inputs) as arrays:
        for name, signature in session.signatures.items():
            found = session.run(name, {key: arrays[key] for key in signature.inputs})
            results |= {f"{name}.{key}": values for key, values in found.items()}
    session.close()
    np.savez(outputs, **results)
    print(*{"keras", "tensorflow", "tensorflow_probability"} & set(sys.modules), flush=True)
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory, fitted_of):
    """A case's name -> its fitted model, the folder of its export, and that one loaded."""

    @cache
    def export(name):
        model = fitted_of(name).model
        keras.utils.set_random_seed(0)
        folder = model.export(tmp_path_factory.mktemp("models") / name.replace(" ", "-"))
        return model, folder, Servable(folder)

    return export


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """All outputs of an exported folder by TensorFlow's C API, in a process without its package."""
    folder = tmp_path_factory.mktemp("runtime")
    process = subprocess.Popen(
        [sys.executable, "-c", RUNTIME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )

    def run(version, inputs):
        np.savez(folder / "inputs.npz", **inputs)
        print(version, "inputs.npz", "outputs.npz", file=process.stdin, flush=True)
        assert process.stdout.readline() == "\n"  # none of the heavy packages
        with np.load(folder / "outputs.npz", allow_pickle=True) as outputs:
            return dict(outputs)

    yield run
    process.communicate()


@pytest.fixture(scope="module", params=[*SERVED, *slow(MORE)], ids=str)
def case(request):
    return request.param


def draws(case):
    return issubclass(case.cls, Generative)


@pytest.fixture(
    scope="module", params=[*filter(draws, SERVED), *slow(filter(draws, MORE))], ids=str
)
def generative(request):
    return request.param


def condition_of(case, num):
    """The `condition` of the model's own methods, and what its signatures are given."""
    if case.condition_dim is None:
        return {}, {}
    condition = case.data(num)[1]
    if "given" in case.arguments:
        return {"condition": condition}, {"condition": condition}
    return {"condition": condition}, {"label": condition.astype("int32")}


def as_float(case, num):
    x = case.data(num)[0]
    return x if x.dtype == np.float32 else np.asarray(x / 255, "float32")


def inputs_of(case, servable, num):
    """Values for every input that a signature may have."""
    z = servable.signatures["decode"].inputs["z"].tensor_shape.dim[1:]
    generator = np.random.default_rng(0)
    _, given = condition_of(case, num)
    return {
        "image": as_float(case, num),
        "z": generator.normal(size=(num, *(dim.size for dim in z))).astype("float32"),
        "seed": np.arange(7, 7 + num, dtype="int64"),
        "temperature": generator.uniform(0.5, 1.0, num).astype("float32"),
        **given,
    }


def assert_same(found, expected):
    """Integers are equal, pictures to a level, and floats but for the order of sums."""
    if found.dtype == object:
        found, expected = (
            np.stack([tf.io.decode_png(png) for png in pictures]).astype("float32")
            for pictures in (found, expected)
        )
        np.testing.assert_allclose(found, expected, atol=1)
    elif np.issubdtype(found.dtype, np.integer):
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_signatures_have_named_inputs_and_outputs_with_a_free_batch(case, exported):
    model, folder, servable = exported(case.name)
    generative = isinstance(model, Generative)
    expected = CODING | (DRAWING if generative else set()) | {"serving_default"}
    signatures = {name for name in servable.signatures if not name.startswith("__")}
    assert signatures == expected
    given = set(condition_of(case, 1)[1])
    inputs = {"encode": {"image"}, "decode": {"z"}, "reconstruct": {"image"}}
    outputs = {"decode": {"image"}, "reconstruct": {"image"}, "encode": {"code"}}
    if generative:
        outputs["encode"] = {"z_mean", "z_log_var"}
        inputs |= {"sample": {"seed", "temperature"}, "sample_png": {"seed", "temperature"}}
        inputs |= {"elbo": {"image", "seed"}, "log_prob": {"image", "seed"}}
        outputs |= {"sample": {"image", "seed"}, "sample_png": {"png_bytes", "seed"}}
        outputs |= {"elbo": {"elbo", "reconstruction_log_prob", "kl"}, "log_prob": {"log_prob"}}
    default = "sample" if generative else "reconstruct"
    inputs["serving_default"], outputs["serving_default"] = inputs[default], outputs[default]
    for name in expected:
        signature = servable.signatures[name]
        assert set(signature.inputs) == inputs[name] | given
        assert set(signature.outputs) == outputs[name]
        for tensor in [*signature.inputs.values(), *signature.outputs.values()]:
            assert tensor.tensor_shape.dim[0].size == -1
    card = json.loads((folder / "card.json").read_text())
    assert card["model"] == type(model).__name__
    assert set(card["signatures"]) == expected


def test_coding_signatures_equal_the_model(case, exported):
    model, _, servable = exported(case.name)
    x = as_float(case, 5)
    condition, given = condition_of(case, 5)
    encoded = servable("encode", image=x, **given)
    code = encoded["z_mean" if isinstance(model, Generative) else "code"]
    np.testing.assert_allclose(code, model.encode(x, **condition), atol=1e-5)
    np.testing.assert_allclose(
        servable("decode", z=code, **given)["image"], model.decode(code, **condition), atol=1e-5
    )
    for name in ("reconstruct", *([] if isinstance(model, Generative) else ["serving_default"])):
        np.testing.assert_allclose(
            servable(name, image=x, **given)["image"], model.reconstruct(x, **condition), atol=1e-5
        )


def test_the_log_variance_is_the_posteriors(generative, exported):
    model, _, servable = exported(generative.name)
    x = as_float(generative, 5)
    _, given = condition_of(generative, 5)
    inputs, y = model.as_inputs(x, next(iter(given.values()), None))
    variance = model.posterior(inputs, y).variance()
    log_variance = servable("encode", image=x, **given)["z_log_var"]
    np.testing.assert_allclose(np.exp(log_variance), variance, rtol=1e-4)


def drawing(num, seed=7, temperature=0.7):
    return {
        "seed": np.arange(seed, seed + num, dtype="int64"),
        "temperature": np.full(num, temperature, "float32"),
    }


def test_samples_equal_the_models(generative, exported):
    model, _, servable = exported(generative.name)
    condition, given = condition_of(generative, 6)
    images = model.sample(6, seed=7, temperature=0.7, **condition)
    for name in ("sample", "serving_default"):
        outputs = servable(name, **drawing(6), **given)
        np.testing.assert_allclose(outputs["image"], images, atol=1e-5)
        np.testing.assert_array_equal(outputs["seed"], np.arange(7, 13))
    pictures = servable("sample_png", **drawing(6), **given)
    for image, png in zip(images, pictures["png_bytes"], strict=True):
        decoded = tf.io.decode_png(png).numpy()
        assert decoded.shape == image.shape
        assert np.abs(decoded - 255 * np.clip(image, 0, 1)).max() <= 0.5 + 1e-2


def test_scores_equal_the_models(generative, exported):
    model, _, servable = exported(generative.name)
    x = as_float(generative, 6)
    condition, given = condition_of(generative, 6)
    seed = np.full(6, 3, "int64")
    scores = servable("elbo", image=x, seed=seed, **given)
    np.testing.assert_allclose(scores["elbo"], model.elbo(x, seed=3, **condition), atol=1e-3)
    np.testing.assert_allclose(
        scores["elbo"], scores["reconstruction_log_prob"] - scores["kl"], atol=1e-4
    )
    log_prob = servable("log_prob", image=x, seed=seed, **given)["log_prob"]
    inputs = model.as_inputs(x, next(iter(given.values()), None))
    noise = Noise.for_rows(tf.constant(seed), tf.constant(x))
    observed = model.observed(*inputs, noise)
    log_sum, _ = log_sums(model, *observed, noise, num_samples=50, samples_at_a_time=5)
    np.testing.assert_allclose(log_prob, log_sum - np.log(50), atol=1e-3)


@pytest.mark.parametrize(
    "case",
    [
        *BY_THE_C_RUNTIME,
        *slow(case for case in (*CASES, *VARIANTS) if case not in BY_THE_C_RUNTIME),
    ],
    ids=str,
)
def test_the_c_runtime_gives_the_same(case, exported, runtime):
    _, folder, servable = exported(case.name)
    inputs = inputs_of(case, servable, 5)
    outputs = runtime(folder, inputs)
    for name in CODING | {"serving_default"} | (DRAWING & set(servable.signatures)):
        taken = servable.signatures[name].inputs
        expected = servable(name, **{key: inputs[key] for key in taken})
        for key, values in expected.items():
            assert_same(outputs.pop(f"{name}.{key}"), values)
    assert not outputs


@pytest.mark.parametrize("name", ["cvae dense", "vae convolutional"])
@pytest.mark.parametrize("signature", sorted(CODING | DRAWING))
def test_a_row_does_not_depend_on_its_batch(name, signature, exported):
    _, _, servable = exported(name)
    inputs = inputs_of(named(name), servable, 257)
    asked = {key: inputs[key] for key in servable.signatures[signature].inputs}
    whole = servable(signature, **asked)
    order = np.random.default_rng(0).permutation(257)
    for rows in (order, *map(np.arange, BATCH_SIZES)):
        part = servable(signature, **{key: values[rows] for key, values in asked.items()})
        for key, values in part.items():
            assert_same(values, whole[key][rows])


def test_seeds_below_zero_are_fresh_and_come_back(generative, exported):
    _, folder, servable = exported(generative.name)
    again = Servable(folder)
    _, given = condition_of(generative, 8)
    asked = {**drawing(8), "seed": np.array([-1] * 7 + [5], "int64")}
    draws = [each("sample", **asked, **given) for each in (servable, again, servable)]
    seeds = np.concatenate([draw["seed"][:7] for draw in draws])
    assert len(set(seeds.tolist())) == 21
    assert seeds.min() >= 0
    assert seeds.max() < 2**53
    assert [draw["seed"][7] for draw in draws] == [5, 5, 5]
    for draw in draws:
        replayed = again("sample", **{**asked, "seed": draw["seed"]}, **given)
        np.testing.assert_allclose(replayed["image"], draw["image"], atol=1e-5)
        np.testing.assert_array_equal(replayed["seed"], draw["seed"])


@pytest.mark.parametrize(
    "name",
    [
        "cvae dense",
        pytest.param("cvae convolutional", marks=pytest.mark.slow),
        pytest.param("cvae learned prior", marks=pytest.mark.slow),
    ],
)
def test_a_label_out_of_range_spoils_its_own_row_alone(name, exported):
    case = named(name)
    _, _, servable = exported(name)
    label = np.array([0, -1, 1, 3, 2, 2**31 - 1], "int32")
    good, bad = [0, 2, 4], [1, 3, 5]
    x = as_float(case, 6)
    inputs = {
        "encode": {"image": x},
        "decode": {"z": np.zeros((6, 3), "float32")},
        "reconstruct": {"image": x},
        "sample": drawing(6),
        "elbo": {"image": x, "seed": np.arange(6)},
        "log_prob": {"image": x, "seed": np.arange(6)},
    }
    for signature, values in inputs.items():
        outputs = servable(signature, **values, label=label)
        alone = servable(
            signature, **{key: rows[good] for key, rows in values.items()}, label=label[good]
        )
        for key, rows in outputs.items():
            np.testing.assert_allclose(rows[good], alone[key], atol=1e-4)
            assert key == "seed" or np.all(np.isnan(rows[bad]))
    png = servable("sample_png", **drawing(6), label=label)["png_bytes"]
    assert [bool(picture) for picture in png] == [True, False] * 3


OUT_OF_RANGE = {"image": [1.5, -0.1, np.nan], "temperature": [-1.0, np.inf, np.nan], "z": [np.inf]}


@pytest.mark.parametrize("signature", sorted(CODING | DRAWING))
def test_numbers_out_of_range_spoil_their_own_row_alone(signature, exported):
    _, _, servable = exported("vae dense")
    inputs = inputs_of(named("vae dense"), servable, 6)
    asked = {key: inputs[key] for key in servable.signatures[signature].inputs}
    expected = servable(signature, **asked)
    for name in asked.keys() & OUT_OF_RANGE.keys():
        for value in OUT_OF_RANGE[name]:
            spoilt = asked[name].copy()
            spoilt[4].reshape(-1)[-1:] = value
            if spoilt.ndim == 1:
                spoilt[4] = value
            outputs = servable(signature, **{**asked, name: spoilt})
            for key, values in outputs.items():
                rows = np.arange(6) != 4
                assert_same(values[rows], expected[key][rows])
                if values.dtype == object:
                    assert values[4] == b""
                elif key != "seed":
                    assert np.isnan(values[4]).all()


def test_keras_reads_the_model_inside(case, exported):
    model, folder, _ = exported(case.name)
    loaded = keras.saving.load_model(folder / "model.keras")
    x = case.data(4)[0]
    condition, _ = condition_of(case, 4)
    np.testing.assert_allclose(
        loaded.encode(x, **condition), model.encode(x, **condition), atol=1e-6
    )
