"""The rooms of the reports: analysis apart from rendering, and no import circle, each shown to turn red when broken."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
_CONTRACTS = ("Reports: analysis knows nothing of rendering", "Reports: no import circle")


def linted(folder: Path) -> tuple[int, str]:
    """Return exit status and output of the reports' own contracts over the copy of ``reports`` in ``folder``."""
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lines = ["[importlinter]", "root_package = reports"]
    for number, contract in enumerate(each for each in contracts if each["name"].startswith(_CONTRACTS)):
        lines.append(f"[importlinter:contract:{number}]")
        for name, value in contract.items():
            lines.append(f"{name} = {value if isinstance(value, str | bool) else ''}")
            lines += [f"    {entry}" for entry in value] if isinstance(value, list) else []
    (folder / "contracts.ini").write_text("\n".join(lines) + "\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", "contracts.ini", "--no-cache"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder that holds a copy of the reports, to be broken."""
    shutil.copytree(CHECKOUT / "reports", tmp_path / "reports", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_reports_keep_their_contracts(copy: Path) -> None:
    """Guarantees that a copy that nobody broke is green, so that the red ones below are red for their plant."""
    status, output = linted(copy)
    assert status == 0, output
    assert "2 kept, 0 broken" in output


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("analysis/heap_groups.py", "from reports.pages import templates\n", "analysis knows nothing of rendering"),
        # The circle that was there: heap profile and heap groups, one of the two imports for types alone.
        (
            "analysis/heap_groups.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from reports.analysis import heap_profile\n",
            "no import circle",
        ),
    ],
)
def test_a_planted_import_turns_a_contract_red(copy: Path, module: str, line: str, broken: str) -> None:
    """Guarantees that neither analysis that renders nor a circle, be it of types alone, goes unseen."""
    source = copy / "reports" / module
    source.write_text(source.read_text() + line)
    status, output = linted(copy)
    assert status == 1
    assert any(broken in row and "BROKEN" in row for row in output.splitlines()), output
