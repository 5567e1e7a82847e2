"""How figures, exit statuses and verdicts are worded, the same in every report."""

from dataclasses import replace

import pytest

from harness.record import MIB, CheckResult, EndedBy, Incarnation, Judgement, MemorySeries, RunRecord, Verdict
from harness.record.facts import mib
from reports import wording
from reports.tables.table import Table, columns
from reports.verdict_words import last_line, outcome, reason
from tests.unit import reports_records as records


def incarnation(
    exit_status: int | None, *, ended_s: float | None = 9.0, ended_by: EndedBy = EndedBy.ITSELF
) -> Incarnation:
    """An incarnation that ended so."""
    return Incarnation(0, 1, 0.0, ended_s, exit_status, 0, None, None, ended_by)


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(0, "0.0 MiB"), (9.96 * MIB, "10.0 MiB"), (250.4 * MIB, "250 MiB"), (3000 * MIB, "3000 MiB")],
)
def test_sizes_are_mib(size_bytes: float, said: str) -> None:
    """Guarantees one unit of memory throughout."""
    assert mib(size_bytes) == said


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (incarnation(137), "137 (SIGKILL)"),
        (incarnation(143), "143 (SIGTERM)"),
        (incarnation(0), "0"),
        (incarnation(255), "255"),
        (incarnation(None), "not recorded"),
        (incarnation(None, ended_s=None), "still alive"),
    ],
)
def test_an_exit_status_names_its_signal(ended: Incarnation, said: str) -> None:
    """Guarantees that 137 is read as SIGKILL, and that a number beyond all signals is left a number."""
    assert wording.exit_status(ended) == said


def test_times_are_incident_times_where_there_are_phases() -> None:
    """Guarantees that a moment is never given a clock time that was not measured."""
    assert wording.moment(records.phases(burst_s=50), 61.5) == "11:41:30"
    assert wording.moment((), 61.5) == "+61.5 s"
    assert wording.short_time(42_120.0) == "11:42"
    assert wording.short_time(42_124.0) == "11:42:04"


def test_what_became_of_an_arm() -> None:
    """Guarantees that kills are counted, a single one in the singular, and that nothing is made up of nothing."""
    trial = records.before_trial()

    assert outcome(trial, records.manifest()) == "incident was killed 2 times and peaked at 3000 MiB"
    assert (
        outcome(replace(trial, incarnations=trial.incarnations[1:]), records.manifest())
        == "incident was killed 1 time and peaked at 3000 MiB"
    )
    assert outcome(replace(trial, incarnations=()), records.manifest()) == "of incident no incarnation was recorded"
    assert (
        outcome(replace(trial, incarnations=(incarnation(0),), memory=MemorySeries.empty()), records.manifest())
        == "incident was never killed; its peak was not recorded"
    )


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_last_line_is_what_make_and_ci_look_for(verdict: Verdict) -> None:
    """Guarantees the form of the line."""
    assert last_line(Judgement(verdict, ())) == f"VERDICT: {verdict.value}"


def test_a_verdict_worse_than_its_checks_is_explained() -> None:
    """Guarantees that a reader never sees UNKNOWN above checks that all passed without a word on it."""
    judgement = Judgement(Verdict.UNKNOWN, records.checks())

    assert "though no single check says so" in reason(records.run(), judgement)


def test_a_reason_ends_in_one_full_stop_with_and_without_detail() -> None:
    """Guarantees a sentence, not a fragment."""
    bare = CheckResult("c", "a", Verdict.FAIL, "2", "1")

    assert reason(RunRecord(records.manifest(), ()), Judgement(Verdict.FAIL, (bare,))).endswith("wanted 1.")
    told = replace(bare, detail="Too many.")
    assert reason(RunRecord(records.manifest(), ()), Judgement(Verdict.FAIL, (told,))).endswith("wanted 1. Too many.")


def test_a_table_with_a_row_too_short_is_refused() -> None:
    """Guarantees that a cell never slips under another column's heading."""
    with pytest.raises(ValueError, match="a row has 1 cells for 2 columns"):
        Table("t", "caption", columns("A", "B#"), (("1",),))
