"""A pika-mem0 of a few lines, on a socket: for tests that need one misbehaviour and no process.

Used by the unit tests of ``worker_under_test``; ``fake_mem0`` is the real fake. It serves one connection after another.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

ANSWER = b'{"facts": []}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER


@contextmanager
def served_by(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Serve connections one after another with ``behave``, which should end when its event is set; yield the URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError), listener.accept()[0] as connection:
                    behave(connection, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/extract_facts"
        finally:
            over.set()
            with suppress(OSError):
                socket.create_connection(listener.getsockname()).close()
            thread.join(timeout=10)
    assert not thread.is_alive()


def read_request(connection: socket.socket) -> None:
    """Read a whole request, whose body is a JSON object."""
    tail = b""
    while not tail.endswith((b"}", b"0\r\n\r\n")):
        received = connection.recv(65_536)
        if not received:
            raise ConnectionError("the client hung up")
        tail = (tail + received)[-8:]


def answer(connection: socket.socket, _over: threading.Event) -> None:
    """Answer as pika-mem0 does on a good day."""
    read_request(connection)
    connection.sendall(OK)
