"""Faults in the reports: a band for each that took effect, and a row for each entry with its fault events counted."""

from harness.record import Event, Judgement, RunRecord, Verdict
from reports.arm_tables import faults
from reports.charts import render_charts
from reports.fault_bands import fault_spans
from reports.markdown import render_markdown
from tests.drill_records import AFTER, BEFORE, run_of, trial


def fault_event(t_s: float, kind: str, key: str, **data: str) -> Event:
    """Return one fault event of a flapping link."""
    return Event(t_s, f"fault_{kind}", {"fault": "link_flapping", "key": key, **data})


RECEIPTS = (
    fault_event(12.0, "requested", "hanging.0.0", settings="up 4s, down 2s"),
    fault_event(12.1, "in_force", "hanging.0.0", seen="127.0.0.1:4 refuses connections"),
    fault_event(13.0, "healed", "hanging.0.0"),
    fault_event(14.0, "requested", "hanging.0.1", settings="up 4s, down 2s"),
    fault_event(14.1, "failed", "hanging.0.1", what="never took effect", why="still takes a connection"),
    Event(10.0, "fault_requested", {"fault": "mem0_rules", "rules": "else answer"}),
)


def run(*events: Event) -> RunRecord:
    """Return a run with these events in its after arm."""
    return run_of(trial(BEFORE), trial(AFTER, events=(*trial(AFTER).events, *events)))


def test_the_table_counts_fault_events_and_says_what_went_wrong() -> None:
    """Guarantees one row for all pulses of an entry, the rules of a phase left out, and the failure in words."""
    (row,) = faults(run(*RECEIPTS)).rows

    assert row[:3] == (AFTER, "link_flapping", "up 4s, down 2s")
    assert row[3:5] == ("11:02:00", "11:02:10")
    assert row[5:8] == ("2", "1", "1")
    assert row[8] == "never took effect: still takes a connection"


def test_a_fault_that_was_never_healed_has_no_end() -> None:
    """Guarantees that the record of a run which was cut off is shown as it is."""
    (span,) = fault_spans(run(*RECEIPTS[:2]).trials[1])
    (row,) = faults(run(*RECEIPTS[:2])).rows

    assert (span.start_s, span.end_s, span.took_effect) == (12.0, None, True)
    assert (row[4], row[7]) == ("—", "0")


def test_bands_are_drawn_for_what_took_effect_alone() -> None:
    """Guarantees that the charts differ by the fault, and that one without effect draws nothing."""
    without, failed = render_charts(run()), render_charts(run(*RECEIPTS[3:5]))
    with_fault = render_charts(run(*RECEIPTS))

    assert b"link flapping" in with_fault["queues.svg"]
    assert b"link flapping" not in failed["queues.svg"]
    assert failed["queues.svg"] == without["queues.svg"]


def test_the_report_says_that_there_were_none() -> None:
    """Guarantees a sentence where an empty table would be a riddle."""
    judgement = Judgement(Verdict.PASS, (), (), (), {})
    assert "no fault beside pika-mem0's own" in render_markdown(run(), judgement).replace("\\", "")
    assert "link_flapping" in render_markdown(run(*RECEIPTS), judgement).replace("\\", "")
