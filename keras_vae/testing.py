"""What every model of this library can be relied on for, as one check for a variant of your own.

In your tests, with your own class and networks as small as you like:

    keras_vae.testing.check_model(MyVAE(encoder, decoder, weight=2.0))

Each property is a function here that yields what is wrong with a model. Nothing here knows a
variant: what is asked of all must be asked of the base.
"""

from __future__ import annotations

import inspect
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.models import Generative, LatentModel
from keras_vae.noise import Noise
from keras_vae.rows import Array

_ROWS = 12
_BATCH_SIZE = 4
_STEPS = 3

_FROM_NOISE = "draw every random number from `noise`, never from a generator."
_IN_CONSTRUCTOR = "is lost in a .keras file; make every weight in the constructor."


class ConformanceError(AssertionError):
    """A model lacks a property; the message names the class and the property, and what to do."""


def check_model(model: LatentModel) -> None:
    """Checks that a variant keeps what this library promises of every model, in some seconds.

    The properties, in this order: registration, config round trip, loss terms, noise, config
    values, gradients, exact means, same seed same weights, save and load, arrays. The model is run
    on random data in (0, 1) of its own shape, with one-hot conditions if it takes any. It is left
    as it is: whatever is fitted is a copy. Networks with dropout draw numbers of their own and fail
    the property noise: a fit that stopped cannot go on as if it had not.

    Args:
        model: A small model, best with no argument at its default: then a config that forgets the
            value of one is seen.

    Raises:
        ConformanceError: An `AssertionError` that names the first property that fails.
        UserError: When `model` is not a `LatentModel`.
    """
    if not isinstance(model, LatentModel):
        raise UserError(
            f"check_model takes a keras_vae.models.LatentModel. Received {type(model).__name__}; "
            "derive your class from LatentModel or from one of its variants."
        )
    for check in _PROPERTIES:
        cause = None
        try:
            fault = next(check(model), None)
        except Exception as error:  # Whatever a variant raises is its failure of this property.
            fault, cause = f"{type(error).__name__}: {error}", error
        if fault is not None:
            name = check.__name__.strip("_").replace("_", " ")
            message = f"{type(model).__name__} fails the property {name!r}: {fault}"
            raise ConformanceError(message) from cause


# --- properties ---


def _registration(model: LatentModel) -> Iterator[str]:
    """Keras finds the class by its registered name, in a new process too."""
    cls = type(model)
    if keras.saving.get_registered_object(keras.saving.get_registered_name(cls)) is not cls:
        yield (
            "Keras does not know the class when it loads a file; decorate it with "
            '@keras.saving.register_keras_serializable("your_package").'
        )


def _config_round_trip(model: LatentModel) -> Iterator[str]:
    """The config is plain data that holds every argument, and makes a model of the same config."""
    config = model.get_config()
    parameters = list(inspect.signature(type(model).__init__).parameters.values())[1:]  # no `self`
    for parameter in parameters:
        is_named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if is_named and parameter.name not in config:
            yield f"get_config() lacks {parameter.name!r}, an argument of the constructor; add it."
    copy = _copy(model)
    if json.dumps(copy.get_config(), sort_keys=True) != json.dumps(config, sort_keys=True):
        yield "from_config(get_config()) has another config; keep every argument as it was given."


def _loss_terms(model: LatentModel) -> Iterator[str]:
    """`loss_terms` gives one finite number per example and term."""
    copy = _copy(model)
    for training in (True, False):
        terms = _call_loss_terms(copy, training)
        if not isinstance(terms, dict) or not terms:
            given = "an empty dict" if isinstance(terms, dict) else type(terms).__name__
            yield f"loss_terms gives {given}; expected a dict from names to tensors (batch,)."
        for name, term in terms.items():
            shape = tuple(term.shape)
            if shape != (_ROWS,):
                yield (
                    f"the term {name!r} has shape {shape} for {_ROWS} examples; expected "
                    f"({_ROWS},): sum over each example's axes and leave the batch's to the base."
                )
            if term.dtype != tf.float32:
                yield f"the term {name!r} is {term.dtype.name}; expected float32: cast it."
            if not np.all(np.isfinite(term)):
                yield f"the term {name!r} is not finite with training={training}."
        for name in copy.elbo_terms:
            if name not in terms:
                yield f"elbo_terms has {name!r}, and loss_terms gives only {sorted(terms)}."


