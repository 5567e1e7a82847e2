"""A mount namespace for a test: a disk of a few MiB, or a program put in another's place, that nobody else sees.

Used by the tests of a harness whose disk is full or read-only, or whose broker never comes up. It goes with the process
that holds it. Needs root, as memory cgroups do.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness_command import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RUN_TIMEOUT_S = 240.0


@dataclass(frozen=True)
class Mounts:
    """A mount namespace, held by a process that does nothing else."""

    holder: int

    def argv(self, command: Sequence[str]) -> list[str]:
        """Return the command line that runs ``command`` in this namespace, in the checkout."""
        return ["nsenter", f"--mount=/proc/{self.holder}/ns/mnt", f"--wd={CHECKOUT}", *command]

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``command`` in this namespace to its end."""
        argv = self.argv(command)
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=_RUN_TIMEOUT_S, check=False)

    def outside(self, path: Path) -> Path:
        """Return how ``path`` of this namespace is reached from outside of it."""
        return Path(f"/proc/{self.holder}/root{path}")


@contextmanager
def mounts(*commands: str) -> Iterator[Mounts]:
    """Make a mount namespace in which these shell commands were run."""
    assert os.geteuid() == 0, "no file system can be mounted here: run as root"
    script = " && ".join([*commands, "echo ready", "exec sleep 600"])
    argv = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline().strip() == "ready", f"could not do: {script}"
            yield Mounts(holder.pid)
        finally:
            holder.kill()


def fill(folder: Path) -> Path:
    """Write a file into ``folder`` until its disk is full; return the file."""
    balloon = folder / "balloon"
    with balloon.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return balloon
