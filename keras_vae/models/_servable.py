"""How a model of this library becomes a folder that is servable and can be loaded again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from keras_vae.export import Compact, Endpoint, Whole, export
from keras_vae.rows import Array


class Servable:
    """A part of a `keras.Model` that has `endpoints`."""

    from_config: ClassVar[Callable[..., Any]]
    get_config: Callable[[], dict[str, Any]]
    get_weights: Callable[[], list[Array]]
    weights: list[Any]
    default_endpoint: str
    """The endpoint that a server answers with when it is asked for none."""

    def endpoints(self, labels: bool = True) -> dict[str, Endpoint]:
        """What a server of this model can be asked.

        Args:
            labels: Whether a conditional model is told a `label`, int32 (batch,); otherwise it is
                given a `condition`, float32 (batch, condition_dim).
        """
        raise NotImplementedError

    def export(
        self,
        path: str | Path,
        *,
        labels: bool = True,
        card: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        compact: bool = False,
    ) -> Path:
        """Writes a version of this model that TensorFlow Serving serves and Keras loads.

            vae.export("saved_models/mine")      # the next free version: saved_models/mine/1
            vae.export("saved_models/mine/7")    # that one, if it is not there

        Args:
            path: `<models>/<name>`, or `<models>/<name>/<version>`.
            labels: As in `endpoints`.
            card: What `card.json` says besides the signatures, such as metrics.
            files: Name -> content of other files of the version, such as a picture.
            compact: Whether to write the weights once, in half precision, and `model.json` in place
                of `model.keras`: a quarter of the size. `from_preset` reads both.

        Returns:
            The folder of the version: the servable graph, its warm-up requests, `model.keras` (the
            model without its optimizer) and `card.json`. It appears whole or not at all.

        Raises:
            UserError: When the version is there already; when the graph holds an operation that
                cannot be served; when labels are asked for and the condition is one number; when
                half precision is too narrow for a weight.
        """
        copy = type(self).from_config(self.get_config())  # which has no optimizer
        copy.set_weights(self.get_weights())
        return export(
            self.endpoints(labels),
            self.default_endpoint,
            Compact(copy, self.weights) if compact else Whole(copy.save),
            path,
            {"model": type(self).__name__, **(card or {})},
            files or {},
        )
