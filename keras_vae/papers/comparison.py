"""One figure of a paper beside the same one of this library."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A figure, published and measured.

    Attributes:
        name: What was measured, and of which model.
        published: The paper's number; None where it gives none.
        measured: This library's.
        unit: Of both, such as "% errors".
    """

    name: str
    published: float | None
    measured: float
    unit: str
