"""The bodies of messages: bytes by message id, size and seed.

An incident package has one ``PAYLOAD``; the publishers' process builds its templates once and fills in one id for each
message, because encoding 3 MB of JSON for every message would cost more than publishing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.errors import UsageError

if TYPE_CHECKING:
    import random

BODY_BYTES_MIN = 1_024  # the keys around an empty document take about 250 bytes; below this nothing is left of it
BODY_BYTES_MAX = 128 * 2**20  # RabbitMQ's largest message (16 MiB from 4.0, where the broker says so itself)
POOL_MAX = 64  # templates are held in memory for the whole load: 64 of 3 MB are 200 MB


@dataclass(frozen=True, slots=True)
class PayloadSizes:
    """How large bodies are, in bytes, and how many different ones there are.

    Each template's size is drawn evenly between the two. Raises UsageError when they are out of order or out of range.
    """

    min_bytes: int
    max_bytes: int
    templates: int = 8

    def __post_init__(self) -> None:
        if not BODY_BYTES_MIN <= self.min_bytes <= self.max_bytes <= BODY_BYTES_MAX:
            raise UsageError(
                f"body sizes {self.min_bytes} to {self.max_bytes} bytes:"
                f" use {BODY_BYTES_MIN} <= min <= max <= {BODY_BYTES_MAX}"
            )
        if not 1 <= self.templates <= POOL_MAX:
            raise UsageError(f"a pool of {self.templates} templates: use 1 to {POOL_MAX}")


@dataclass(frozen=True, slots=True)
class Template:
    """One encoded body with a gap of ``id_bytes`` where the message id goes."""

    prefix: bytes
    suffix: bytes
    id_bytes: int

    @property
    def size_bytes(self) -> int:
        """The size of each body made from this template: the id's length is always the same."""
        return len(self.prefix) + self.id_bytes + len(self.suffix)

    def body(self, message_id: str) -> bytes:
        """Return the body for ``message_id``; one copy. Raises ValueError when the id does not fit the gap."""
        name = message_id.encode("ascii")
        if len(name) != self.id_bytes:
            msg = f"message id {message_id!r} has {len(name)} characters; a template leaves room for {self.id_bytes}"
            raise ValueError(msg)
        return b"".join((self.prefix, name, self.suffix))


class Payload(Protocol):
    """Makes the bodies of one incident's messages. Every body shows its message id within its first 4 KiB."""

    def template(self, rng: random.Random, size_bytes: int) -> Template:
        """Return a template whose bodies have exactly ``size_bytes``, at least 1 KiB, drawn from ``rng``."""
        ...

    def poison(self, kind: str, message_id: str) -> bytes:
        """Return a body that no worker can process. Raises KeyError for a kind that the incident does not have."""
        ...