def _noise(model: LatentModel) -> Iterator[str]:
    """The terms are a function of weights, data and `noise`; noise goes with its row."""
    copy = _copy(model)
    for training in (True, False):
        terms, again = _terms(copy, training=training), _terms(copy, training=training)
        for name, values in terms.items():
            if not _close(again[name], values):
                yield f"the term {name!r} changes at each call with the same noise; {_FROM_NOISE}"
    order = np.random.default_rng(1).permutation(_ROWS)
    permuted, alone = _terms(copy, rows=order), _terms(copy, rows=order[:1])
    for name, values in terms.items():
        if not _close(permuted[name], values[order]):
            yield f"an example's term {name!r} depends on its place in the batch; {_FROM_NOISE}"
    for name in copy.elbo_terms:
        if not _close(alone[name], terms[name][order[:1]]):
            yield (
                f"an example's term {name!r} depends on the rest of its batch, and a bound on its "
                "log p(x) must not; reduce over its own axes, or leave it out of elbo_terms."
            )


def _config_values(model: LatentModel) -> Iterator[str]:
    """The config holds the present value of every argument: a copy computes the same."""
    copied = _terms(_copy(model))
    for name, values in _terms(model).items():
        if not _close(copied[name], values):
            yield (
                f"from_config(get_config()) with the same weights gives another term {name!r}; "
                "get_config() must hold every argument with its present value."
            )


def _gradients(model: LatentModel) -> Iterator[str]:
    """Every trainable weight takes part in the loss."""
    copy = _copy(model)
    with tf.GradientTape() as tape:
        terms = _call_loss_terms(copy, training=True)
        loss = tf.add_n([tf.reduce_sum(term) for term in terms.values()])
    for weight, gradient in zip(
        copy.trainable_weights, tape.gradient(loss, copy.trainable_weights), strict=True
    ):
        if gradient is None:
            yield f"the weight {weight.path!r} has no gradient; use it, or set trainable=False."
        elif not np.all(np.isfinite(tf.convert_to_tensor(gradient))):
            yield f"the gradient of the weight {weight.path!r} is not finite."


def _exact_means(model: LatentModel) -> Iterator[str]:
    """`evaluate` gives the means over all examples, however short the last batch is."""
    copy = _copy(model)
    copy.compile("adam", jit_compile=False)
    data = _data(copy)
    logged = copy.evaluate(*data, batch_size=5, verbose=0, return_dict=True)
    batches = []
    for rows in np.split(np.arange(_ROWS), [5, 10]):
        batches.append(_terms(copy, rows, Noise.for_rows(copy.seed, tf.constant(data[0][rows]))))
    for name in batches[0]:
        mean = np.mean(np.concatenate([terms[name] for terms in batches]))
        if name not in logged or not _close(logged[name], mean):
            yield (
                f"evaluate logs {logged.get(name)} for the term {name!r}, and its mean over the "
                f"examples is {mean}; leave train_step, test_step and the metrics to the base."
            )


def _same_seed_same_weights(model: LatentModel) -> Iterator[str]:
    """Two fits agree bit for bit, stay finite and count their steps."""
    first, second = _copy(model), _copy(model)
    for copy in (first, second):
        copy.compile("adam")
        _fit(copy)
    for path, one, other in _weights(first, second):
        if not np.array_equal(one, other):
            yield f"two fits with one seed give two values of the weight {path!r}; {_FROM_NOISE}"
        if not np.all(np.isfinite(one)):
            yield f"the weight {path!r} is not finite after one epoch."
    steps = int(first.step) - int(model.step)
    if steps != _STEPS:
        yield f"{_STEPS} steps moved `step` by {steps}; leave train_step to the base."


def _save_and_load(model: LatentModel) -> Iterator[str]:
    """Training goes on from a file, weights and optimizer, as if it had not stopped."""
    copy = _copy(model)
    copy.compile("adam", jit_compile=False)
    _fit(copy)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        copy.save(path)
        loaded = keras.saving.load_model(path)
    for name, saved, read in _weights(copy, loaded):
        if not np.array_equal(saved, read):
            yield f"the weight {name!r} {_IN_CONSTRUCTOR}"
    state, loaded_state = copy.optimizer.variables, loaded.optimizer.variables
    if len(state) != len(loaded_state):
        yield f"the optimizer's state {_IN_CONSTRUCTOR}"
    for variable, read in zip(state, loaded_state, strict=True):
        if not np.array_equal(variable, read):
            yield f"the optimizer's {variable.path!r} {_IN_CONSTRUCTOR}"
    _fit(copy)
    _fit(loaded)
    for name, unbroken, resumed in _weights(copy, loaded):
        if not np.array_equal(unbroken, resumed):
            yield (
                f"training on from a .keras file gives another weight {name!r} than training on "
                "without a stop; keep in weights whatever changes while training."
            )


