"""The mutants, as data: what each breaks, the scenario it is played on, and the checker that has to catch it.

A mutant is a file in ``mutations/``: its docstring says what it breaks, SCENARIO names a scenario of ``scenarios/``,
CAUGHT_BY a checker, and ``mutate()`` breaks the worker in memory. How to add one: write that file.
"""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.scenario import load_scenario

FOLDER = Path(__file__).resolve().parent
CHECKOUT = FOLDER.parents[1]
ARM = "fixed"


@dataclass(frozen=True)
class Mutant:
    """One small change of the fixed worker."""

    name: str
    change: str  # in a sentence
    scenario: str
    caught_by: str  # the name of the check that must not pass

    def write_scenario(self, folder: Path) -> Path:
        """Write the scenario with this mutant as its worker; return the file."""
        return write_scenario(self.scenario, self.name, {"WORKER_MUTANT": self.name}, folder)


def write_scenario(scenario: str, name: str, env: dict[str, str], folder: Path) -> Path:
    """Write a scenario under another name, its worker with ``env`` as well; return the file."""
    document = load_scenario(FOLDER / "scenarios" / f"{scenario}.yaml").model_dump(mode="json", by_alias=True)
    document["name"] = name
    document["arms"][ARM]["env"] |= {**env, "PYTHONPATH": f"{FOLDER / 'start'}:{CHECKOUT}"}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def all_mutants() -> Iterator[Mutant]:
    """Yield every mutant, by name. The files are read, not run: they would import the worker."""
    for path in sorted((FOLDER / "mutations").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        change = (ast.get_docstring(tree) or "").partition("\n")[0]
        yield Mutant(path.stem, change, str(constants["SCENARIO"]), str(constants["CAUGHT_BY"]))


def scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios."""
    return tuple(sorted(path.stem for path in (FOLDER / "scenarios").glob("*.yaml")))
