"""What an encoder is worth as the beginning of a classifier."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_vae.models import LatentModel
from keras_vae.rows import Array


def fine_tune(
    model: LatentModel,
    x: Any,
    y: Array,
    x_test: Any,
    y_test: Array,
    *,
    epochs: int,
    batch_size: int = 100,
    learning_rate: float = 1e-3,
    input_dropout: float = 0.0,
    dropout: float = 0.0,
    seed: int = 0,
    verbose: int | str = 0,
) -> float:
    """Trains `model.to_classifier` on labels, all layers of it, and counts its errors.

    By Adam with a learning rate that falls to 0 along a cosine, for a fixed number of epochs: the
    test rows choose nothing. The encoder is trained too, as a part of `model`.

    Args:
        model: A model without a condition, fitted or not.
        x: Training data (num, *event_shape).
        y: Integer labels (num,).
        x_test: Test data (num_test, *event_shape).
        y_test: Integer labels (num_test,).
        epochs: How long.
        batch_size: Rows per step.
        learning_rate: At the first step.
        input_dropout: As in `LatentModel.to_classifier`.
        dropout: As in `LatentModel.to_classifier`.
        seed: Of the new layer's weights and of the order of the rows.
        verbose: As in `keras.Model.fit`.

    Returns:
        Share of the test rows that are classified wrongly, in percent.
    """
    keras.utils.set_random_seed(seed)
    classifier = model.to_classifier(
        int(np.max(y)) + 1, input_dropout=input_dropout, dropout=dropout
    )
    num_steps = epochs * -(-len(x) // batch_size)
    decay = keras.optimizers.schedules.CosineDecay(learning_rate, num_steps)
    classifier.compile(
        keras.optimizers.Adam(decay),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=20,
        # On CPUs, XLA's random numbers take several times as long as the rest of a dense step.
        jit_compile=model.supports_jit and not (input_dropout or dropout),
    )
    classifier.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=verbose)
    labels = classifier.predict(x_test, batch_size=500, verbose=0).argmax(axis=1)  # (num_test,)
    return 100.0 * float(np.mean(labels != y_test))
