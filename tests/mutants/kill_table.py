"""The kill table: each mutant, the checks it turned red, and whether the one that was named is among them.

``make mutants`` prints it. Exit 0 when every mutant is caught by its checker and the unmutated worker passes on every
scenario, each time it is played there; 1 otherwise. Nothing is played again because it was red.
"""

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.environment.run.run_scope import RunScope
from harness.environment.run.sweep import sweep_dead_runs
from harness.matrix.playing import Job, play_jobs
from tests.mutants.mutants import ARM, CHECKOUT, Mutant, all_mutants, scenarios, write_scenario


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
    with RunScope(f"mutants-{secrets.token_hex(2)}") as scope:
        play_jobs(jobs, scope.environment(), CHECKOUT, side_by_side, ended)
    return found


def read_verdict(job: Job, status: int) -> Played:
    """Return what verdict.json says of a run that ended."""
    verdict = job.folder / "latest" / "verdict.json"
    if not verdict.exists():
        return Played(job.name, (), f"its run ended with {status} and no verdict: {job.log_file}")
    checks = json.loads(verdict.read_text(encoding="utf-8"))["checks"]
    return Played(job.name, tuple(check["check"] for check in checks if check["verdict"] != "pass"))


def unmutated_name(scenario: str, number: int) -> str:
    """Return what the run of the whole worker on ``scenario`` is called, the ``number``-th time."""
    return f"unmutated_{scenario}_{number}"


def whole_row(scenario: str, times: int, found: Mapping[str, Played]) -> tuple[str, bool]:
    """Return the line of the whole worker on one scenario, and whether it raised no alarm, however often it was played.

    Each alarm is named by its run, whose directory is kept under that name.
    """
    played = [found[unmutated_name(scenario, number)] for number in range(1, times + 1)]
    alarms = [f"{each.name}: {', '.join(each.red) or each.problem}" for each in played if each.alarm]
    said = f"FALSE ALARM in {len(alarms)} of {times}: {'; '.join(alarms)}" if alarms else f"no alarm in {times}"
    return f"{'unmutated':<42} {scenario:<10} {said}", not alarms


def rows(
    mutants: Iterable[Mutant], unmutated: Iterable[str], found: Mapping[str, Played], times: int = 1
) -> tuple[list[str], bool]:
    """Return the table's lines, and whether all is as it should be.

    The whole worker was played ``times`` a scenario.
    """
    whole = [whole_row(scenario, times, found) for scenario in unmutated]
    lines, good = [line for line, _ in whole], all(quiet for _, quiet in whole)
    for mutant in mutants:
        played = found[mutant.name]
        outcome = caught(mutant, played)
        good &= outcome == "caught"
        red = ", ".join(played.red) or played.problem or "nothing"
        lines.append(f"{mutant.name:<42} {mutant.scenario:<10} {outcome:<12} named {mutant.caught_by}; red: {red}")
    return lines, good


def main() -> int:
    """Play mutants and print the table."""
    parser = argparse.ArgumentParser(
        prog="make mutants", description="Play broken workers; say which check caught each."
    )
    parser.add_argument("names", nargs="*", help="only these mutants")
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument(
        "--unmutated", type=int, default=1, metavar="N", help="how often the whole worker is played on each scenario"
    )
    parser.add_argument("--no-mutants", action="store_true", help="play the whole worker alone, on every scenario")
    asked = parser.parse_args()
    mutants = [mutant for mutant in all_mutants() if not asked.names or mutant.name in asked.names]
    if unknown := sorted(set(asked.names) - {mutant.name for mutant in mutants}):
        parser.error(f"no mutant is named {unknown[0]!r}; there are: {', '.join(each.name for each in all_mutants())}")
    whole = [
        scenario for scenario in scenarios() if scenario in {mutant.scenario for mutant in mutants} and asked.unmutated
    ]
    broken = [] if asked.no_mutants else mutants
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        files = Path(scratch)
        files_to_play = [
            write_scenario(scenario, unmutated_name(scenario, number), {}, files)
            for number in range(1, asked.unmutated + 1)
            for scenario in whole
        ]
        files_to_play += [mutant.write_scenario(files) for mutant in broken]
        found = play(files_to_play, CHECKOUT / "runs" / "mutants", asked.jobs)
    lines, good = rows(broken, whole, found, asked.unmutated)
    came_to = "all as they should be" if good else "NOT ALL AS THEY SHOULD BE"
    whole_runs = asked.unmutated * len(whole)
    lines.append(f"{len(broken)} mutants and {whole_runs} runs of the whole worker, arm {ARM}: {came_to}")
    sys.stdout.write("\n".join([*lines, ""]))
    return 0 if good else 1
