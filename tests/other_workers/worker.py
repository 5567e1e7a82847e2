"""Workers of other people, each with one habit that public bug reports tell of; the habit is the first argument.

They know only the environment: the broker's URL, the queue and the API's. Nothing here is our worker's.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pika

if TYPE_CHECKING:
    from collections.abc import Callable

API = os.environ["MEMORY_API_URL"] + "/extract_facts"
QUEUE = os.environ["RABBITMQ_QUEUE"]
COPIES = 4  # a child that keeps so many of each body is killed within a short burst
RECYCLED_AFTER = 25  # messages

PAUSE = threading.Event()  # never set: waiting for it is a pause
kept: list[Any] = []  # in the child, where there is one


def connected() -> Any:
    """Return a connection to the broker."""
    return pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"]))


def call(body: bytes) -> None:
    """Call the dependency; raises httpx.HTTPError."""
    httpx.post(API, content=body, timeout=30).raise_for_status()


def call_in_child(body: bytes, copies: int) -> None:
    """Call the dependency in a forked child, which keeps so many copies of the body."""
    call(body)
    kept.extend(body[:-1] + b"}" for _ in range(copies))


def prefork(copies: int) -> None:
    """Have a child do the work; one that dies is replaced, and its message given back."""
    pool = ProcessPoolExecutor(1)
    pool.submit(int).result()  # the child exists before the socket does
    channel = connected().channel()
    channel.basic_qos(prefetch_count=5)
    for method, _, body in channel.consume(QUEUE):
        try:
            pool.submit(call_in_child, body, copies).result()
        except BrokenProcessPool:
            pool = ProcessPoolExecutor(1)
            channel.basic_nack(method.delivery_tag, requeue=True)
        else:
            channel.basic_ack(method.delivery_tag)


def one_by_one(handle: Callable[[bytes], None], *, ends_after: int | None = None) -> None:
    """Process one message after the other; a failed one is given back at once."""
    connection = connected()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=5)
    for number, (method, _, body) in enumerate(channel.consume(QUEUE), start=1):
        try:
            handle(body)
        except httpx.HTTPError:
            channel.basic_nack(method.delivery_tag, requeue=True)
        else:
            channel.basic_ack(method.delivery_tag)
        if number == ends_after:
            break
    channel.cancel()
    connection.close()


def keeps_it(body: bytes) -> None:
    """Call, and keep a copy."""
    call_in_child(body, 1)


def appends_to_a_file(body: bytes) -> None:
    """Write eight copies to a file that nobody reads again, then call."""
    with open("audit.bin", "ab") as audit:  # noqa: PTH123 - as such workers do
        audit.write(body * 8)
    call(body)


def keeps_what_failed(body: bytes) -> None:
    """Call; a failure is kept, with its request and so with the body."""
    try:
        call(body)
    except httpx.HTTPError as error:
        kept.append(error)
        PAUSE.wait(0.02)
        raise


def waits_after_a_failure(body: bytes) -> None:
    """Call; after a failure wait for a second before the message is given back."""
    try:
        call(body)
    except httpx.HTTPError:
        PAUSE.wait(1.0)
        raise


def window(*, widens: bool) -> None:
    """Hold ten by a channel-wide prefetch; or widen it for every second message, which waits for its time."""
    connection = connected()
    channel = connection.channel()
    size = 10
    channel.basic_qos(prefetch_count=size, global_qos=True)
    seen = 0

    def settle(tag: int, body: bytes) -> None:
        call(body)
        channel.basic_ack(tag)

    def on_message(_channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        nonlocal size, seen
        seen += 1
        if not widens or seen % 2:
            settle(method.delivery_tag, body)
            return
        size += 1
        channel.basic_qos(prefetch_count=size, global_qos=True)
        connection.call_later(3, lambda: settle(method.delivery_tag, body))

    channel.basic_consume(QUEUE, on_message)
    channel.start_consuming()


def waiting_room(*, comes_back: bool) -> None:
    """Put a failed message into a queue with a time to live, from which it comes back; or from which it vanishes."""
    channel = connected().channel()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=5)
    arguments: dict[str, Any] = {"x-message-ttl": int(float(os.environ["RETRY_DELAY_SECONDS"]) * 1000)}
    if comes_back:
        arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": QUEUE}
    channel.queue_declare(f"{QUEUE}.wait", durable=True, arguments=arguments)
    for method, properties, body in channel.consume(QUEUE):
        try:
            call(body)
        except httpx.HTTPError:
            channel.basic_publish("", f"{QUEUE}.wait", body, properties)
        channel.basic_ack(method.delivery_tag)


def in_threads(timeout_s: float | None) -> None:
    """Call from four threads, each call with that timeout; None waits for ever."""
    connection = connected()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=4)
    pool = ThreadPoolExecutor(4)

    def work(tag: int, body: bytes) -> None:
        try:
            httpx.post(API, content=body, timeout=timeout_s).raise_for_status()
            settle = partial(channel.basic_ack, tag)
        except httpx.HTTPError:
            settle = partial(channel.basic_nack, tag, requeue=True)
        connection.add_callback_threadsafe(settle)

    channel.basic_consume(
        QUEUE, lambda _channel, method, _properties, body: pool.submit(work, method.delivery_tag, body)
    )
    channel.start_consuming()


def works_long() -> None:
    """Work for a while on each message, with the connection kept alive; a channel that was closed ends the worker."""
    connection = connected()
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)
    for method, _, body in channel.consume(QUEUE):
        connection.process_data_events(float(os.environ["WORK_SECONDS"]))
        call(body)
        channel.basic_ack(method.delivery_tag)


HABITS: dict[str, Callable[[], None]] = {
    "forks_a_child": lambda: prefork(0),
    "forks_a_child_that_keeps_each_body": lambda: prefork(1),
    "forks_a_child_that_is_killed": lambda: prefork(COPIES),
    "keeps_each_body": lambda: one_by_one(keeps_it),
    "appends_to_a_file": lambda: one_by_one(appends_to_a_file),
    "ends_by_itself": lambda: one_by_one(call, ends_after=RECYCLED_AFTER),
    "holds_ten": lambda: window(widens=False),
    "widens_its_window": lambda: window(widens=True),
    "gives_back_at_once": lambda: one_by_one(call),
    "keeps_what_failed": lambda: one_by_one(keeps_what_failed),
    "waits_after_a_failure": lambda: one_by_one(waits_after_a_failure),
    "waits_in_a_queue": lambda: waiting_room(comes_back=True),
    "drops_after_waiting": lambda: waiting_room(comes_back=False),
    "calls_without_a_timeout": lambda: in_threads(None),
    "calls_with_a_timeout": lambda: in_threads(float(os.environ["CALL_TIMEOUT_SECONDS"])),
    "works_long_on_a_message": works_long,
}

if __name__ == "__main__":
    HABITS[sys.argv[1]]()
