"""The requests that an exported model is warmed up with: a TFRecord file of them in its folder.

A record is its length (8 bytes, little-endian), a checksum of that (4), its bytes, and a checksum
of those (4). The checksums are not compared: a damaged record is no message, or one that fails.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from keras_vae.errors import UserError
from keras_vae.model_folders import WARMUP
from keras_vae.serving._protos import predict_pb2, prediction_log_pb2

_HEADER = struct.Struct("<QI")
_FOOTER_BYTES = 4


def warmup_requests(folder: Path) -> Iterator[predict_pb2.PredictRequest]:
    """The requests to replay before a version answers others; none when there is no file.

    Raises:
        UserError: For a file that ends within a record.
        google.protobuf.message.DecodeError: For a record that is no message.
    """
    path = folder / WARMUP
    if not path.is_file():
        return
    with path.open("rb") as file:
        left = path.stat().st_size
        while left:
            header = file.read(_HEADER.size)
            length = _HEADER.unpack(header)[0] if len(header) == _HEADER.size else left
            left -= _HEADER.size + length + _FOOTER_BYTES
            if left < 0:
                raise UserError(f"{path} ends within a record; export the model anew.")
            log = prediction_log_pb2.PredictionLog.FromString(file.read(length))
            file.seek(_FOOTER_BYTES, 1)
            yield log.predict_log.request
