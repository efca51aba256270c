"""The ports that a server listens at."""

from __future__ import annotations

import socket

from keras_vae.errors import UserError


def taken(host: str, port: int, option: str) -> UserError:
    """The error of a port that cannot be listened at."""
    return UserError(
        f"Port {port} of {host} cannot be listened at: stop the program that does, or give another "
        f"{option}, 0 for any that is free."
    )


def free_ports(host: str, port: int, rest_port: int) -> tuple[int, int]:
    """The same ports, with one that is free now for 0: for a program that cannot choose itself.

    Raises:
        UserError: When one is taken.
    """
    with socket.socket() as first, socket.socket() as second:
        for held, number, option in (
            (first, port, "--port"),
            (second, rest_port, "--rest-port"),
        ):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                held.bind((host, number))
            except OSError:
                raise taken(host, number, option) from None
        return first.getsockname()[1], second.getsockname()[1]
