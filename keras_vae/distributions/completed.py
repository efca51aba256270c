"""A density of the missing values of data, of which the others are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.noise import Tensor


class Completed:
    """p(x) of data x (*batch, *event_shape) some of whose values are given, and so certain.

    Args:
        missing: The density of the missing values (*batch, num_missing), in the order of their
            places.
        given: The given values (..., num_given), which broadcast to (*batch, num_given).
        places: Where the given values stand in a row of flat data, in their order.
        event_shape: The shape of one row.
    """

    def __init__(
        self, missing: Any, given: Tensor, places: Sequence[int], event_shape: tuple[int, ...]
    ) -> None:
        self._missing = missing
        self._given = given
        self._places = places
        self._event_shape = event_shape

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density (*batch,) of the missing values alone, nats."""
        flat = tf.reshape(x, tf.concat([self._batch_shape(x), [-1]], axis=0))  # (*batch, size)
        return self._missing.log_prob(tf.gather(flat, self._other_places(), axis=-1))

    def mean(self) -> Tensor:
        """The given values as they are, and the means of the missing ones."""
        return self._whole(self._missing.mean())

    def sample(self, seed: Any = None) -> Tensor:
        """The given values as they are, and draws of the missing ones."""
        return self._whole(self._missing.sample(seed=seed))

    def _whole(self, missing: Tensor) -> Tensor:
        """Data (*batch, *event_shape) of their missing values (*batch, num_missing)."""
        batch_shape = tf.shape(missing)[:-1]
        given = tf.broadcast_to(
            self._given, tf.concat([batch_shape, [len(self._places)]], axis=0)
        )  # (*batch, num_given)
        order = np.argsort([*self._places, *self._other_places()])
        flat = tf.gather(tf.concat([given, missing], axis=-1), order, axis=-1)  # (*batch, size)
        return tf.reshape(flat, tf.concat([batch_shape, self._event_shape], axis=0))

    def _other_places(self) -> list[int]:
        return other_places(self._places, self._event_shape)

    def _batch_shape(self, x: Tensor) -> Tensor:
        return tf.shape(x)[: len(x.shape) - len(self._event_shape)]


def other_places(places: Sequence[int], event_shape: Sequence[int]) -> list[int]:
    """The places in a row of flat data of `event_shape` that are not among those."""
    return sorted(set(range(int(np.prod(event_shape)))) - set(places))
