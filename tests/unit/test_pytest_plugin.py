"""The pytest plugin: a green budget, a red one with its sites, markers that can't be meant, and silence elsewhere.

No worker is started: the campaign is replaced by records of a drill.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import PartFailedError
from harness.pytest_plugin import played
from harness.pytest_plugin.marker import budget_of
from harness.record import MIB, RunRecord
from reports.analysis import heap_profile
from reports.analysis.heap_profile import AllocationSite, HeapProfile
from tests.drill_records import AFTER, BEFORE, memory, run_of, trial
from tests.scenario_documents import document, written

pytest_plugins = ["pytester"]

OVER = run_of(
    trial(BEFORE), trial(AFTER, memory=memory((0, 20, 0, 110 * MIB), (20, 21, 0, 500 * MIB), (21, 49, 0, 110 * MIB)))
)


class Campaign:
    """Stands in for ``run_campaign``: counts, and leaves a run directory with a capture where one is profiled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, record: RunRecord, *, captures: bool = True) -> None:
        self.plain, self.profiled = 0, 0
        self.captures = captures
        self.error: PartFailedError | None = None
        monkeypatch.setattr(played, "run_campaign", self.play)
        monkeypatch.setattr(played, "read_run", lambda _path: record)
        monkeypatch.setattr(heap_profile, "read_heap_profile", lambda _path: PROFILE)

    def play(self, order: Any, _narrator: Any, schedule: Callable[[Path], list[Any]] | None = None) -> Path:
        """Return a run directory of this order."""
        self.plain += schedule is None
        self.profiled += schedule is not None
        if schedule is not None and self.error is not None:
            raise self.error
        run: Path = order.options.runs_dir / f"run-{self.plain + self.profiled}"
        for plan in schedule(run) if schedule is not None else ():
            (run / "trials" / plan.folder_name / "memray").mkdir(parents=True)
            if self.captures:
                (run / "trials" / plan.folder_name / "memray" / "incarnation-0.bin").touch()
        return run


PROFILE = HeapProfile(
    "worker", False, 1.0, 400 * MIB, 0, (), (AllocationSite("worker.py:12 parse", 390 * MIB, 130, ()),)
)


@pytest.fixture
def drill(pytester: pytest.Pytester) -> Path:
    """The drill as a scenario file in the folder of the inner session."""
    return written(pytester.path, document())


def outcome(pytester: pytest.Pytester, marker: str, *options: str, body: str = "pass") -> pytest.RunResult:
    """Run one marked test in a session of its own."""
    pytester.makepyfile(
        f"import pytest\n@pytest.mark.memory_budget({marker})\ndef test_it(memory_trial):\n    {body}\n"
    )
    return pytester.runpytest("-p", "harness.pytest_plugin", "-p", "no:cacheprovider", "-W", "default", *options)


