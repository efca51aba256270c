"""A classifier, to judge what generative models draw."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.arrays import as_data, check_shape, over_batches
from keras_vae.errors import UserError
from keras_vae.export import Endpoint
from keras_vae.models._networks import has_convolutions
from keras_vae.models._servable import Servable
from keras_vae.models.shuffled_batches import ShuffledBatches
from keras_vae.noise import Tensor
from keras_vae.rows import Array


@keras.saving.register_keras_serializable("keras_vae")
def percent_correct(labels: Tensor, logits: Tensor) -> Tensor:
    """100 where the largest of logits (batch, num_classes) is the label's (batch,), else 0."""
    return 100.0 * keras.metrics.sparse_categorical_accuracy(labels, logits)


@keras.saving.register_keras_serializable("keras_vae")
class Classifier(Servable, keras.Model):
    """A classifier p(y|x): no autoencoder, but what tells whether a sample shows its label.

    Use it as the judge of conditional models. It trains by Keras' own step, with the noise of its
    network's layers.

    The objective, per example in nats, is the cross-entropy:

        loss = -log p(y|x)

    Args:
        network: A `keras.Model` from x (batch, *event_shape) to logits (batch, num_classes).

    Example:
    >>> import keras_vae
    >>> network = keras_vae.networks.convolutional_classifier((8, 8, 1), 10, filters=(4,))
    >>> classifier = keras_vae.Classifier(network)
    >>> classifier.probabilities(np.zeros((5, 8, 8, 1), "uint8")).shape
    (5, 10)
    """

    default_endpoint = "classify"
    takes_y = True
    condition_dim = None
    support = (-np.inf, np.inf)
    protocol = "no binarization"

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network
        self.event_shape = tuple(network.input_shape[1:])
        self.num_classes = network.output_shape[-1]
        self.supports_jit = bool(tf.config.list_physical_devices("GPU")) or not has_convolutions(
            network
        )
        self(keras.KerasTensor((None, *self.event_shape)))

    @property
    def step(self) -> Any:
        """How many training steps there have been."""
        return self.optimizer.iterations

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Logits (batch, num_classes) of x (batch, *event_shape), uint8 as x / 255."""
        return self.network(as_data(x, self.event_shape), training=training)

    def compile(self, optimizer: Any = "adam", **kwargs: Any) -> None:
        """Configures training as `keras.Model.compile` does; the loss and `accuracy` are given.

        Args:
            optimizer: A Keras optimizer or its name.
            **kwargs: Passed on to `keras.Model.compile`.

        Raises:
            UserError: When `loss` is given.
        """
        if "loss" in kwargs:
            raise UserError("Classifier.compile() takes no `loss`: that is the cross-entropy.")
        super().compile(
            optimizer,
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            weighted_metrics=[keras.metrics.MeanMetricWrapper(percent_correct, name="accuracy")],
            **kwargs,
        )
        # Now, not in the first step: a loaded or resumed fit has its state by then.
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as it was, but that XLA is chosen anew; see `compile`."""
        given = keras.saving.deserialize_keras_object(config)
        chosen_here = ("loss", "loss_weights", "weighted_metrics", "jit_compile")
        self.compile(**{key: value for key, value in given.items() if key not in chosen_here})

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Trains as `keras.Model.fit` does; takes `ShuffledBatches` of x and labels too."""
        if not isinstance(x, ShuffledBatches):
            return super().fit(x, y, *args, **kwargs)
        kwargs["callbacks"] = [x, *keras.tree.flatten(kwargs.get("callbacks") or [])]
        return super().fit(x.dataset, None, *args, shuffle=False, **kwargs)

    def probabilities(self, x: Any) -> Array:
        """p(y|x) of every class, (num, num_classes), for data x (num, *event_shape)."""
        x = np.asarray(x)
        check_shape(x, self.event_shape)
        return over_batches(self._probabilities, x)

    @tf.function(reduce_retracing=True, autograph=False)
    def _probabilities(self, x: Tensor) -> Tensor:
        return tf.nn.softmax(self(x))

    def endpoints(self, labels: bool = True) -> dict[str, Endpoint]:
        """`classify`: from images to the likeliest label, int32, and the probability of each."""

        def classify(image: Tensor) -> dict[str, Tensor]:
            probabilities = tf.nn.softmax(self(image))  # (batch, num_classes)
            label = tf.argmax(probabilities, axis=1, output_type=tf.int32)  # (batch,)
            return {"label": label, "probabilities": probabilities}

        image = tf.TensorSpec([None, *self.event_shape], tf.float32)
        return {"classify": Endpoint(classify, {"image": image})}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the network included."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Classifier:
        """A model from its config, in a new process too."""
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**{**config, "network": network})
