"""``python -m tests.mutation``: changes the source one expression at a time and runs the unit tests. ``make mutation``.

mutmut makes the mutants and runs the tests of each changed function; this program says which sources and which tests
belong together, bounds the time, and prints what was killed. It works on a copy in ``build/mutation``. mutmut keeps its
results as long as a function is the same, whatever became of its tests, so each run begins anew; ``--go-on`` continues
one that the time cut short. ``make mutants`` is the other one: it plays broken workers on real parts.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / "build" / "mutation"
MINUTES = 30.0
_COPIED = ("worker_under_test", "harness", "fake_mem0", "reports", "scenarios", "examples", "tests", "pyproject.toml")
_KILLED = ("killed", "timeout", "suspicious", "segfault")  # whatever is not the tests' success was noticed


@dataclass(frozen=True)
class Part:
    """Sources that are mutated together, and the unit tests that have to notice."""

    name: str
    root: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]  # patterns below tests/unit


PARTS = (
    Part("remedies", "worker_under_test", ("worker_under_test/remedies/*",), ("test_worker_*.py",)),
    Part("ledger", "harness", ("harness/ledger/*",), ("test_ledger_*.py", "test_checkers_messages.py")),
    Part("checkers", "harness", ("harness/checkers/*",), ("test_checkers_*.py",)),
)


def config_of(part: Part) -> str:
    """Return mutmut's section of pyproject.toml for one part. A line of the log says nothing that a test could want."""
    tests = sorted(
        str(path.relative_to(CHECKOUT)) for each in part.tests for path in CHECKOUT.glob(f"tests/unit/{each}")
    )
    others = [name for name in _COPIED if name not in (part.root, "tests", "pyproject.toml")]
    return "\n".join(
        [
            "[tool.mutmut]",
            f"source_paths = {[part.root]}",
            f"only_mutate = {list(part.sources)}",
            f"also_copy = {others}",
            r"do_not_mutate_patterns = ['logger\.', '^REMEDY']",
            "pytest_add_cli_args = ['-p', 'no:xdist', '-p', 'no:cacheprovider', '-x', '--timeout=60']",
            f"pytest_add_cli_args_test_selection = {tests}",
            "use_git_change_detection = false",
            "",
        ]
    )


def prepare(part: Part, *, go_on: bool) -> Path:
    """Make the copy of one part, or bring it up to date to go on with it; return its folder."""
    folder = FOLDER / part.name
    if not go_on:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in _COPIED:
        source, copy = CHECKOUT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy)
    pyproject = folder / "pyproject.toml"
    pyproject.write_text(f"{pyproject.read_text(encoding='utf-8')}\n{config_of(part)}", encoding="utf-8")
    return folder


def mutate(folder: Path, limit_s: float, children: int) -> str:
    """Run mutmut until it is through or the time is over; return what came of it, in words."""
    log = folder / "mutmut.log"
    with log.open("wb") as sink:
        argv = (sys.executable, "-m", "mutmut", "run", "--max-children", str(children))
        with subprocess.Popen(argv, cwd=folder, stdout=sink, stderr=sink, start_new_session=True) as child:
            try:
                status = child.wait(limit_s)
            except subprocess.TimeoutExpired:
                child.terminate()
                return "the time was over"
    return "through" if status == 0 else f"mutmut ended with {status}: {log.relative_to(CHECKOUT)}"


def results(folder: Path) -> dict[str, str]:
    """Return what became of each mutant, by its name."""
    argv = (sys.executable, "-m", "mutmut", "results", "--all", "true")
    found = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False).stdout
    pairs = (line.strip().rpartition(": ") for line in found.splitlines())
    return {name: outcome for name, colon, outcome in pairs if colon}


def module_of(mutant: str) -> str:
    """Return the module of a mutant: ``harness.ledger.story`` of ``harness.ledger.story.x_when__mutmut_1``."""
    return mutant.partition(".x")[0]


def table(found: dict[str, str]) -> list[str]:
    """Return a line for each module, and one for all: mutants, killed, survived, without a test, not tried."""
    lines = ["| module | mutants | killed | survived | no test | not tried | share |", "|---|---|---|---|---|---|---|"]
    by_module: dict[str, Counter[str]] = {}
    for mutant, outcome in found.items():
        by_module.setdefault(module_of(mutant), Counter())[outcome] += 1
    total: Counter[str] = sum(by_module.values(), Counter())
    for module, counts in [*sorted(by_module.items()), ("all", total)]:
        killed = sum(counts[each] for each in _KILLED)
        survived, untested = counts["survived"], counts["no tests"]
        tried = killed + survived + untested
        share = f"{killed / tried:.0%}" if tried else "–"
        left = counts.total() - tried
        lines.append(f"| `{module}` | {counts.total()} | {killed} | {survived} | {untested} | {left} | {share} |")
    return lines


def main() -> int:
    """Mutate the parts that are asked for, and print the tables; survivors are listed in ``build/mutation``."""
    parser = argparse.ArgumentParser(prog="make mutation", description="Change the source; say what no test noticed.")
    parser.add_argument("parts", nargs="*", help=f"only these: {', '.join(part.name for part in PARTS)}")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for all parts together")
    parser.add_argument("--children", type=int, default=2, help="mutants at once")
    parser.add_argument("--go-on", action="store_true", help="continue a run that the time cut short")
    parsed = parser.parse_args()
    names = [part.name for part in PARTS]
    if unknown := sorted(set(parsed.parts) - set(names)):
        parser.error(f"no part is named {unknown[0]!r}; there are: {', '.join(names)}")
    deadline_mono_s = time.monotonic() + 60 * parsed.minutes
    chosen = [part for part in PARTS if not parsed.parts or part.name in parsed.parts]
    for number, part in enumerate(chosen):
        folder = prepare(part, go_on=parsed.go_on)
        left_s = max(0.0, deadline_mono_s - time.monotonic()) / (len(chosen) - number)
        outcome = mutate(folder, left_s, parsed.children)
        found = results(folder)
        survivors = sorted(name for name, each in found.items() if each in ("survived", "no tests"))
        listed = FOLDER / f"{part.name}-survivors.txt"
        listed.write_text("".join(f"{found[name]}: {name}\n" for name in survivors), encoding="utf-8")
        where = listed.relative_to(CHECKOUT)
        sys.stdout.write("\n".join([f"{part.name}: {outcome}", *table(found), f"survivors: {where}", "", ""]))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
