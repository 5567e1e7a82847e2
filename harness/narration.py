"""How a run tells what it is doing while it does it: the commands print, everyone below only narrates.

Used by the campaign, the trial and the timeline. Nothing here goes to a terminal or a file.
"""

from __future__ import annotations

from typing import Protocol


class Narrator(Protocol):
    """Where progress goes."""

    def milestone(self, text: str) -> None:
        """Say something worth keeping on the screen: a phase begins, the worker is killed."""
        ...

    def status(self, text: str) -> None:
        """Say how things stand; the next status may replace it."""
        ...


class Silence:
    """A narrator that says nothing."""

    def milestone(self, text: str) -> None:
        """Keep silent."""

    def status(self, text: str) -> None:
        """Keep silent."""
