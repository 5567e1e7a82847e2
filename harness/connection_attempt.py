"""An attempt to connect to an AMQP port as a client would: refused, broken off, answered, or silence.

Used by the faults that must prove what a link does. It opens one connection, sends the protocol header, and leaves.
"""

from __future__ import annotations

import contextlib
import enum
import socket

_HEADER = b"AMQP\x00\x00\x09\x01"
DEFAULT_LIMIT_S = 2.0


class ConnectionAttempt(enum.Enum):
    """What came of it."""

    REFUSED = "refuses the connection"
    BROKEN_OFF = "breaks the connection off"
    ANSWERED = "answers"
    SILENT = "takes the connection and says nothing"


def attempt_connection(host: str, port: int, limit_s: float = DEFAULT_LIMIT_S) -> ConnectionAttempt:
    """Connect once, and return what came of it; no answer within ``limit_s`` is silence."""
    try:
        connection = socket.create_connection((host, port), timeout=limit_s)
    except OSError:
        return ConnectionAttempt.REFUSED
    with contextlib.closing(connection):
        try:
            connection.sendall(_HEADER)
            return ConnectionAttempt.ANSWERED if connection.recv(1) else ConnectionAttempt.BROKEN_OFF
        except TimeoutError:
            return ConnectionAttempt.SILENT
        except OSError:
            return ConnectionAttempt.BROKEN_OFF
