"""``harness verify --quick``, as ``make verify ARGS=--quick`` runs it: the quick scenarios against every arm.

It is the longest of the whole incidents. Its name brings it to the front, so that the others run beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.scenario import list_scenarios, load_scenario
from tests.harness_command import harness

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.incident]


def test_no_quick_scenario_surprises(tmp_path: Path) -> None:
    """Guarantees the matrix: every quick scenario played, each arm as expected, and nothing lost or done twice."""
    ended = harness("verify", "--quick", "--jobs", "1", "--json", "--matrix-dir", str(tmp_path), runs_dir=tmp_path)
    assert ended.status == 0, ended.out + ended.err
    rows = json.loads(ended.out)["rows"]
    assert {row["scenario"] for row in rows} == {path.stem for path in list_scenarios() if load_scenario(path).quick}
    fixed = [cell for row in rows for cell in row["cells"] if cell["role"] == "after"]
    assert all((cell["lost"], cell["duplicated"]) == (0, 0) for cell in fixed)
    assert (tmp_path / "matrix.html").exists()
