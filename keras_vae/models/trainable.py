"""How Keras trains and evaluates every model: one step, on whatever terms its loss has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.graph_errors import told
from keras_vae.models._arrays_of_fit import batches_of_arrays
from keras_vae.models._compiled_steps import CompiledSteps
from keras_vae.models._executions import whole_executions
from keras_vae.models._inputs import Inputs
from keras_vae.models._metrics import TermMeans
from keras_vae.models._progress import with_progress_bar
from keras_vae.models._replicas import global_gradients, global_rows
from keras_vae.models._replicated_steps import replicated_steps
from keras_vae.models.shuffled_batches import ShuffledBatches
from keras_vae.noise import Noise, Tensor

STEPS_PER_EXECUTION = 40


class Trainable(Inputs, keras.Model):
    """A `keras.Model` that is its own loss, and whose noise is a function of seed, step and row.

    A part of `LatentModel`, which has the attributes and fills `loss_terms`.
    """

    seed: int
    step: Any
    supports_jit: bool
    is_distributed: bool
    term_means: TermMeans
    loss_terms: Callable[..., dict[str, Tensor]]
    loss_weights: Callable[[], Mapping[str, Tensor | float]]
    observed: Callable[..., tuple[Tensor, Tensor | None]]
    train_function: Any
    test_function: Any
    elbo_terms: tuple[str, ...] = ()
    """The loss terms whose negative sum is the evidence lower bound, where there is one."""

    # --- compile ---

    def compile(
        self,
        optimizer: Any = "adam",
        loss: None = None,
        *,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int | None = None,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training as `keras.Model.compile` does, but that the model is its own loss.

        Args:
            optimizer: A Keras optimizer or its name.
            loss: None: stands here because others' models have one.
            metrics: Keras metrics, called with (x, reconstruction).
            weighted_metrics: The same, with the sample weights.
            run_eagerly: Whether to run without graphs, for debugging.
            steps_per_execution: Training steps per call of the compiled function. The default is
                40, or 1 when running eagerly: 20 to 40 % less time per epoch for a small dense
                network than with 1.
            jit_compile: Whether to compile with XLA. "auto" does so for dense networks, and for
                convolutions on a GPU.
            **kwargs: Passed on to `keras.Model.compile`.

        Raises:
            UserError: When `loss` is given.
        """
        if loss is not None or kwargs.get("loss_weights") is not None:
            raise UserError(
                f"{type(self).__name__}.compile() takes no `loss`: its likelihood is its loss. "
                'Choose that in the constructor: likelihood="bernoulli", or likelihood="normal".'
            )
        if steps_per_execution is not None and steps_per_execution < 1:
            raise UserError(f"steps_per_execution is at least 1. Received {steps_per_execution!r}.")
        if steps_per_execution is None:
            steps_per_execution = 1 if run_eagerly else STEPS_PER_EXECUTION
        self._has_user_metrics = bool(metrics or weighted_metrics)
        self.term_means.track([*self._try_loss_terms(), *(["elbo"] if self.elbo_terms else [])])
        super().compile(
            optimizer,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            **kwargs,
        )
        self._jit_choice = jit_compile
        if jit_compile == "auto" and not run_eagerly:
            # Keras' own rule leaves XLA out on CPUs.
            self.jit_compile = all(map(_compiles, self._flatten_layers()))
        # Op by op, random bits are hundreds of small operations and an optimizer goes through the
        # weights a dozen times. What replicas tell each other, XLA cannot compile on CPUs.
        compiles = bool(jit_compile) and not run_eagerly
        self._observe = _program(
            self._observed, compiles and bool(self.likelihood_layer.supports_jit)
        )
        self._differentiate = _program(
            self._gradients, self.is_distributed and bool(self.jit_compile)
        )
        self._update = _program(self._updated, compiles and not self.is_distributed)
        # Now, not in the first step: weights can then be loaded with the optimizer's state, and
        # replicas need all variables before.
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)
            zeros = tf.zeros([2, *self.event_shape])
            for metric in self.metrics:
                if metric.name == "compile_metrics":
                    metric.build(zeros, zeros)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was called with; "auto" is decided anew where the model is loaded."""
        config = super().get_compile_config()
        return config and {**config, "jit_compile": self._jit_choice}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as it was; Keras asks this of a model with an own `compile`."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def _try_loss_terms(self) -> dict[str, Tensor]:
        """The loss terms of two rows of zeros, checked: tells what a variant's terms are called."""
        x = tf.zeros([2, *self.event_shape])
        condition = None if self.condition_dim is None else tf.zeros([2, self.condition_dim])
        terms = self.loss_terms(x, condition, Noise.for_rows(self.seed, x), training=False)
        for name, term in terms.items():
            if term.shape != [2]:
                raise UserError(
                    f"{type(self).__name__}.loss_terms gives {name!r} of shape {tuple(term.shape)} "
                    "for a batch of 2; expected (2,): one number per example, in nats."
                )
        return terms

    # --- fit, evaluate, predict ---

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model.fit` does, but that sample weights count without a y too.

        Arrays are shuffled by (`seed`, epoch), so that a fit taken up with `initial_epoch` sees the
        batches that it would have seen.

        Raises:
            UserError: For values that the likelihood, the corruption or the condition cannot take:
                of arrays, and of batches of a `tf.data.Dataset`.
        """
        kwargs |= _own_bar(args, kwargs)
        if kwargs.get("validation_data") is not None:
            kwargs["validation_data"] = self.checked_validation(kwargs["validation_data"])
        steps = kwargs.get("steps_per_epoch"), kwargs.get("validation_steps")
        with told(), whole_executions(self, *steps):
            if isinstance(x, ShuffledBatches):
                if y is not None:
                    raise UserError("ShuffledBatches hold y beside x: ShuffledBatches(x, y, ...).")
                return self._fit_batches(x, *args, **kwargs)
            x, y = self.checked(x, y, training=True)
            y = self.target(y, kwargs.get("sample_weight"))
            batches, others = batches_of_arrays(self, x, y, *args, **kwargs)
            if batches is not None:
                return self._fit_batches(batches, **others)
            return super().fit(x, y, *args, **kwargs)

    def _fit_batches(self, batches: ShuffledBatches, *args: Any, **kwargs: Any) -> Any:
        """Trains on arrays, of which a compiled step gathers its rows itself."""
        kwargs["callbacks"] = [batches, *keras.tree.flatten(kwargs.get("callbacks") or [])]
        kwargs["shuffle"] = False  # `batches` are
        if not self._compiles_steps():
            return super().fit(batches.dataset, None, *args, **kwargs)
        with self.make_train_function().over(batches):
            return super().fit(batches.numbers, None, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.evaluate` does, but that sample weights count without y too.

        Raises:
            UserError: As `fit`.
        """
        kwargs |= _own_bar(args, kwargs)
        if not kwargs.get("_use_cached_eval_dataset"):  # of `fit`, which has checked it
            x, y = self.checked(x, y)
            y = self.target(y, kwargs.get("sample_weight"))
        with told(), whole_executions(self, kwargs.get("steps")):
            return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Reconstructs as `keras.Model.predict` does: x, or (x, condition) as one input."""
        kwargs |= _own_bar(args, kwargs)
        x, _ = self.checked(x, None)
        with told(), whole_executions(self, kwargs.get("steps")):
            return super().predict(x, *args, **kwargs)

    def _compiles_steps(self) -> bool:
        """Whether all steps of an execution are one program: with XLA, outside of strategies."""
        return bool(
            self.compiled and self.jit_compile and not self.is_distributed and not self.run_eagerly
        )

    def _maybe_symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        """Keras would build models here; this one is, and under strategies Keras' way fails."""

    def make_train_function(self, force: bool = False) -> Any:
        """What `fit` calls."""
        if self.train_function is None or force:
            if self.is_distributed:
                self.train_function = replicated_steps(self, self.train_step)
            elif self._compiles_steps():
                self.train_function = CompiledSteps(self)
            else:
                super().make_train_function(force)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """What `evaluate` calls."""
        if not self.is_distributed:
            return super().make_test_function(force)
        if self.test_function is None or force:
            self.test_function = replicated_steps(self, self.test_step)
        return self.test_function

    # --- one step ---

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step on one batch: loss = sum over rows / global rows, so that replicas add up."""
        x, condition, sample_weight = self.unpacked(data)
        rows, num_global_rows = global_rows(tf.shape(x)[0])
        x, condition, terms, per_example, gradients = self._differentiate(
            x, condition, sample_weight, rows, num_global_rows
        )
        gradients = global_gradients(gradients, self.optimizer)
        self._update(gradients)
        self.step.assign_add(1)
        return self._report(x, condition, sample_weight, terms, per_example)

    def _observed(
        self, x: Tensor, condition: Tensor | None, rows: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """What is modelled of x (batch, *event_shape) in this step, given what."""
        return self.observed(x, condition, Noise.for_step(self.seed, self.step, rows))

    def _gradients(
        self,
        x: Tensor,
        condition: Tensor | None,
        sample_weight: Tensor,
        rows: Tensor,
        num_global_rows: Tensor,
    ) -> tuple[Tensor, Tensor | None, dict[str, Tensor], Tensor, list[Tensor]]:
        """Of one replica: what was observed, the terms, their sums, and the gradients."""
        noise = Noise.for_step(self.seed, self.step, rows)
        x, condition = self._observe(x, condition, rows)
        with tf.GradientTape() as tape:
            terms = self.loss_terms(x, condition, noise, training=True)
            per_example = self._weighted_sum(terms)  # (batch,)
            num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
            loss = tf.reduce_sum(sample_weight * per_example) / tf.cast(num_global_rows, tf.float32)
            loss += tf.add_n([tf.zeros([]), *self.losses]) / num_replicas
            scaled_loss = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled_loss, self.trainable_weights)
        return x, condition, terms, per_example, gradients

    def _updated(self, gradients: list[Tensor]) -> None:
        """Takes the optimizer's step."""
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of `evaluate`: noise by (seed, row), so that batches do not matter."""
        x, condition, sample_weight = self.unpacked(data)
        noise = Noise.for_rows(self.seed, x)
        x, condition = self.observed(x, condition, noise)
        terms = self.loss_terms(x, condition, noise, training=False)
        return self._report(x, condition, sample_weight, terms, self._weighted_sum(terms))

    def _weighted_sum(self, terms: dict[str, Tensor]) -> Tensor:
        """The loss of each example (batch,)."""
        weights = self.loss_weights()
        return tf.add_n([weights.get(name, 1.0) * term for name, term in terms.items()])

    def _report(
        self,
        x: Tensor,
        condition: Tensor | None,
        sample_weight: Tensor,
        terms: dict[str, Tensor],
        per_example: Tensor,
    ) -> dict[str, Any]:
        """Updates the metrics with vectors, never means: a short batch counts as what it is."""
        values = dict(terms)
        if self.elbo_terms:
            values["elbo"] = -tf.add_n([terms[name] for name in self.elbo_terms])
        self.term_means.update_state(values, sample_weight)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(per_example, sample_weight)
        if not self._has_user_metrics:
            return self.get_metrics_result()
        reconstruction = self.call(x if condition is None else (x, condition))
        return self.compute_metrics(x, x, reconstruction, sample_weight)


def _own_bar(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """`callbacks` with the bar; none for arguments without names, which may have them already."""
    return {} if args else {"callbacks": with_progress_bar(kwargs.get("callbacks"))}


def _program(function: Callable[..., Any], compiles: bool) -> Callable[..., Any]:
    """The function as one program of XLA's, or as it is."""
    if not compiles:
        return function
    return tf.function(function, jit_compile=True, autograph=False, reduce_retracing=True)


def _compiles(layer: keras.Layer) -> bool:
    """Whether XLA can compile a layer; it cannot where replicas tell each other their means."""
    normalizes = isinstance(layer, keras.layers.BatchNormalization)
    alone = not (normalizes and layer.synchronized and tf.distribute.has_strategy())
    return bool(layer.supports_jit and alone)
