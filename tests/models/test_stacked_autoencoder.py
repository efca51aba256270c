"""A stack: layer by layer before, and as one network after."""

import keras
import numpy as np
import pytest
import tensorflow as tf

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


@pytest.mark.slow
def test_pretraining_one_leaves_the_others():
    """Bit by bit: whatever layer is trained, the rest is as it was when that began."""
    stack = keras_vae.StackedAutoencoder(parts())
    begun, ended = [], []

    def all_weights(*_):
        return [part.get_weights() for part in stack.autoencoders]

    snapshots = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: begun.append(all_weights()),
        on_train_end=lambda logs: ended.append(all_weights()),
    )
    stack.pretrain(X, verbose=0, callbacks=[snapshots])
    for trained, (before, after) in enumerate(zip(begun, ended, strict=True)):
        for layer, (old, new) in enumerate(zip(before, after, strict=True)):
            if layer == trained:
                assert not np.array_equal(old[0], new[0])
            else:
                assert_same(old, new)
    assert len(ended) == 3


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
    with pytest.raises(UserError, match=r"number 1, 2, 3 have been trained: .* pretrained once"):
        stack.pretrain(X)


def test_pretraining_after_fit_is_refused():
    stack = keras_vae.StackedAutoencoder(parts())
    stack.compile("adam", run_eagerly=True)
    stack.fit(X, verbose=0)
    with pytest.raises(UserError, match="fitted for 2 steps, and pretraining comes before"):
        stack.pretrain(X)


def test_pretraining_takes_arrays():
    with pytest.raises(UserError, match=r"takes an array .*fit\(\) takes those"):
        keras_vae.StackedAutoencoder(parts()).pretrain(tf.data.Dataset.from_tensors(X))


@pytest.mark.parametrize("key", ["posterior", "likelihood"])
def test_densities_are_those_of_the_autoencoders(key):
    with pytest.raises(UserError, match=f"takes no '{key}'"):
        keras_vae.StackedAutoencoder(parts(), **{key: "normal"})


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
