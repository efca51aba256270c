"""Fit, evaluate and predict take what Keras takes; every form of some data means the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from conformance.cases import BATCH_SIZE, NUM, named
from conformance.compare import assert_close, assert_same
from keras_vae.errors import UserError

UINT8 = np.random.default_rng(0).integers(0, 256, (NUM, 8, 8, 1), dtype=np.uint8)
X = (UINT8 / 255).astype("float32")
Y = np.arange(NUM) % 3
ONE_HOT = np.eye(3, dtype="float32")[Y]
WEIGHTS = np.linspace(0.1, 2.0, NUM).astype("float32")


def batches(*arrays):
    """A `tf.data.Dataset` of batches of the arrays, or of tuples of them."""
    return tf.data.Dataset.from_tensor_slices(arrays[0] if len(arrays) == 1 else arrays).batch(
        BATCH_SIZE
    )


def one_tuple(*arrays):
    """The same, but that one array is a tuple too."""
    return tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH_SIZE)


# The arguments of fit and of evaluate; `sample_weight` is all that has to be told apart.
UNCONDITIONAL = {
    "float32": ([X], {}),
    "float64": ([X.astype("float64")], {}),
    "uint8": ([UINT8], {}),
    "tensor": ([tf.constant(X)], {}),
    "x and y": ([X, Y], {}),
    "list of x and y": ([[X, Y]], {}),
    "dataset": ([batches(X)], {}),
    "dataset of uint8": ([batches(UINT8)], {}),
    "dataset of (x,)": ([one_tuple(X)], {}),
    "dataset of (x, y)": ([batches(X, Y)], {}),
}
CONDITIONAL = {
    "float32 and int64": ([X, Y], {}),
    "uint8": ([UINT8, Y], {}),
    "int32 column": ([X, Y.astype("int32")[:, None]], {}),
    "uint8 labels": ([X, Y.astype("uint8")], {}),
    "one-hot": ([X, ONE_HOT], {}),
    "list of x and y": ([[X, Y]], {}),
    "dataset of (x, y)": ([batches(X, Y)], {}),
    "dataset of uint8": ([batches(UINT8, Y)], {}),
    "dataset of one-hot": ([batches(X, ONE_HOT)], {}),
}
UNCONDITIONAL_WEIGHTED = {
    "sample_weight": ([X], {"sample_weight": WEIGHTS}),
    "dataset of (x, y, weight)": ([batches(X, Y, WEIGHTS)], {}),
}
CONDITIONAL_WEIGHTED = {
    "sample_weight": ([X, Y], {"sample_weight": WEIGHTS}),
    "column": ([X, Y], {"sample_weight": WEIGHTS[:, None]}),
    "dataset of (x, y, weight)": ([batches(X, Y, WEIGHTS)], {}),
}
COMPILED = ("float32", "uint8", "dataset of (x,)")
FORMS = {
    # An autoencoder is soon compiled by XLA, and a VAE without; the CVAE goes without a graph.
    ("autoencoder dense", False): {form: UNCONDITIONAL[form] for form in COMPILED},
    ("autoencoder dense", True): UNCONDITIONAL_WEIGHTED,
    ("vae dense", False): UNCONDITIONAL,
    ("cvae dense", False): CONDITIONAL,
    ("vae dense", True): UNCONDITIONAL_WEIGHTED,
    ("cvae dense", True): CONDITIONAL_WEIGHTED,
}
SAME_SHAPES = {"float64", "tensor", "list of x and y", "dataset of uint8", "uint8 labels"}
"""Are unpacked as another form is."""
EVERY_FORM = [
    pytest.param(
        *(name, weighted, form),
        id=f"{name}, {form}",
        marks=[pytest.mark.slow] if form in SAME_SHAPES else [],
    )
    for (name, weighted), forms in FORMS.items()
    for form in forms
]


class Tried:
    """One model that every form is given to, from the same weights."""

    def __init__(self, name):
        self.name = name
        self.model = named(name).build()
        self.initial = self.model.get_weights()
        how = {"vae": {"jit_compile": False}, "cvae": {"run_eagerly": True}}
        self.model.compile(keras.optimizers.SGD(1e-3), **how.get(name.split()[0], {}))
        self.known = {}

    def run(self, weighted, form):
        """The weights after an epoch and the scores before it; a form is tried only once."""
        if (weighted, form) not in self.known:
            arguments, weights = FORMS[self.name, weighted][form]
            is_data = isinstance(arguments[0], tf.data.Dataset)
            size = {} if is_data else {"batch_size": BATCH_SIZE}
            self.model.set_weights(self.initial)
            scores = self.model.evaluate(*arguments, **weights, **size, verbose=0, return_dict=True)
            self.model.fit(*arguments, **weights, **size, shuffle=False, verbose=0)
            self.known[weighted, form] = self.model.get_weights(), scores
        return self.known[weighted, form]


@pytest.fixture(scope="module")
def tried():
    return {name: Tried(name) for name, _ in FORMS}


@pytest.mark.parametrize(("name", "weighted", "form"), EVERY_FORM)
def test_every_form_means_the_same(tried, name, weighted, form):
    first = next(iter(FORMS[name, weighted]))
    expected_weights, expected_scores = tried[name].run(weighted, first)
    weights, scores = tried[name].run(weighted, form)
    assert_close(weights, expected_weights)
    assert scores == pytest.approx(expected_scores, rel=1e-5)
    moved = [np.abs(a - b).max() for a, b in zip(weights, tried[name].initial, strict=True)]
    assert min(moved) > 1e-5


def test_weights_count(tried):
    weighted, scores = tried["vae dense"].run(True, "sample_weight")
    plain, plain_scores = tried["vae dense"].run(False, "float32")
    assert abs(scores["loss"] - plain_scores["loss"]) > 1e-3
    assert max(np.abs(a - b).max() for a, b in zip(weighted, plain, strict=True)) > 1e-4


@pytest.mark.parametrize("name", ["vae dense", "cvae dense"])
@pytest.mark.parametrize("form", ["arrays", "arrays and weights", "dataset"])
def test_validation_data(tried, name, form):
    model = tried[name].model
    data = named(name).data(20)
    weight = {"sample_weight": WEIGHTS[:20]} if form == "arrays and weights" else {}
    scores = model.evaluate(*data, **weight, verbose=0, return_dict=True)
    validation_data = {
        "arrays": data,  # (x_test,) or (x_test, y_test)
        "arrays and weights": (data[0], data[1] if len(data) > 1 else None, WEIGHTS[:20]),
        "dataset": one_tuple(*data),
    }[form]
    model.optimizer.learning_rate = 0.0
    x = [X] if len(data) == 1 else [X, Y]
    history = model.fit(*x, batch_size=BATCH_SIZE, verbose=0, validation_data=validation_data)
    model.optimizer.learning_rate = 1e-3
    found = {name: values[0] for name, values in history.history.items() if "val_" in name}
    assert found == pytest.approx({f"val_{key}": value for key, value in scores.items()}, rel=1e-5)


def test_validation_split():
    model = named("vae dense").build()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    scores = model.evaluate(X[40:], verbose=0, return_dict=True)
    history = model.fit(X, validation_split=0.2, verbose=0).history
    assert history["val_elbo"][0] == pytest.approx(scores["elbo"], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("vae dense", X),
        ("vae dense", UINT8),
        ("vae dense", batches(X)),
        ("vae dense", one_tuple(X)),
        ("vae dense", batches(X, Y)),
        ("vae dense", [X, Y]),
        ("cvae dense", [X, Y]),
        ("cvae dense", [UINT8, ONE_HOT]),
        ("cvae dense", tf.data.Dataset.from_tensor_slices(((X, Y),)).batch(BATCH_SIZE)),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_predict_reconstructs(tried, name, inputs):
    model = tried[name].model
    condition = [Y] if model.condition_dim else []
    found = model.predict(inputs, batch_size=BATCH_SIZE, verbose=0)
    assert found.shape == X.shape
    assert_close([found], [model.reconstruct(X, *condition)])


def test_call_reconstructs(tried):
    model = tried["cvae dense"].model
    assert_same([model((X, Y))], [model([X, ONE_HOT])])
    assert_close([model((X, Y))], [model.reconstruct(X, Y)])


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("vae dense", (X, X), r"fit\(x\), not fit\(x, x\)"),
        ("vae dense", (X[:, :7],), r"shape \(\w+, 7, 8, 1\)"),
        ("vae dense", (UINT8.astype("int64"),), "dtype int64"),
        ("cvae dense", (X,), "needs a condition"),
        ("cvae dense", (X, ONE_HOT[:, :2]), "a condition of shape"),
    ],
    ids=["target", "shape", "dtype", "no condition", "condition's width"],
)
def test_mistakes_are_told(name, arguments, words):
    model = named(name).build()
    model.compile()
    with pytest.raises(UserError, match=words):
        model.fit(*arguments, verbose=0)


@pytest.mark.parametrize("mistake", [(X, X), (X[:, :7],), (UINT8.astype("int64"),)])
def test_a_mistake_leaves_the_model_as_it_was(mistake):
    model = named("vae convolutional").build()
    model.compile()
    with pytest.raises(UserError):
        model.fit(*mistake, verbose=0)
    assert np.isfinite(model.fit(X, verbose=0).history["loss"][0])


def test_shapes_are_told_whatever_was_seen_before():
    model = named("cvae dense").build()
    model.compile(jit_compile=False)
    for condition in (Y, Y[:, None], ONE_HOT.astype("uint8"), ONE_HOT):
        model.fit(X, condition, verbose=0)
        model.encode(X, condition)
    model.encode(X[:7], Y[:7])
    for wrong, message in (
        (X[0], r"one example, of shape \(8, 8, 1\)"),
        (X[:, :4, :4], r"shape \(\d+, 4, 4, 1\); .* rows of \(8, 8, 1\)"),
    ):
        for use in (model.encode, model.elbo, model.fit):
            with pytest.raises(UserError, match=message):
                use(wrong, Y[: len(wrong)])
    with pytest.raises(UserError, match=r"a condition of shape \(50, 2\)"):
        model.fit(X, ONE_HOT[:, :2], verbose=0)


@pytest.mark.parametrize(
    "name",
    [
        "cvae dense",
        pytest.param("vae dense", marks=pytest.mark.slow),
        pytest.param("vae convolutional", marks=pytest.mark.slow),
    ],
)
def test_one_batch_at_a_time(name):
    case = named(name)
    models = [case.build(), case.build()]
    for model in models:
        model.compile(keras.optimizers.SGD(1e-3))
    models[0].train_on_batch(*case.data(10))
    models[1].fit(*case.data(10), batch_size=10, shuffle=False, verbose=0)
    assert_close(models[0].get_weights(), models[1].get_weights())
    assert int(models[0].step) == 1
    found = models[0].test_on_batch(*case.data(10), return_dict=True)
    assert found == pytest.approx(models[1].evaluate(*case.data(10), verbose=0, return_dict=True))
    inputs = case.data(10) if case.condition_dim else case.data(10)[0]
    assert models[0].predict_on_batch(inputs).shape == (10, 8, 8, 1)


def test_no_rows():
    model = named("vae dense").build()
    model.compile()
    for use in (model.fit, model.evaluate, model.predict, model.elbo):
        with pytest.raises(UserError, match="at least one row"):
            use(X[:0])


def test_label_out_of_range_is_refused():
    model = named("cvae dense").build()
    with pytest.raises(UserError, match="labels from 0 to 3; expected them from 0 to 2"):
        model.encode(X[:4], np.arange(4))
    model.compile(run_eagerly=True)
    with pytest.raises(UserError, match="labels from 0 to 3; expected them from 0 to 2"):
        model.evaluate(X[:4], np.arange(4))
    with pytest.raises(UserError, match="labels from 0 to 3; expected them from 0 to 2"):
        model.predict([X[:4], tf.range(4)])
    for labels in (np.arange(4), np.arange(4)[:, None], np.arange(4, dtype="uint8")):
        with pytest.raises(UserError, match="labels from 0 to 3; expected them from 0 to 2"):
            model.evaluate(batches(X[:4], labels), verbose=0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cvae dense", np.nan, "^The condition has NaN or infinite values"),
        ("completion cvae dense", 255.0, "^The condition ranges from .* to 255"),
    ],
)
def test_conditions_of_a_stream_that_cannot_be(name, value, message):
    case = named(name)
    x, y = case.data()
    y = np.eye(3, dtype="float32")[y] if y.ndim == 1 else y.copy()
    y[-1, 0] = value
    model = case.build()
    model.compile(run_eagerly=True)
    with pytest.raises(UserError, match=message):
        model.fit(batches(x, y), verbose=0)
    with pytest.raises(UserError, match=message):
        model.evaluate(batches(x, y), verbose=0)


RANGE = r"^x ranges from .* the likelihood takes 0 to 1"


@pytest.mark.parametrize(
    ("values", "message"),
    [(255 * X, RANGE), (X - 0.5, RANGE), (np.where(X > 0.5, np.nan, X), "^x has NaN or infinite")],
)
def test_values_that_the_likelihood_cannot_take(values, message):
    model = named("vae dense").build()
    model.compile()
    for use in (model.fit, model.evaluate, model.predict, model.elbo, model.encode):
        with pytest.raises(UserError, match=message):
            use(values)
        with pytest.raises(UserError, match=message):
            use(tf.constant(values))
    for form in ((values,), values):
        with pytest.raises(UserError, match=message):
            model.fit(X, validation_data=form)
    for use in (model.fit, model.evaluate, model.predict):
        with pytest.raises(UserError, match=message):
            use([values, Y])
    assert int(model.step) == 0


def test_a_corruption_asks_for_its_range_where_it_is_used():
    """Noisy data are what a denoising autoencoder reconstructs."""
    networks = keras_vae.networks.dense((4,), 2, posterior="deterministic")
    model = keras_vae.DenoisingAutoencoder(*networks, corruption="gaussian")
    model.compile(run_eagerly=True)
    noisy = np.linspace(-0.5, 1.5, 12, dtype="float32").reshape(3, 4)
    for values in (noisy, tf.data.Dataset.from_tensors(noisy)):
        with pytest.raises(UserError, match=r"corruption takes 0 to 1: .* a value_range"):
            model.fit(values, verbose=0)
        assert model.predict(values, verbose=0).shape == (3, 4)
        assert np.isfinite(model.evaluate(values, verbose=0, return_dict=True)["loss"])


@pytest.mark.parametrize("name", ["vae convolutional", "cvae dense"])
def test_values_of_a_stream_that_the_likelihood_cannot_take(name):
    """Of any of its batches; the two are compiled in different ways."""
    model = named(name).build()
    model.compile()
    y = [Y] if model.condition_dim else []
    late = X.copy()
    late[-1, 0, 0, 0] = 255
    with pytest.raises(UserError, match=RANGE):
        model.fit(batches(late, *y), verbose=0)
    with pytest.raises(UserError, match=RANGE):
        model.evaluate(batches(late, *y), verbose=0)
    inputs = tf.data.Dataset.from_tensors(((late, *y),) if y else late)
    with pytest.raises(UserError, match=RANGE):
        model.predict(inputs, verbose=0)
    with pytest.raises(UserError, match=RANGE):
        model.fit(X, *y, validation_data=batches(late, *y), verbose=0)


@pytest.mark.parametrize(
    "name", ["vae convolutional", pytest.param("vae dense", marks=pytest.mark.slow)]
)
def test_as_many_steps_as_asked_for(name):
    """Though an execution has 20 of them; the two are compiled in different ways."""
    model = named(name).build()
    model.compile("sgd")
    endless = batches(X).repeat()
    model.fit(endless, steps_per_epoch=6, epochs=2, verbose=0)
    assert int(model.step) == 12
    model.fit(endless, validation_data=endless, steps_per_epoch=3, validation_steps=2, verbose=0)
    assert int(model.step) == 15
    assert model.predict(endless, steps=2, verbose=0).shape == (2 * BATCH_SIZE, 8, 8, 1)
    some = model.evaluate(endless, steps=2, verbose=0)
    assert some == pytest.approx(model.evaluate(X[: 2 * BATCH_SIZE], verbose=0), rel=1e-5)
    assert model.steps_per_execution == 40
