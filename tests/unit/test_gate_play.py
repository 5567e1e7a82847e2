"""The gate's order of play, its figures and its report, over records of a drill: no worker is started."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.gate import play, sites
from harness.gate.builds import Build
from harness.gate.metrics import figures_of
from harness.gate.play import Gate, GateOrder
from harness.narration import Silence
from harness.record import MIB, Drain, TrialRecord, Verdict
from harness.record.gate import BASELINE, CANDIDATE
from harness.scenario import Scenario
from reports.analysis import heap_profile
from reports.analysis.heap_profile import AllocationSite, HeapProfile
from tests import drill_records as drill

A, B = Build("old", ("python", "old.py")), Build("new", ("python", "new.py"))


class Campaign:
    """Stands in for ``run_campaign``: plays the schedule into memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, record: Callable[[str, int], TrialRecord]) -> None:
        self.played: list[str] = []
        self._record = record
        monkeypatch.setattr(play, "run_campaign", self.run)
        monkeypatch.setattr(play, "read_run", self.read)

    def run(self, order: Any, _narrator: Any, schedule: Callable[[Path], Any]) -> Path:
        """Ask for the trials one after another, as the campaign does."""
        path: Path = order.options.runs_dir
        self.played = []
        for plan in schedule(path):
            self.played.append(plan.folder_name)
        return path

    def read(self, _path: Path) -> Any:
        """Return the record of what was played so far."""
        plain = [name for name in self.played if not name.endswith("profiled")]
        trials = [replace(self._record(name.split("-")[0], n), arm=name) for n, name in enumerate(plain)]
        return drill.run_of(*trials)


def record(build: str, number: int, *, peak_mib: float = 88.0, **changes: Any) -> TrialRecord:
    """Return a repeat's record; a candidate's peak is what the test says, with a little noise."""
    peak = peak_mib if build == CANDIDATE else 88.0
    incarnation = drill.incarnation(peak_rss_bytes=int((peak + number % 3 / 10) * MIB))
    memory = drill.memory((-3, 49, 0, 80 * MIB))
    return drill.trial(drill.AFTER, incarnations=(incarnation,), memory=memory, **changes)


@pytest.fixture
def scenario() -> Scenario:
    """The drill with the two builds as its arms."""
    whole = drill.scenario()
    expect = whole.arms[drill.AFTER].expect.model_copy(update={"throughput": None})
    template = whole.arms[drill.AFTER].model_copy(update={"expect": expect})
    return whole.model_copy(update={"arms": {BASELINE: A.arm(template), CANDIDATE: B.arm(template)}})


def gate(scenario: Scenario, tmp_path: Path, **changes: Any) -> Gate:
    """Return a gate of these options."""
    order = GateOrder(scenario, A, B, tmp_path, ("harness", "gate"), {"cores": "2"})
    return Gate(replace(order, **changes), Silence())


