"""Whole runs whose answer is *unknown*, however late their workload comes.

They may share the machine with other tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness_command import QUICK, harness

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def test_the_reports_configuration_as_written_is_not_reproduced(tmp_path: Path) -> None:
    """M0, prefetch in force: the worker survives, which is no failure of anything but an unknown: exit 3."""
    ended = harness(
        "run", str(QUICK), "--arm", "incident", "--mechanism", "M0", "--runs-dir", str(tmp_path), runs_dir=tmp_path
    )
    assert ended.status == 3, ended.out + ended.err
    assert "not reproduced" in ended.out


def test_an_emulated_limit_is_unknown(tmp_path: Path) -> None:
    """A watchdog's kill proves nothing about the kernel: exit 3, and the report says emulated."""
    ended = harness(
        "run", str(QUICK), "--arm", "incident", "--limit", "watchdog", "--runs-dir", str(tmp_path), runs_dir=tmp_path
    )
    assert ended.status == 3, ended.out + ended.err
    assert "emulated" in ended.out
    assert "emulated" in (ended.run / "report.html").read_text()
