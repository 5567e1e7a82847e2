"""The verdict on a terminal: plain lines without colour or box, a table for those who watch."""

import io
from dataclasses import replace
from typing import Literal

from rich.console import Console

from harness.record import CheckResult, Judgement, RunRecord, Verdict
from reports.text.terminal import verdict_lines, verdict_table
from tests.unit import reports_records as records


def printed(judgement: Judgement, *, terminal: bool) -> str:
    """The table as Rich prints it."""
    screen = io.StringIO()
    colours: Literal["standard", "auto"] = "standard" if terminal else "auto"
    Console(file=screen, width=160, force_terminal=terminal, color_system=colours).print(verdict_table(judgement))
    return screen.getvalue()


def test_each_check_is_one_line_with_both_values_in_columns() -> None:
    """Guarantees that a log can be read and searched: verdict, check, measured, threshold, aligned within an arm."""
    lines = verdict_lines(records.run(), records.judgement())

    rows = [line for line in lines if line.startswith("  PASS")]
    assert len(rows) == 8
    assert rows[4].split() == ["PASS", "memory_budget", "187", "MiB", "wanted", "≤", "400", "MiB"]
    assert len({row.index("  wanted ") for row in rows[4:]}) == 1


def test_the_lines_are_plain() -> None:
    """Guarantees no colour, no box, no control character: nothing that was recorded can steer a terminal."""
    evil = CheckResult("check", "fixed", Verdict.FAIL, "\x1b[2J1\n2", "\x07", "a\rb")

    lines = verdict_lines(records.run(), Judgement(Verdict.FAIL, (evil,)))

    assert all(line.isprintable() for line in lines)
    assert not set("".join(lines)) & set("│─┃━\x1b")


def test_the_reason_is_the_last_line_but_the_verdicts() -> None:
    """Guarantees that the sentence of why stands right above what the command prints last."""
    lines = verdict_lines(records.run(), records.judged(Verdict.FAIL, detail="Run again with --profile."))

    assert lines[-1].startswith("1 of 8 checks failed. memory_budget of fixed: measured 612 MiB, wanted ≤ 400 MiB.")
    assert "           Run again with --profile." in lines


def test_an_emulated_limit_and_a_partial_record_are_said() -> None:
    """Guarantees that the two things that weaken every other line are on the screen."""
    emulated = "\n".join(verdict_lines(records.emulated_run(), records.judgement()))
    partial = "\n".join(verdict_lines(records.partial_run(), Judgement(Verdict.UNKNOWN, ())))

    assert "EMULATED by a watchdog" in emulated
    assert "this record is not whole:" in partial
    assert "incident: events.jsonl: line 7 is cut off" in partial
    assert "not whole" not in emulated


def test_a_check_of_an_arm_without_a_trial_is_listed() -> None:
    """Guarantees that an arm that was never played is not passed over in silence."""
    stray = CheckResult("arm played", "postmortem", Verdict.UNKNOWN, "never played", "every arm is played")

    lines = verdict_lines(replace(records.run(), trials=()), Judgement(Verdict.UNKNOWN, (stray,)))

    assert "  UNKNOWN  postmortem: arm played  never played  wanted every arm is played" in lines


def test_the_table_is_coloured_on_a_terminal_only() -> None:
    """Guarantees that colour is an addition: each verdict is a word, and a file gets no escape codes."""
    judgement = records.judged(Verdict.FAIL)

    assert "\x1b[" in printed(judgement, terminal=True)
    plain = printed(judgement, terminal=False)
    assert "\x1b" not in plain
    assert plain.startswith("VERDICT: fail")
    assert plain.count("PASS") == 7
    assert plain.count("FAIL") == 1


def test_recorded_text_is_no_markup_of_richs() -> None:
    """Guarantees that square brackets in a message are printed, not obeyed."""
    check = CheckResult("[bold]c[/]", "[red]a", Verdict.PASS, "[/]", "[link=x]y", "")

    text = printed(Judgement(Verdict.PASS, (check,)), terminal=False)

    assert all(part in text for part in ("[bold]c[/]", "[red]a", "[link=x]y"))
    assert verdict_lines(RunRecord(records.manifest(), ()), Judgement(Verdict.PASS, (check,)))
