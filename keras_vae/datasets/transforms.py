"""Other tasks on the same data: what a recipe makes of a data set before a model sees it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_vae.datasets.dataset import Dataset
from keras_vae.errors import UserError
from keras_vae.rows import as_data


def quadrants(dataset: Dataset, given: int) -> Dataset:
    """Images whose condition are some of their quadrants: the others are to be drawn.

    Where a side is odd, the lower or right half is the longer one.

    Args:
        dataset: Images (n, height, width, channels); their labels are left out.
        given: How many quadrants: 1 for the lower left one, 2 for the left half, 3 for all but the
            lower right one.

    Returns:
        The same images, with the values of the given quadrants for y, and for `given` their places.

    Raises:
        UserError: For another number, and for data that are no images of 2 x 2 pixels or more.

    Reference:
        Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional
        Generative Models", section 5.1; which quadrants are given, the paper does not say.
    """
    if given not in (1, 2, 3):
        raise UserError(f"given is a number of quadrants, 1, 2 or 3. Received {given!r}.")
    shape = dataset.event_shape
    if len(shape) != 3 or min(shape[:2]) < 2:
        raise UserError(
            f"Quadrants are of images of 2 x 2 pixels or more, and {dataset.name!r} holds rows of "
            f"shape {shape}: leave out data.transform."
        )
    upper, left = slice(None, shape[0] // 2), slice(None, shape[1] // 2)
    lower = slice(shape[0] // 2, None)
    is_given = np.zeros(shape, bool)
    is_given[lower, left] = True
    if given >= 2:
        is_given[upper, left] = True
    if given == 3:
        is_given[upper] = True
    places = np.flatnonzero(is_given)  # (condition_dim,)
    y_train, y_test = (
        as_data(x.reshape(len(x), -1)[:, places]) for x in (dataset.x_train, dataset.x_test)
    )  # (n, condition_dim)
    return dataclasses.replace(dataset, y_train=y_train, y_test=y_test, given=places)


TRANSFORMS: Mapping[str, Callable[..., Dataset]] = {"quadrants": quadrants}
"""Name -> a function of a data set, and of arguments of its own."""


def transformed(dataset: Dataset, transform: Mapping[str, Any] | None) -> Dataset:
    """The data set for another task.

    Args:
        dataset: As it was loaded.
        transform: `name` of one of `TRANSFORMS`, and its arguments; None for the data as they are.
    """
    if transform is None:
        return dataset
    arguments = {key: value for key, value in transform.items() if key != "name"}
    return TRANSFORMS[transform["name"]](dataset, **arguments)
