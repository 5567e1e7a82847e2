"""Every call that the fake got: which are open, how many there were, and the journal line of each as it ends.

``app`` reports arrivals, bytes and ends; ``admin`` reads the counts and releases hung requests; ``serve`` closes it at
SIGTERM.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fake_mem0.exchange import Ending, Exchange
from fake_mem0.journal import Journal, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_mem0.exchange import Release


# About 200 bytes each. A scenario has some thousand messages; past this the longest known are forgotten and start
# again at 1.
_MESSAGES_MAX = 200_000


class Calls:
    """Every request from its arrival to its end. The file limit bounds how many are open."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._open: set[Exchange] = set()
        self._requests = 0
        self._bytes_read = 0
        self._by_mode: Counter[str] = Counter()
        self._by_outcome: Counter[str] = Counter()

    def arrived(self, exchange: Exchange) -> None:
        """Note a request whose headers have come."""
        self._requests += 1
        self._open.add(exchange)

    def read(self, exchange: Exchange, count_bytes: int) -> None:
        """Note so many more bytes of its body."""
        exchange.bytes_in += count_bytes
        self._bytes_read += count_bytes

    def met(self, exchange: Exchange, mode: str, *, answers_well: bool) -> None:
        """Note the mode that it meets."""
        exchange.mode = mode
        exchange.answers_well = answers_well
        self._by_mode[mode] += 1

    def ended(self, exchange: Exchange, ending: Ending) -> None:
        """Note its end, in the journal too. After ``close`` nothing more is noted."""
        if exchange not in self._open:
            return
        self._open.remove(exchange)
        self._by_outcome[ending.outcome] += 1
        self._journal.write(exchange.journal_line(ending))

    def release(self, how: Release) -> int:
        """Release every request that hangs; return how many there were."""
        hung = [exchange for exchange in self._open if exchange.hung and exchange.released is None]
        for exchange in hung:
            exchange.release(how)
        return len(hung)

    def close(self) -> None:
        """Write what is still open as such. What ends after this is not written again."""
        for exchange in tuple(self._open):
            self.ended(exchange, Ending(None, Outcome.OPEN))

    def busy_transports(self) -> frozenset[object]:
        """Return the transports of the open requests."""
        return frozenset(exchange.transport for exchange in self._open)

    def counts(self) -> Mapping[str, int | Mapping[str, int]]:
        """Return the counts since the start, and how many are open and hung now."""
        return {
            "requests": self._requests,
            "open": len(self._open),
            "hung": sum(exchange.hung for exchange in self._open),
            "by_mode": dict(self._by_mode),
            "by_outcome": dict(self._by_outcome),
            "bytes_read": self._bytes_read,
        }


class Attempts:
    """The attempts seen so far. Requests without a message id count together."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str | None], int] = {}

    def next(self, path: str, message_id: str | None) -> int:
        """Count one more and return it: 1 for the first."""
        key = (path, message_id)
        if key not in self._seen and len(self._seen) >= _MESSAGES_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = self._seen.get(key, 0) + 1
        return self._seen[key]
