"""A stack: layer by layer before, and as one network after."""

import keras
import numpy as np
import pytest

import keras_vae
from conformance.compare import assert_close, assert_same
from keras_vae.errors import UserError

X = np.random.default_rng(0).random((40, 4, 4, 1), "float32")
SIGMOID = {"name": "deterministic", "activation": "sigmoid"}
WEIGHTS = {"likelihood": "bernoulli", "posterior": SIGMOID}
KINDS = [
    lambda *pair: keras_vae.DenoisingAutoencoder(*pair, **WEIGHTS),
    lambda *pair: keras_vae.SparseAutoencoder(
        *pair, **WEIGHTS, sparsity={"name": "topk", "k": 3, "evaluation_factor": 2.0}
    ),
    lambda *pair: keras_vae.ContractiveAutoencoder(*pair, **WEIGHTS),
]
SIZES = [(4, 4, 1), (10,), (8,), (5,)]


def parts():
    keras.utils.set_random_seed(0)
    return [
        kind(
            *keras_vae.networks.dense(
                below, above[0], hidden=(), posterior=SIGMOID, likelihood="bernoulli"
            )
        )
        for kind, below, above in zip(KINDS, SIZES[:-1], SIZES[1:], strict=True)
    ]


@pytest.fixture(scope="module")
def pretrained():
    stack = keras_vae.StackedAutoencoder(parts())
    histories = stack.pretrain(X, epochs=2, batch_size=10, verbose=0, validation_data=X)
    return stack, histories


def composed(autoencoders, x):
    """Code and reconstruction by one autoencoder after the other."""
    code = x
    for part in autoencoders:
        code = part.encode(code)
    reconstruction = code
    for part in autoencoders[::-1]:
        reconstruction = part.decode(reconstruction)
    return code, reconstruction


def test_unrolled_network_equals_the_composed_layers(pretrained):
    stack, _ = pretrained
    code, reconstruction = composed(stack.autoencoders, X)
    assert_close([stack.encode(X), stack.reconstruct(X)], [code, reconstruction])
    stack.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    cross_entropy = -(X * np.log(reconstruction) + (1 - X) * np.log(1 - reconstruction))
    expected = cross_entropy.sum(axis=(1, 2, 3)).mean()
    assert stack.evaluate(X, verbose=0, return_dict=True)["loss"] == pytest.approx(expected, 1e-4)


def test_each_is_trained_on_the_codes_below_with_its_own_objective(pretrained):
    stack, histories = pretrained
    terms = [set(history.history) for history in histories]
    assert ["contraction" in names for names in terms] == [False, False, True]
    assert all({"loss", "val_loss"} <= names for names in terms)
    assert [int(part.step) for part in stack.autoencoders] == [8, 8, 8]
    alone = parts()
    codes = X
    for part, other in zip(alone, stack.autoencoders, strict=True):
        part.compile("adam")
        part.fit(codes, epochs=2, batch_size=10, verbose=0)
        codes = part.encode(codes)
        assert_same(part.get_weights(), other.get_weights())


def test_pretraining_one_leaves_the_others(pretrained):
    """Bit by bit: the first autoencoder alone is trained, then the rest is as it was made."""
    stack = keras_vae.StackedAutoencoder(parts())
    before = [part.get_weights() for part in stack.autoencoders]
    first = stack.autoencoders[0]
    first.compile("adam")
    first.fit(X, verbose=0)
    after = [part.get_weights() for part in stack.autoencoders]
    for old, new in zip(before[1:], after[1:], strict=True):
        assert_same(old, new)
    assert not np.array_equal(before[0][0], after[0][0])


def test_fine_tuning_trains_all_and_is_saved(tmp_path):
    stack = keras_vae.StackedAutoencoder(parts())
    before = stack.autoencoders[1].encoder.get_weights()[0]
    stack.compile("adam")
    stack.fit(X, batch_size=10, verbose=0)
    assert not np.array_equal(stack.autoencoders[1].encoder.get_weights()[0], before)
    stack.save(tmp_path / "stack.keras")
    loaded = keras.saving.load_model(tmp_path / "stack.keras")
    assert_same([loaded.reconstruct(X)], [stack.reconstruct(X)])
    assert_same(loaded.get_weights(), stack.get_weights())
    assert_close([loaded.reconstruct(X)], [composed(loaded.autoencoders, X)[1]])


def test_pretraining_twice_is_refused(pretrained):
    stack, _ = pretrained
    with pytest.raises(UserError, match=r"Autoencoder 1 of 3 has been trained .* pretrained once"):
        stack.pretrain(X)


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda parts: [], "Received none"),
        (lambda parts: parts[::2], r"Codes of shape \(10,\) .* data of shape \(8,\)"),
        (lambda parts: [keras.Sequential()], "Received a Sequential"),
    ],
)
def test_mistakes(choose, message):
    with pytest.raises(UserError, match=message):
        keras_vae.StackedAutoencoder(choose(parts()))
