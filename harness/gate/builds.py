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
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.machine import checkout
from harness.scenario import WorkerSpec

if TYPE_CHECKING:
    from harness.scenario import Arm

_GIT_TIMEOUT_S = 30.0
_PACKAGE = "worker_under_test"
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Build:
    """One build: what it is in words, its command, and where its modules come from."""

    label: str
    command: tuple[str, ...]
    modules: Path | None = None

    def arm(self, template: Arm) -> Arm:
        """Return the arm of a scenario with this build as its worker."""
        env = {**template.env, **({} if self.modules is None else {"PYTHONPATH": str(self.modules)})}
        return template.model_copy(update={"worker": WorkerSpec(command=self.command), "env": env})


def this_tree(template: Arm) -> Build:
    """Return the worker of the checkout as it stands, changes included."""
    return Build("this tree", _module_command(template.worker), checkout())


def of_command(text: str, option: str) -> Build:
    """Return a worker given as a command line. Raises UsageError."""
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from error
    if not command:
        raise UsageError(f"{option}: give the worker's command line")
    return Build(text, command)


def of_commit(ref: str, template: Arm, folder: Path) -> Build:
    """Return the worker of a commit, unpacked below ``folder``. Raises UsageError where there is no such commit."""
    commit = _git("rev-parse", "--verify", "--quiet", f"{chosen_ref(ref)}^{{commit}}", wanted=ref).decode().strip()
    target = folder / commit[:12]
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        archive = _git("archive", "--format=tar", commit, _PACKAGE, wanted=ref)
        unpacked = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
        try:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(unpacked, filter="data")
            unpacked.replace(target)
        except BaseException:
            shutil.rmtree(unpacked, ignore_errors=True)
            raise
    return Build(f"commit {commit[:12]}", _module_command(template.worker), target.absolute())


def chosen_ref(ref: str) -> str:
    """Return ``ref``; for ``auto`` where this branch left main, the commit before where it is main, else HEAD."""
    if ref != AUTO:
        return ref
    for argv in (("merge-base", "HEAD", "origin/main"), ("rev-parse", "--verify", "--quiet", "HEAD~1")):
        found = _asked_git(*argv)
        if found is not None and found != _asked_git("rev-parse", "HEAD"):
            return found.decode().strip()
    return "HEAD"


def _module_command(worker: WorkerSpec) -> tuple[str, ...]:
    if worker.command is not None:
        return worker.command
    remedies = [word for name in worker.with_ for word in ("--with", name)]
    remedies += [word for name in worker.without for word in ("--without", name)]
    return (sys.executable, "-P", "-m", _PACKAGE, "--preset", str(worker.preset), *remedies)


def _git(*arguments: str, wanted: str) -> bytes:
    found = _asked_git(*arguments)
    if found is None:
        raise UsageError(
            f"--against {wanted}: no such commit with a {_PACKAGE} in this checkout; name a branch or a tag"
        )
    return found


def _asked_git(*arguments: str) -> bytes | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=checkout(), capture_output=True, timeout=_GIT_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
