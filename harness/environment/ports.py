"""Loopback: free TCP ports on it, from the kernel, and whether a host is on it.

Free ports are for parts that can't be told "port 0" and report back, such as RabbitMQ. A port is free when it is given,
and another process could take it before the part does: the part's own start-up failure then names it. Parts that take
port 0 must be given port 0.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket

from harness.errors import PartFailedError

LOOPBACK = "127.0.0.1"
# A run needs about ten; a larger number is a mistake, not a need.
_PORTS_MAX = 64


def free_ports(count: int) -> tuple[int, ...]:
    """Return ``count`` distinct free ports of 127.0.0.1. Raises ValueError outside 1 to 64."""
    if not 1 <= count <= _PORTS_MAX:
        raise ValueError(f"{count} ports asked for; between 1 and {_PORTS_MAX} can be had")
    with contextlib.ExitStack() as held:
        # All are held until the last is drawn: that is what makes them distinct.
        sockets = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(each.getsockname()[1] for each in sockets)


def free_port() -> int:
    """Return one free port of 127.0.0.1."""
    return free_ports(1)[0]


def is_loopback(host: str) -> bool:
    """Say whether every address of ``host`` is on loopback. Raises PartFailedError for a name that has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise PartFailedError(f"{host} has no address: {error}") from error
    return all(ipaddress.ip_address(address[4][0]).is_loopback for address in found)
