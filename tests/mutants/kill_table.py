"""The kill table: each mutant, the checks it turned red, and whether the one that was named is among them.

``make mutants`` prints it. Exit 0 when every mutant is caught by its checker and the unmutated worker passes on every
ground; 1 otherwise.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.matrix.playing import Job, play_jobs
from harness.rig.run_scope import RunScope
from harness.rig.sweep import sweep_dead_runs
from tests.mutants.mutants import ARM, CHECKOUT, Mutant, all_mutants, grounds, write_ground

RUN_ID = "mutants"


@dataclass(frozen=True)
class Played:
    """How one run was judged."""

    name: str
    red: tuple[str, ...]  # the checks that did not pass, fail or unknown
    problem: str = ""  # why there is no verdict

    @property
    def alarm(self) -> bool:
        """Whether anything at all was not as expected."""
        return bool(self.red or self.problem)


def caught(mutant: Mutant, played: Played) -> str:
    """Return ``caught``, ``by accident`` (another check than the one named), or ``SURVIVED``."""
    if mutant.caught_by in played.red:
        return "caught"
    return "by accident" if played.alarm else "SURVIVED"


def play(files: Iterable[Path], folder: Path, side_by_side: int) -> dict[str, Played]:
    """Play every scenario file; return what was judged, by its name."""
    found: dict[str, Played] = {}

    def ended(job: Job, status: int) -> None:
        found[job.name] = read_verdict(job, status)
        sys.stderr.write(f"{job.name}: exit {status}\n")

    jobs = [Job(path.stem, path, (), folder / path.stem, folder / f"{path.stem}.log") for path in files]
    sweep_dead_runs()
    with RunScope(RUN_ID) as scope:
        play_jobs(jobs, scope.environment(), CHECKOUT, side_by_side, ended)
    return found


def read_verdict(job: Job, status: int) -> Played:
    """Return what verdict.json says of a run that ended."""
    verdict = job.folder / "latest" / "verdict.json"
    if not verdict.exists():
        return Played(job.name, (), f"its run ended with {status} and no verdict: {job.log_file}")
    checks = json.loads(verdict.read_text(encoding="utf-8"))["checks"]
    return Played(job.name, tuple(check["check"] for check in checks if check["verdict"] != "pass"))


def rows(mutants: Iterable[Mutant], unmutated: Iterable[str], found: dict[str, Played]) -> tuple[list[str], bool]:
    """Return the table's lines, and whether all is as it should be."""
    lines, good = [], True
    for ground in unmutated:
        played = found[f"unmutated_{ground}"]
        good &= not played.alarm
        said = "no alarm" if not played.alarm else f"FALSE ALARM: {', '.join(played.red) or played.problem}"
        lines.append(f"{'unmutated':<42} {ground:<10} {said}")
    for mutant in mutants:
        played = found[mutant.name]
        outcome = caught(mutant, played)
        good &= outcome == "caught"
        red = ", ".join(played.red) or played.problem or "nothing"
        lines.append(f"{mutant.name:<42} {mutant.ground:<10} {outcome:<12} named {mutant.caught_by}; red: {red}")
    return lines, good


def main() -> int:
    """Play mutants and print the table."""
    parser = argparse.ArgumentParser(
        prog="make mutants", description="Play broken workers; say which check caught each."
    )
    parser.add_argument("names", nargs="*", help="only these mutants")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument("--unmutated", type=int, default=1, metavar="N", help="how often the whole worker is played")
    asked = parser.parse_args()
    mutants = [mutant for mutant in all_mutants() if not asked.names or mutant.name in asked.names]
    if unknown := sorted(set(asked.names) - {mutant.name for mutant in mutants}):
        parser.error(f"no mutant is named {unknown[0]!r}; there are: {', '.join(each.name for each in all_mutants())}")
    whole = [ground for ground in grounds() if ground in {mutant.ground for mutant in mutants} and asked.unmutated]
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        files = Path(scratch)
        scenarios = [write_ground(ground, f"unmutated_{ground}", {}, files) for ground in whole]
        scenarios += [mutant.write_scenario(files) for mutant in mutants]
        found = play(scenarios, CHECKOUT / "runs" / "mutants", asked.jobs)
    lines, good = rows(mutants, whole, found)
    sys.stdout.write(
        "\n".join([*lines, f"{len(mutants)} mutants, arm {ARM}: {'all caught' if good else 'NOT ALL CAUGHT'}", ""])
    )
    return 0 if good else 1
