"""publishes.jsonl: what the publishers did, written so that no attempt is lost, and read back as ``Publish`` values.

Written by the publishers (``locustfile``), read by the trial and by ``driver``. It decides nothing about messages.

Every line has the same six keys. A message has up to two lines: the first is written *before* its first byte is
sent, with ``confirmed_mono_s`` and ``error`` null; the second when the broker confirmed it, or when it failed. **The
last line of a message counts.** So a message whose publisher died half-way is an attempt with neither: it may or
may not be in the queue.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import RunDirectoryError
from harness.record import Publish

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

ERROR_CHARACTERS_MAX = 300  # an error is one sentence; a broker's text may quote a whole frame
DAMAGE_MAX = 20  # damaged lines named one by one; the rest is counted

MonoS = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PublishLine(BaseModel):
    """One line of the journal. Times are the machine's monotonic clock, in seconds."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    message_id: str
    intended_mono_s: MonoS
    sent_mono_s: MonoS
    confirmed_mono_s: MonoS | None
    size_bytes: Annotated[int, Field(gt=0)]
    error: str | None

    def ended(self, *, confirmed_mono_s: float | None, error: str | None) -> PublishLine:
        """Return the second line of the same message: confirmed, or failed with ``error``."""
        short = None if error is None else error[:ERROR_CHARACTERS_MAX]
        return self.model_copy(update={"confirmed_mono_s": confirmed_mono_s, "error": short})


@dataclass(frozen=True, slots=True)
class PublishJournal:
    """A journal as read: one ``Publish`` a message, in the order of the attempts, and what could not be read."""

    publishes: tuple[Publish, ...]
    damaged: tuple[str, ...]  # each a sentence, for ``TrialRecord.damaged``


class JournalWriter:
    """Appends lines, each with one ``write`` call: a SIGKILL loses at most the line being written.

    A context manager. Raises RunDirectoryError when the file is already there (two loads in one journal could not be
    told apart), and when the disk does not take a line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RunDirectoryError(f"the journal {path} can't be made: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, line: PublishLine) -> None:
        """Append ``line``; it is in the kernel's hands when this returns."""
        data = f"{line.model_dump_json()}\n".encode()
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            raise RunDirectoryError(f"the journal {self._path} can't be written: {error.strerror}") from error
        if written != len(data):
            raise RunDirectoryError(
                f"the journal {self._path} can't be written: it took {written} of {len(data)} bytes; is the disk full?"
            )

    def close(self) -> None:
        """Close the file; no line can be written after it."""
        os.close(self._descriptor)


def read_journal(path: Path, start_mono_s: float) -> PublishJournal:
    """Read ``path``; times become replay seconds by subtracting ``start_mono_s``.

    A torn last line and other damaged lines are left out and named in ``damaged``; a missing file is damage too, not
    an error.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        return PublishJournal((), (f"{path.name} could not be read: {error.strerror}",))
    lines: dict[str, PublishLine] = {}
    damaged: list[str] = []
    *whole, torn = data.split(b"\n")
    for number, raw in enumerate(whole, start=1):
        try:
            line = PublishLine.model_validate_json(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            damaged.append(f"{path.name} line {number} is no publish{f' ({field})' if field else ''}: {first['msg']}")
        else:
            lines[line.message_id] = line
    if torn:
        damaged.append(
            f"{path.name} line {len(whole) + 1} is torn: its writer was killed while it wrote {len(torn)} bytes of it"
        )
    if len(damaged) > DAMAGE_MAX:
        damaged[DAMAGE_MAX:] = [f"{path.name} has {len(damaged) - DAMAGE_MAX} more damaged lines"]
    return PublishJournal(tuple(_publish(line, start_mono_s) for line in lines.values()), tuple(damaged))


def read_publishes(path: Path, start_mono_s: float) -> tuple[Publish, ...]:
    """Return ``read_journal``'s publishes alone, for a caller that does not report damage."""
    return read_journal(path, start_mono_s).publishes


def _publish(line: PublishLine, start_mono_s: float) -> Publish:
    confirmed = line.confirmed_mono_s
    return Publish(
        message_id=line.message_id,
        intended_s=line.intended_mono_s - start_mono_s,
        sent_s=line.sent_mono_s - start_mono_s,
        confirmed_s=None if confirmed is None else confirmed - start_mono_s,
        size_bytes=line.size_bytes,
        error=line.error,
    )
