"""Which program is the worker, where it runs, and what it finds in its environment: from an arm to a launch.

A command is the scenario's own; a preset becomes one by its incident. A scenario's timers are incident time; here they
are divided by the scale. Nothing is started; ``check_commands`` alone looks at the disk.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.incidents import worker_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.protocols.worker import Endpoints
    from harness.scenario import Arm, Scenario, WorkerSpec

_INTERPRETER = re.compile(r"python[0-9.]*")
_LONG_OPTIONS_WITH_VALUE = frozenset({"--check-hash-based-pycs"})
PYTHON = "{python}"  # in a command: the interpreter that runs the harness


def worker_argv(spec: WorkerSpec, incident: str, capture: Path | None = None) -> tuple[str, ...]:
    """Return the command of the worker; under memray, writing ``capture``, where one is given.

    The default capture format survives a SIGKILL, which the aggregated one does not. A command is profiled where it is
    an interpreter of Python with a module or a script; another one runs as it is, and leaves no capture.
    """
    if spec.command is None:
        command = worker_of(incident).argv(spec)
    else:
        command = tuple(sys.executable if word == PYTHON else word for word in spec.command)
    return command if capture is None else under_memray(command, capture)


def under_memray(command: tuple[str, ...], capture: Path) -> tuple[str, ...]:
    """Return ``command`` with memray between the interpreter, with its own options, and the module or script it runs.

    Children that it forks are followed, each into a capture of its own. A command that is no interpreter of Python, and
    one that runs ``-c`` or standard input, is returned as it is: memray has nothing to run there.
    """
    if not _INTERPRETER.fullmatch(Path(command[0]).name):
        return command
    memray = ("-m", "memray", "run", "--quiet", "--force", "--follow-fork", "--output", str(capture))
    at = 1
    while at < len(command):
        word = command[at]
        if not word.startswith("-"):
            return (*command[:at], *memray, *command[at:])
        if word.startswith("--"):
            at += 2 if word in _LONG_OPTIONS_WITH_VALUE else 1
            continue
        # Short options may stand together, and the last one of them may have a value: -um module, -Xfaulthandler.
        place = next((n for n, letter in enumerate(word) if letter in "cmXW"), None)
        if place is None and word != "-":
            at += 1
        elif place is not None and word[place] == "m":
            before = (word[:place],) if place > 1 else ()
            module = (word[place + 1 :],) if word[place + 1 :] else ()
            return (*command[:at], *before, *memray, "-m", *module, *command[at + 1 :])
        elif place is not None and word[place] in "XW":
            at += 1 if word[place + 1 :] else 2
        else:
            return command
    return command


def name_captures(folder: Path) -> None:
    """Give the captures of forked children names of their own: ``incarnation-0-process-71.bin``.

    memray writes ``incarnation-0.bin.71``, which nobody who looks for captures would find.
    """
    for capture in folder.glob("incarnation-*.bin.*"):
        stem, _, pid = capture.name.partition(".bin.")
        capture.rename(capture.with_name(f"{stem}-process-{pid}.bin"))


def worker_folder(spec: WorkerSpec, checkout: Path) -> Path:
    """Return the worker's working directory: a preset's is the checkout, a command's its own."""
    return checkout if spec.folder is None else Path(spec.folder)


def worker_env(arm: Arm, incident: str, endpoints: Endpoints, time_scale: float) -> Mapping[str, str]:
    """Return the variables that the worker finds its parts by, with the arm's timers in real seconds."""
    timers = {name: f"{duration_s / time_scale:.6g}" for name, duration_s in arm.timers.items()}
    return {**worker_of(incident).env(endpoints), **timers, **arm.env, **arm.worker.env}


def check_commands(scenario: Scenario) -> None:
    """Raise UsageError (exit 2) when an arm's command can't be started: before anything else is."""
    for name, arm in scenario.arms.items():
        if arm.worker.command is None:
            continue
        program = worker_argv(arm.worker, scenario.incident)[0]
        folder = Path(arm.worker.folder or "")
        where = f"arms.{name}.worker"
        if not folder.is_dir():
            raise UsageError(f"{where}.folder: {folder} is no folder; name the one that the command runs in")
        path = {**arm.env, **arm.worker.env}.get("PATH")
        candidate = str(folder / program) if "/" in program else program
        if shutil.which(candidate, path=path) is None:
            looked = f"{candidate} is no program" if "/" in program else "PATH has no such program"
            raise UsageError(
                f"{where}.command: {program!r} can't be executed: {looked};"
                f" name one on PATH, or an executable file by its path from {folder}"
            )
