"""The flow of messages in the report: counts that add up, bad ends that stand out, stories that are bounded."""

from dataclasses import replace

from harness.record import RunRecord
from reports.pages.html_page import render_html
from reports.pages.markdown import render_markdown
from reports.tables.message_flow import STORIES_MAX, Flow, flows
from tests.drill_records import AFTER, publishes, rows, run_of, trial
from tests.unit import reports_records


def flow_of(**changes: object) -> Flow:
    """Return the flow of the fixed arm, its record changed."""
    (flow,) = flows(run_of(replace(trial(AFTER), **changes)))  # type: ignore[arg-type]
    return flow


def test_the_flow_of_a_whole_run_adds_up() -> None:
    """Guarantees that every published message arrives in one box of the last column."""
    flow = flow_of()

    assert flow.sentence == "50 published → 50 confirmed → 40 processed, 10 failed, retry scheduled"
    assert {box.name: box.count for box in flow.boxes} == {
        "published": 50,
        "confirmed": 50,
        "processed": 40,
        "failed, retry scheduled": 10,
    }
    assert len(flow.bands) == 3
    assert not any(box.bad for box in flow.boxes)
    assert (flow.stories, flow.unsound) == ((), ())


def test_a_worker_that_writes_no_outcome_is_accounted_for_by_answers() -> None:
    """Guarantees that what the dependency answered is not called lost because somebody's worker keeps no table."""
    pending = tuple(replace(row, status="PENDING", next_attempt_at=None) for row in rows())
    drill = trial(AFTER)
    answered = len({call.message_id for call in drill.calls if call.is_success})
    for outcomes, stored in ((pending, True), ((), False)):
        flow = flow_of(gauges=(), outcomes=outcomes, outcomes_stored=stored)

        assert f"→ {answered} answered, {50 - answered} not answered (by answers" in flow.sentence
        assert sum(box.count for box in flow.boxes if box.x == max(each.x for each in flow.boxes)) == 50
        assert flow.unsound == ()
    assert (
        "lost" in flow_of(outcomes=pending).sentence
    )  # it counts itself, so it is ours: a table that stayed is a loss


def test_a_lost_message_stands_out_and_its_story_is_told() -> None:
    """Guarantees a box of its own for what is lost, and the message's timeline in both reports."""
    run = run_of(trial(AFTER, outcomes=rows()[1:]))
    (flow,) = flows(run)

    assert [(box.name, box.count) for box in flow.boxes if box.bad] == [("lost", 1)]
    assert [story.caption for story in flow.stories] == ["c-000: lost."]
    assert "the broker confirmed it" in {row[2] for row in flow.stories[0].rows}
    for page in (render_markdown(run, reports_records.judgement()), render_html(run, reports_records.judgement(), {})):
        assert "the broker confirmed it" in page
        assert "Where the messages went" in page


def test_the_stories_of_a_thousand_lost_messages_do_not_bury_the_report() -> None:
    """Guarantees the limit of fifty, and that the rest is counted."""
    flow = flow_of(publishes=publishes(120), outcomes=rows(20))

    assert len(flow.stories) == STORIES_MAX
    assert flow.unshown == 50
    assert "100 lost" in flow.sentence


def test_a_ledger_that_proves_nothing_says_so() -> None:
    """Guarantees that nobody takes an undrained trial's flow for a result, in either report."""
    run = run_of(trial(AFTER, drain=None))

    assert "This ledger proves nothing" in render_markdown(run, reports_records.judgement())
    assert "This ledger proves nothing" in render_html(run, reports_records.judgement(), {})


def test_an_arm_without_a_publish_has_no_flow() -> None:
    """Guarantees a sentence in place of an empty drawing."""
    run = run_of(trial(AFTER, publishes=()))

    assert flows(run) == ()
    assert "No publish was recorded" in render_html(
        RunRecord(run.manifest, run.trials), reports_records.judgement(), {}
    )
