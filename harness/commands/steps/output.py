"""How the commands speak: progress to standard error, results to standard output; plain lines where nobody watches.

NO_COLOR and a missing terminal are respected by Rich itself; CI gets a line for each milestone and, now and then, a
status.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from harness.redaction import masked

_PLAIN_STATUS_INTERVAL_S = 10.0


def results() -> Console:
    """Return the console for results."""
    return Console(highlight=False, soft_wrap=True)


def progress() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say_error(text: str) -> None:
    """Print an error for a person, without the password of any URL in it."""
    progress().print(f"[bold red]error:[/] {escape(masked(text))}")


def shown(path: Path) -> Path:
    """Return ``path`` as a person would type it: relative where it lies below the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class ConsoleNarrator:
    """A ``harness.narration.Narrator``: a status line that is replaced on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = progress()
        self._began_mono_s = time.monotonic()
        self._last_plain_mono_s = 0.0
        self._live: Status | None = Status("starting", console=self._console) if self._console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def milestone(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(f"[dim]{self._elapsed()}[/] {escape(text)}")
        sys.stderr.flush()

    def status(self, text: str) -> None:
        """Replace the status line; without a terminal print it, at most every ten seconds."""
        if self._live:
            self._live.update(escape(text))
        elif time.monotonic() - self._last_plain_mono_s >= _PLAIN_STATUS_INTERVAL_S:
            self._last_plain_mono_s = time.monotonic()
            self._console.print(f"[dim]{self._elapsed()}[/]   {escape(text)}")

    def _elapsed(self) -> str:
        whole_s = int(time.monotonic() - self._began_mono_s)
        return f"{whole_s // 60:02d}:{whole_s % 60:02d}"
