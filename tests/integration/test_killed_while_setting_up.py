"""A harness that is killed with SIGKILL while it sets up, at random moments, and the next start that sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kill_moments import killed_and_swept

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("stage", ["start", "memory_limit", "broker", "proxy", "trial", "publishing"])
def test_the_next_start_sweeps_all_of_it_and_what_was_recorded_is_reported(stage: str, tmp_path: Path) -> None:
    """Guarantees no process, cgroup, port, temporary file or half-file; and a report, or a word that there is none."""
    killed_and_swept(stage, tmp_path)
