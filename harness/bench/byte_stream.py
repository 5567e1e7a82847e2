"""A stream of bytes over TCP and the time it takes: directly over loopback, or through a proxy that is put between.

The benchmarks ``proxy`` and ``dependency`` compare with it. Sender and sink are two threads with blocking sockets,
which leave Python's lock while the kernel copies. It checks that the bytes arrive, not what they are.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

from harness.environment.ports import LOOPBACK
from harness.errors import PartFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK_BYTES = 2**20
_WARM_UP_BYTES = 32 * 2**20  # buffers have grown, the proxy has connected
_TIMEOUT_S = 30.0  # for one read or write; a proxy that stalls this long is broken
_LENGTH = struct.Struct("!Q")
_DONE = b"."


@contextlib.contextmanager
def sink() -> Iterator[str]:
    """Listen on a free port of loopback and yield its ``host:port``; serve one connection at a time.

    A peer announces a length in eight bytes, sends so many, and is answered with one byte when they have all been read.
    """
    with socket.create_server((LOOPBACK, 0)) as server:
        thread = threading.Thread(target=_serve, args=(server,), name="byte-sink", daemon=True)
        thread.start()
        try:
            yield f"{LOOPBACK}:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)  # wakes the accept
            thread.join(_TIMEOUT_S)


def stream_s(address: str, size_bytes: int) -> float:
    """Send ``size_bytes`` to the sink at ``address`` and return the seconds until it has read them all.

    Connecting and a warm-up on the same connection are not counted. Raises PartFailedError.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_TIMEOUT_S) as connection:
            _send(connection, _WARM_UP_BYTES)
            began_mono_s = time.monotonic()
            _send(connection, size_bytes)
            return time.monotonic() - began_mono_s
    except OSError as error:
        raise PartFailedError(f"the byte stream to {address} broke off: {error!r}") from error


def _send(connection: socket.socket, size_bytes: int) -> None:
    connection.sendall(_LENGTH.pack(size_bytes))
    chunk = memoryview(bytes(_CHUNK_BYTES))
    for start in range(0, size_bytes, _CHUNK_BYTES):
        connection.sendall(chunk[: size_bytes - start])
    if connection.recv(1) != _DONE:
        raise ConnectionResetError("the other side hung up before it had read everything")


def _serve(server: socket.socket) -> None:
    buffer = bytearray(_CHUNK_BYTES)
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # shut down: the bench is over
            return
        # A peer that breaks off is the sender's to report.
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_TIMEOUT_S)
            while header := connection.recv(_LENGTH.size, socket.MSG_WAITALL):
                left = _LENGTH.unpack(header)[0]
                while left > 0 and (count := connection.recv_into(buffer, min(left, _CHUNK_BYTES))):
                    left -= count
                connection.sendall(_DONE)