def test_two_equal_builds_are_played_in_turn_and_pass(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees A B A B …, as many as the power takes, a green verdict, and no profile."""
    campaign = Campaign(monkeypatch, record)
    _, report = gate(scenario, tmp_path).run()
    assert report.verdict is Verdict.PASS, report
    assert campaign.played == [f"{build}-0{n}" for n in range(1, 5) for build in (BASELINE, CANDIDATE)]
    assert report.why_repeats.startswith("4 repeats of each build: a peak +5.0% is then found with a power of")


def test_a_worse_build_is_red_and_profiled(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees exit 1, and that both builds are repeated once under memray to name the sites."""
    campaign = Campaign(monkeypatch, lambda build, n: record(build, n, peak_mib=98.0))
    monkeypatch.setattr(sites, "grown", lambda _run: (("service.py process: 0 → 9.5 MiB",), "from memray"))
    _, report = gate(scenario, tmp_path).run()
    assert report.verdict is Verdict.FAIL
    assert campaign.played[-2:] == ["baseline-profiled", "candidate-profiled"]
    assert report.sites == ("service.py process: 0 → 9.5 MiB",)


def test_the_number_of_repeats_and_the_profile_can_be_chosen(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees --repeats and --no-profile; without captures the report says that no site is known."""
    campaign = Campaign(monkeypatch, lambda build, n: record(build, n, peak_mib=98.0))
    _, report = gate(scenario, tmp_path, repeats=3, profile=False).run()
    assert len(campaign.played) == 6
    assert report.why_repeats == "3 repeats of each build, as ordered"
    assert report.sites_note.startswith("No allocation sites are known")


@pytest.mark.parametrize(("build", "verdict"), [(CANDIDATE, Verdict.FAIL), (BASELINE, Verdict.UNKNOWN)])
def test_a_build_that_breaks_an_expectation_is_said(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: str, verdict: Verdict
) -> None:
    """Guarantees that a candidate which loses messages fails, and that a broken baseline is no answer."""
    Campaign(monkeypatch, lambda of, n: record(of, n, outcomes=drill.rows()[of == build :]))
    _, report = gate(scenario, tmp_path).run()
    assert report.verdict is verdict
    assert report.problems[0].startswith(f"{build}-01: messages accounted for")


def test_a_repeat_that_was_not_drained_is_no_answer(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees unknown for figures of a repeat that did not come to its end."""
    Campaign(monkeypatch, lambda of, n: record(of, n, drain=Drain(False, 9.0, "7 ready")))
    _, report = gate(scenario, tmp_path).run()
    assert report.verdict is Verdict.UNKNOWN


def test_a_workload_that_was_late_is_counted(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees an answer from a busy machine: what the worker holds does not depend on when the backlog came."""
    late = tuple(replace(each, sent_s=each.sent_s + 20) for each in drill.publishes())
    Campaign(monkeypatch, lambda of, n: record(of, n, publishes=late))
    _, report = gate(scenario, tmp_path).run()
    assert (report.verdict, report.problems) == (Verdict.PASS, ())


def test_the_figures_of_a_repeat() -> None:
    """Guarantees each figure in its unit: 49 messages that left 9.8 MiB behind are 200 MiB per 1,000."""
    memory = drill.memory((-3, 0, 0, 100 * MIB), (0, 49, 0, 109.8 * MIB))
    found = figures_of(drill.trial(drill.AFTER, memory=memory, queue=drill.queue(1.0)))
    assert found["peak"] == 290.0
    assert found["peak_cgroup"] == 300.0
    assert found["kept"] == pytest.approx(9.8 / 48 * 1000)
    assert found["throughput"] == pytest.approx(1.0, rel=0.1)


def test_the_peak_is_the_containers_and_not_the_first_processs() -> None:
    """Guarantees that what a forked child keeps counts, and that a single process's own mark is never undercut."""
    small = (drill.incarnation(peak_rss_bytes=30 * MIB),)
    forking = drill.trial(drill.AFTER, incarnations=small, memory=drill.memory((-3, 49, 0, 290 * MIB)))
    single = drill.trial(drill.AFTER, incarnations=small, memory=drill.memory((-3, 49, 0, 25 * MIB)))

    assert (figures_of(forking)["peak"], figures_of(single)["peak"]) == (290.0, 30.0)


def test_what_was_not_measured_is_left_out() -> None:
    """Guarantees that a hole in the record is not a figure of zero."""
    empty = drill.trial(drill.AFTER, incarnations=(), memory=drill.memory((5, 6, 0, 1.0)), queue=(), phases=())
    assert figures_of(empty) == {}


def profile(*held: tuple[str, float]) -> HeapProfile:
    """Return a capture whose peak has these sites."""
    found = tuple(AllocationSite(location, int(size * MIB), 1, ("f",)) for location, size in held)
    return HeapProfile("worker", False, 1.0, sum(site.size_bytes for site in found), 0, (), found)


class TestSites:
    """Which functions hold more than before."""

    def captures(self, run: Path, monkeypatch: pytest.MonkeyPatch, **profiles: HeapProfile) -> None:
        """Leave a capture of each build in the run."""
        for build in profiles:
            folder = run / "trials" / f"{build}-profiled" / "memray"
            folder.mkdir(parents=True)
            (folder / "incarnation-0.bin").touch()
        monkeypatch.setattr(
            heap_profile,
            "read_heap_profile",
            lambda path: profiles[path.parents[1].name.removesuffix("-profiled")],
        )

    def test_the_function_that_grew_is_named_wherever_it_moved(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guarantees that another line number, or another checkout, is the same site."""
        before = profile(("/old/w/service.py:10 process", 1.0), ("/old/w/body.py:3 read", 5.0))
        after = profile(("/new/w/service.py:12 process", 10.5), ("/new/w/body.py:3 read", 5.1))
        lighter = AllocationSite("700 lighter sites", MIB, 700, ())
        after = replace(after, at_peak=(*after.at_peak, lighter))
        self.captures(tmp_path, monkeypatch, baseline=before, candidate=after)
        lines, note = sites.grown(tmp_path)
        assert lines == ("w/service.py process: 1.0 MiB → 10 MiB (+9.5 MiB)",)
        assert "heap's peak 6.0 MiB → 16 MiB" in note

    def test_against_a_stored_baseline_the_heaviest_are_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guarantees an answer where there is nothing to compare with, and that it says so."""
        self.captures(tmp_path, monkeypatch, candidate=profile(("w/service.py:12 process", 10.5)))
        lines, note = sites.grown(tmp_path)
        assert lines == ("w/service.py:12 process: 10 MiB",)
        assert "heaviest" in note

    def test_growth_outside_the_heap_is_said_to_be_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Guarantees that no site is blamed by chance."""
        same = profile(("w/service.py:12 process", 10.5))
        self.captures(tmp_path, monkeypatch, baseline=same, candidate=same)
        lines, note = sites.grown(tmp_path)
        assert lines == ()
        assert "not in Python's heap" in note
