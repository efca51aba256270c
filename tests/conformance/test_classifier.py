"""Every encoder can begin a classifier, an ordinary Keras model."""

import keras
import numpy as np
import pytest

from conformance.cases import PAIRS, named, slow
from conformance.compare import assert_close, assert_same
from keras_vae.errors import UserError

QUICK = [
    named("autoencoder dense"),
    named("convolutional autoencoder of feature maps"),
    named("hierarchical vae"),
    named("vae inverse autoregressive flow"),
]
UNCONDITIONAL = [case for case in PAIRS if case.condition_dim is None]
CONDITIONAL = [case for case in PAIRS if case.condition_dim is not None]


@pytest.mark.parametrize(
    "case", [*QUICK, *slow(case for case in UNCONDITIONAL if case not in QUICK)], ids=str
)
def test_a_classifier_begins_with_the_encoder(case, tmp_path):
    model = case.build()
    (x,) = case.data()
    y = np.arange(len(x)) % 3  # what the data show
    classifier = model.to_classifier(3)
    code = model.encode(x).reshape(len(x), -1)
    kernel, bias = classifier.layers[-1].get_weights()
    logits = code @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_close([classifier.predict(x, verbose=0)], [expected])

    before = [weight.copy() for weight in model.encoder.get_weights()]
    classifier.compile(
        keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = classifier.fit(x, y, epochs=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert not np.array_equal(before[0], model.encoder.get_weights()[0])

    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    assert_same([loaded.predict(x, verbose=0)], [classifier.predict(x, verbose=0)])


def test_uint8_is_read_as_the_model_reads_it():
    case = UNCONDITIONAL[0]
    classifier = case.build().to_classifier(3)
    x = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 1), dtype=np.uint8)
    as_floats = classifier.predict((x / 255).astype("float32"), verbose=0)
    assert_close([classifier.predict(x, verbose=0)], [as_floats])


@pytest.mark.parametrize("case", CONDITIONAL, ids=str)
def test_a_conditional_model_is_refused(case):
    with pytest.raises(UserError, match="sees the condition beside x"):
        case.build().to_classifier(3)