def test_a_budget_that_is_kept_passes_and_hands_the_trial_over(
    pytester: pytest.Pytester, drill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees the good case, and that the test's own body sees what the trial left behind."""
    campaign = Campaign(monkeypatch, run_of())
    marker = (
        f'"300 MiB", scenario={str(drill)!r}, rss="290 MiB", growth="1 MiB", baseline="healthy", above_baseline="1 MB"'
    )
    result = outcome(pytester, marker, body="assert memory_trial.arm == 'fixed'")
    result.assert_outcomes(passed=1)
    assert (campaign.plain, campaign.profiled) == (1, 0)


def test_a_budget_that_is_broken_fails_and_names_the_top_sites(
    pytester: pytest.Pytester, drill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees the failure message: the measured value, the threshold, the run, and lines of code by their bytes."""
    campaign = Campaign(monkeypatch, OVER)
    result = outcome(pytester, f'"300 MiB", scenario={str(drill)!r}')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the worker of drill, arm fixed, does not keep its memory budget: verdict fail",
            "*FAIL     memory budget: peak 500 MiB (working set); wanted working set at most 300 MiB*",
            "*top allocation sites at the heap's peak of 400 MiB*",
            "*390.0 MiB  worker.py:12 parse",
        ]
    )
    assert (campaign.plain, campaign.profiled) == (1, 1)


def test_a_worker_that_was_killed_fails_whatever_its_arm_is_for_and_names_the_top_sites(
    pytester: pytest.Pytester, drill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees that the worker as it was is held to the marker's budget like any other, and a kill is explained."""
    campaign = Campaign(monkeypatch, run_of())
    result = outcome(pytester, f'"1000 MiB", scenario={str(drill)!r}, arm="incident"')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*arm incident, *verdict fail", "*FAIL     never killed: *", "*390.0 MiB  worker.py:12 parse"]
    )
    assert campaign.profiled == 1


def test_a_run_that_could_not_be_measured_fails_and_blames_no_site(
    pytester: pytest.Pytester, drill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees that unknown is not kept, and that nothing is profiled for a hole in the record."""
    campaign = Campaign(monkeypatch, run_of(trial(BEFORE), trial(AFTER, damaged=("outcomes.json was never written",))))
    result = outcome(pytester, f'"300 MiB", scenario={str(drill)!r}')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UNKNOWN  record whole*"])
    assert campaign.profiled == 0


@pytest.mark.parametrize(
    ("options", "captures", "error", "said"),
    [
        (["--memory-no-profile"], True, None, "not repeated under memray (--memory-no-profile)"),
        (["--memory-run", "stored"], True, None, "the stored run has no memray capture"),
        ([], False, None, "left no memray capture"),
        ([], True, PartFailedError("the broker did not come up"), "the repeat under memray broke: the broker"),
    ],
    ids=["not wanted", "stored", "no capture", "broke"],
)
def test_where_no_site_is_known_the_message_says_why(
    pytester: pytest.Pytester,
    drill: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    captures: bool,
    error: PartFailedError | None,
    said: str,
) -> None:
    """Guarantees that a missing table of sites is said plainly, and never hides the broken budget."""
    campaign = Campaign(monkeypatch, OVER, captures=captures)
    campaign.error = error
    result = outcome(pytester, f'"300 MiB", scenario={str(drill)!r}', *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*wanted working set at most 300 MiB*", f"*allocation sites: not known; *{said.replace('[', '')}*"]
    )
    assert campaign.plain == (0 if "--memory-run" in options else 1)


def test_tests_that_ask_for_the_same_play_it_once(
    pytester: pytest.Pytester, drill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees that three budgets on one arm cost one run, and a small one another."""
    campaign = Campaign(monkeypatch, run_of())
    marks = "".join(
        f"@pytest.mark.memory_budget({budget!r}, scenario={str(drill)!r}{extra})\ndef test_{n}(): pass\n"
        for n, (budget, extra) in enumerate([("300 MiB", ""), ("310 MiB", ""), ("320 MiB", ', growth="1 MiB"')])
    )
    pytester.makepyfile("import pytest\n" + marks)
    result = pytester.runpytest("-p", "harness.pytest_plugin", "-p", "no:cacheprovider", "-W", "default")
    result.assert_outcomes(passed=3)
    assert campaign.plain == 1


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("", "give one budget for the peak"),
        ('"300 MiB"', "name a scenario or its file"),
        ('"300 MiB", scenario="no_such"', "no scenario 'no_such'"),
        ('"300", scenario=DRILL', "'300' is not a size"),
        ('"300 MiB", scenario=DRILL, peek=1', "there is no argument 'peek'"),
        ('"300 MiB", scenario=DRILL, arm="fxied"', "arm='fxied': the scenario drill has incident, fixed"),
        ('"300 MiB", scenario=DRILL, baseline="healthy"', "belong together"),
        ('"300 MiB", scenario=DRILL, baseline="night", above_baseline="1 MB"', "no phase is named 'night'"),
        ('"1001 MiB", scenario=DRILL', "above memory_limit it says nothing"),
    ],
)
def test_a_marker_that_cannot_be_meant_ends_the_session_before_anything_starts(
    pytester: pytest.Pytester, drill: Path, monkeypatch: pytest.MonkeyPatch, marker: str, said: str
) -> None:
    """Guarantees a usage error that names the test, the argument, its value and the remedy."""
    campaign = Campaign(monkeypatch, run_of())
    result = outcome(pytester, marker.replace("DRILL", repr(str(drill))))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stderr.str() + result.stdout.str()
    assert "test_it: @pytest.mark.memory_budget" in told
    assert said in told
    assert (campaign.plain, campaign.profiled) == (0, 0)


def test_the_plugin_leaves_other_tests_alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that a session which marks nothing starts nothing."""
    campaign = Campaign(monkeypatch, run_of())
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest("-p", "harness.pytest_plugin", "-p", "no:cacheprovider", "-W", "default").assert_outcomes(
        passed=1
    )
    assert campaign.plain == 0


def test_the_trial_without_a_marker_is_refused(pytester: pytest.Pytester) -> None:
    """Guarantees that the fixture says what it needs."""
    pytester.makepyfile("def test_it(memory_trial): pass")
    result = pytester.runpytest("-p", "harness.pytest_plugin", "-p", "no:cacheprovider", "-W", "default")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*memory_trial needs @pytest.mark.memory_budget*"])


def test_a_small_budget_is_for_the_small_workload(drill: Path) -> None:
    """Guarantees that small=True shrinks messages and budgets together, as --small does."""
    asked = budget_of(["390 MiB"], {"scenario": str(drill), "small": True})
    budget = asked.scenario.arms["fixed"].expect.memory_budget
    assert budget is not None
    assert (asked.scenario.messages.size_min, budget.peak_at_most) == (100_000, 120 * MIB)