def _arrays(model: LatentModel) -> Iterator[str]:
    """Arrays in, arrays out: of the right shape, the same at every call, uint8 read as x / 255."""
    data, *conditions = _data(model)
    x = np.round(255 * data).astype(np.uint8)
    code = model.encode(x, *conditions)
    expected = (_ROWS, *model.latent_shape)
    if code.shape != expected:
        yield f"encode gives {code.shape}; expected {expected}."
    if not _close(code, model.encode(x, *conditions)):
        yield "encode changes from call to call; a code is the posterior's mean."
    if not _close(code, model.encode((x / 255).astype(np.float32), *conditions)):
        yield "encode reads uint8 data in another way than as x / 255."
    made = {
        "reconstruct": model.reconstruct(x, *conditions),
        "decode": model.decode(code, *conditions),
    }
    if isinstance(model, Generative):
        condition = conditions[0] if conditions else None
        later = None if condition is None else condition[1:]
        made["sample"] = model.sample(_ROWS, condition, seed=3)
        if not _close(made["sample"][1:], model.sample(_ROWS - 1, later, seed=4)):
            yield "row i of sample(num, seed=s) is not a function of s + i; leave it to the base."
    for name, values in made.items():
        if values.shape != data.shape:
            yield f"{name} gives {values.shape}; expected {data.shape}."
        if not np.all(np.isfinite(values)):
            yield f"{name} gives values that are not finite."


_PROPERTIES: tuple[Callable[[LatentModel], Iterator[str]], ...] = (
    _registration,
    _config_round_trip,
    _loss_terms,
    _noise,
    _config_values,
    _gradients,
    _exact_means,
    _same_seed_same_weights,
    _save_and_load,
    _arrays,
)

# --- parts ---


def _data(model: LatentModel) -> tuple[Array, ...]:
    """Random x (rows, *event_shape) in (0, 1), and one-hot conditions if the model takes any."""
    x = np.random.default_rng(0).random((_ROWS, *model.event_shape), np.float32)
    if model.condition_dim is None:
        return (x,)
    labels = np.arange(_ROWS) % model.condition_dim
    return x, np.eye(model.condition_dim, dtype=np.float32)[labels]  # (rows, condition_dim)


def _copy(model: LatentModel) -> LatentModel:
    """A model from the config, not compiled, with the same weights."""
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def _fit(model: LatentModel) -> None:
    """One epoch in a fixed order."""
    model.fit(*_data(model), batch_size=_BATCH_SIZE, shuffle=False, verbose=0)


def _call_loss_terms(
    model: LatentModel, training: bool, rows: Array | None = None, noise: Noise | None = None
) -> Any:
    """What `loss_terms` gives for all rows or some; a row's noise comes from its number."""
    rows = np.arange(_ROWS) if rows is None else rows
    noise = Noise.from_seeds(tf.constant(rows)) if noise is None else noise
    x, *conditions = (tf.constant(values[rows]) for values in _data(model))
    x, condition = model.observed(x, conditions[0] if conditions else None, noise)
    return model.loss_terms(x, condition, noise, training)


def _terms(
    model: LatentModel,
    rows: Array | None = None,
    noise: Noise | None = None,
    training: bool = False,
) -> dict[str, Array]:
    """The same as arrays, each (rows,)."""
    terms = _call_loss_terms(model, training, rows, noise)
    return {name: np.asarray(term) for name, term in terms.items()}


def _weights(one: LatentModel, other: LatentModel) -> Iterator[tuple[str, Array, Array]]:
    """The path of each weight, and its values in two copies of one model."""
    paths = [weight.path for weight in one.weights]
    return zip(paths, one.get_weights(), other.get_weights(), strict=True)


def _close(one: Any, other: Any) -> bool:
    """Whether two arrays agree but for the order in which sums were taken."""
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-4, atol=1e-4)
