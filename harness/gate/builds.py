"""The two builds that a gate compares, each as the worker's command: this tree, a commit of it, or a program.

A commit is unpacked once into ``runs/builds/COMMIT`` and run from there: ``-P`` keeps the working directory off the
module path, and PYTHONPATH names the build. Both builds run with the same interpreter and the same dependencies, and
meet the schema of this tree.
"""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import incidents
from harness.errors import UsageError
from harness.machine import checkout
from harness.scenario import ANSWER, DependencyRule, DependencyRules, Expect, WorkerSpec

if TYPE_CHECKING:
    from harness.scenario import Arm, Scenario

_GIT_TIMEOUT_S = 30.0
AUTO = "auto"
_FROM_OUTSIDE: dict[str, dict[str, object]] = {"never_killed": {}, "all_answered": {}}
_ANSWERS = DependencyRules(default=DependencyRule(mode=ANSWER, latency="200ms"))


@dataclass(frozen=True, slots=True)
class Build:
    """One build: what it is in words, its command, and where its modules come from."""

    label: str
    command: tuple[str, ...]
    modules: Path | None = None
    folder: Path | None = None  # of a command: where it runs, unless the scenario's own worker names a folder

    def arm(self, template: Arm) -> Arm:
        """Return the arm of a scenario with this build as its worker: same folder, environment and timers.

        A command that takes the place of a preset is expected what can be known of it from outside.
        """
        env = {**template.env, **({} if self.modules is None else {"PYTHONPATH": str(self.modules)})}
        folder = template.worker.folder or (None if self.folder is None else str(self.folder))
        worker = WorkerSpec(command=self.command, folder=folder, env=template.worker.env)
        changes: dict[str, object] = {"worker": worker, "env": env}
        if template.worker.command is None and self.folder is not None:
            changes["expect"] = Expect.model_validate(_FROM_OUTSIDE)
        return template.model_copy(update=changes)


def this_tree(template: Arm, incident: str) -> Build:
    """Return the scenario's own worker: of a preset the checkout as it stands, changes included."""
    if template.worker.command is not None:
        return Build("the scenario's own worker", template.worker.command)
    return Build("this tree", _module_command(template.worker, incident), checkout())


def without_trouble(scenario: Scenario) -> Scenario:
    """Return the scenario with a dependency that always answers: what a worker does with a 500 is its own affair."""
    timeline = tuple(
        phase if phase.dependency is None else phase.model_copy(update={"dependency": _ANSWERS})
        for phase in scenario.timeline
    )
    return scenario.model_copy(update={"timeline": timeline})


def of_command(text: str, option: str) -> Build:
    """Return a worker given as a command line. Raises UsageError."""
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from error
    if not command:
        raise UsageError(f"{option}: give the worker's command line")
    return Build(text, command, folder=Path.cwd())


def of_commit(ref: str, template: Arm, incident: str, folder: Path) -> Build:
    """Return the worker of a commit, unpacked below ``folder``. Raises UsageError where there is no such commit."""
    package = incidents.incident(incident).package
    if template.worker.command is not None or package is None:
        raise UsageError("the scenario's worker is a command, of which no commit can be unpacked: give --worker-a")
    commit = _git("rev-parse", "--verify", "--quiet", f"{chosen_ref(ref)}^{{commit}}", wanted=ref).decode().strip()
    target = folder / commit[:12]
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        archive = _git("archive", "--format=tar", commit, package, wanted=ref)
        unpacked = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(unpacked, filter="data")
            unpacked.replace(target)
        except BaseException:
            shutil.rmtree(unpacked, ignore_errors=True)
            raise
    return Build(f"commit {commit[:12]}", _module_command(template.worker, incident), target.absolute())


def chosen_ref(ref: str) -> str:
    """Return ``ref``; for ``auto`` where this branch left main, the commit before where it is main, else HEAD."""
    if ref != AUTO:
        return ref
    for argv in (("merge-base", "HEAD", "origin/main"), ("rev-parse", "--verify", "--quiet", "HEAD~1")):
        found = _asked_git(*argv)
        if found is not None and found != _asked_git("rev-parse", "HEAD"):
            return found.decode().strip()
    return "HEAD"


def _module_command(worker: WorkerSpec, incident: str) -> tuple[str, ...]:
    """Return a preset's command, with ``-P`` so that the build's modules are found and not those of its folder."""
    python, *rest = incidents.worker_of(incident).argv(worker)
    return (python, "-P", *rest)


def _git(*arguments: str, wanted: str) -> bytes:
    found = _asked_git(*arguments)
    if found is None:
        raise UsageError(f"--against {wanted}: no such commit in this checkout; name a branch or a tag")
    return found


def _asked_git(*arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=checkout(), capture_output=True, timeout=_GIT_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
