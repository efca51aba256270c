"""How a request fails: with a gRPC code and a text, which REST gives as an HTTP status."""

from __future__ import annotations

import grpc

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class StatusError(Exception):
    """A request that cannot be answered.

    Attributes:
        code: Of type `grpc.StatusCode`.
        text: In the words of TensorFlow Serving, where it has the case.
    """

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @classmethod
    def of_tensorflow(cls, number: int, text: str) -> StatusError:
        """TensorFlow's errors have gRPC's numbers."""
        return cls(_CODES.get(number, grpc.StatusCode.UNKNOWN), text)


def invalid(text: str) -> StatusError:
    """The error of a request that is wrong in itself."""
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, text)
