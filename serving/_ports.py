"""The addresses that a server listens at."""

from __future__ import annotations

import socket

from keras_vae.errors import UserError


def address(host: str, port: int) -> str:
    """Both in one text, such as "127.0.0.1:8500" or "[::1]:8500"."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def family(host: str) -> socket.AddressFamily:
    """Whether the host is an address of IPv6, or a name or address of IPv4."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def not_listening(host: str, port: int, option: str) -> UserError:
    """The error of a port that cannot be listened at, by its reason."""
    with socket.socket(family(host)) as one:
        try:
            one.bind((host, 0))
        except OSError as error:
            return UserError(
                f"{host!r} cannot be listened at ({error.strerror}): give an address of this "
                "machine as --host, 0.0.0.0 for all of them."
            )
    return UserError(
        f"Port {port} of {host} cannot be listened at: stop the program that does, or give another "
        f"{option}, 0 for any that is free."
    )


def free_ports(host: str, port: int, rest_port: int) -> tuple[int, int]:
    """The same ports, with one that is free now for 0: for a program that cannot choose itself.

    Raises:
        UserError: When one cannot be listened at.
    """
    with socket.socket(family(host)) as first, socket.socket(family(host)) as second:
        for held, number, option in (
            (first, port, "--port"),
            (second, rest_port, "--rest-port"),
        ):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                held.bind((host, number))
            except OSError:
                raise not_listening(host, number, option) from None
        return first.getsockname()[1], second.getsockname()[1]
