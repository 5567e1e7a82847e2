"""Counts the attempts of each conversation on each path, so that a retry draws a fate of its own. Used by ``app``."""

from __future__ import annotations

# About 200 bytes each. A scenario has some thousand conversations; past this the longest known are forgotten and start
# again at 1.
_CONVERSATIONS_MAX = 200_000


class Attempts:
    """The attempts seen so far. Requests without a conversation id count together."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str | None], int] = {}

    def next(self, path: str, conversation_id: str | None) -> int:
        """Count one more and return it: 1 for the first."""
        key = (path, conversation_id)
        if key not in self._seen and len(self._seen) >= _CONVERSATIONS_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = self._seen.get(key, 0) + 1
        return self._seen[key]
