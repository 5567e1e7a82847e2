"""Faults in the reports: a band for each that took effect, and a row for each entry with its occurrences counted."""

from harness.record import FaultSpan, Judgement, RunRecord, Verdict
from reports.charts.all_charts import render_charts
from reports.pages.markdown import render_markdown
from reports.tables.arms import faults
from tests.drill_records import AFTER, BEFORE, run_of, trial


def occurrence(key: str, requested_s: float, in_force_s: float | None, healed_s: float | None = None) -> FaultSpan:
    """Return one occurrence of a flapping link; one that never took effect has failed."""
    seen = "127.0.0.1:4 refuses connections" if in_force_s is not None else ""
    failure = "never took effect: still takes a connection" if in_force_s is None else ""
    return FaultSpan(key, "link_flapping", "up 4s, down 2s", requested_s, in_force_s, healed_s, seen, failure)


HEALED = occurrence("hanging.0.0", 12.0, 12.1, 13.0)
FAILED = occurrence("hanging.0.1", 14.0, None)
PHASE_RULES = FaultSpan("hanging.dependency", "dependency_rules", "else answer", 10.0, 10.0, 20.0)


def run(*spans: FaultSpan) -> RunRecord:
    """Return a run with these faults in its after arm."""
    return run_of(trial(BEFORE), trial(AFTER, faults=spans))


def test_the_table_counts_occurrences_and_says_what_went_wrong() -> None:
    """Guarantees one row for all pulses of an entry, the rules of a phase left out, and the failure in words."""
    (row,) = faults(run(HEALED, FAILED, PHASE_RULES)).rows

    assert row[:3] == (AFTER, "link_flapping", "up 4s, down 2s")
    assert row[3:5] == ("11:02:00", "11:02:10")
    assert row[5:8] == ("2", "1", "1")
    assert row[8] == "never took effect: still takes a connection"


def test_a_fault_that_was_never_healed_has_no_end() -> None:
    """Guarantees that the record of a run which was cut off is shown as it is."""
    (row,) = faults(run(occurrence("hanging.0.0", 12.0, 12.1))).rows

    assert (row[4], row[7]) == ("—", "0")


def test_bands_are_drawn_for_what_took_effect_alone() -> None:
    """Guarantees that the charts differ by the fault, and that one without effect draws nothing."""
    without, failed = render_charts(run()), render_charts(run(FAILED, PHASE_RULES))
    with_fault = render_charts(run(HEALED, FAILED, PHASE_RULES))

    assert b"link flapping" in with_fault["queues.svg"]
    assert b"link flapping" not in failed["queues.svg"]
    assert failed["queues.svg"] == without["queues.svg"]


def test_the_report_says_that_there_were_none() -> None:
    """Guarantees a sentence where an empty table would be a riddle."""
    judgement = Judgement(Verdict.PASS, (), (), (), {})
    assert "no fault beside the dependency's rules" in render_markdown(run(), judgement).replace("\\", "")
    assert "link_flapping" in render_markdown(run(HEALED, FAILED, PHASE_RULES), judgement).replace("\\", "")
