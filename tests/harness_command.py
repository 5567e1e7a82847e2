"""The harness as a user calls it: one command line, run to its end. The tests of whole runs stand on it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
QUICK = CHECKOUT / "tests" / "scenarios" / "quick_incident.yaml"
_RUN_TIMEOUT_S = 280.0  # within the limit of a test, so that it is said which command hung


@dataclass(frozen=True)
class Ended:
    """How a call of the command line ended."""

    status: int
    out: str
    err: str
    run: Path  # the run directory it wrote, if any


def harness(*arguments: str, runs_dir: Path) -> Ended:
    """Run the command line to its end."""
    argv = [sys.executable, "-m", "harness", *arguments]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=_RUN_TIMEOUT_S, check=False)
    return Ended(done.returncode, done.stdout, done.stderr, runs_dir / "latest")
