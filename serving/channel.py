"""A gRPC channel to a model server: how it retries, whom it asks, how much it takes."""

from __future__ import annotations

import json
from typing import Any

import grpc

MESSAGE_BYTES = 4 * 2**20
"""What a gRPC program receives in one message unless it is told to take more."""

_RECEIVED_BYTES = 64 * 2**20  # a row may be larger than all of MESSAGE_BYTES

# All attempts of a call share its deadline. No other status is tried again: it would come back.
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],  # over all addresses of a name
    "methodConfig": [
        {
            "name": [{}],  # every method
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}


def open_channel(address: str, credentials: grpc.ChannelCredentials | None) -> Any:
    """Returns a channel that tries again, with exponential backoff, what was UNAVAILABLE.

    Args:
        address: Such as "localhost:8500"; or any other name of gRPC's, such as "dns:///serving:8500".
        credentials: For TLS, such as `grpc.ssl_channel_credentials()`; None sends plain text.
    """
    options = [
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        ("grpc.max_receive_message_length", _RECEIVED_BYTES),
        ("grpc.per_rpc_retry_buffer_size", _RECEIVED_BYTES),  # what is larger is tried once
    ]
    if credentials is None:
        return grpc.insecure_channel(address, options)
    return grpc.secure_channel(address, credentials, options)
