"""report.md: the same content as the page, in tables that GitHub renders, with nothing recorded turned into markup."""

import re
from dataclasses import replace

from harness.record import CheckResult, Judgement, RunRecord, Verdict
from reports.charts.all_charts import chart_names
from reports.pages.markdown import render_markdown
from tests.unit import reports_records as records


def cells(line: str) -> list[str]:
    """The cells of a table's line."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_the_verdict_is_the_first_line() -> None:
    """Guarantees that a comment on a pull request begins with what matters."""
    text = render_markdown(records.run(), records.judged(Verdict.FAIL))

    assert text.startswith("# FAIL: oom\\_1142\n\n**1 of 8 checks failed.")


def test_every_table_is_rectangular() -> None:
    """Guarantees that GitHub renders each table: as many cells in every row as in its heading."""
    blocks = render_markdown(records.run(), records.judgement()).split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]

    assert len(tables) >= 10
    for table in tables:
        assert {len(cells(line)) for line in table} == {len(cells(table[0]))}
        assert all(set(cell) <= set("-:") for cell in cells(table[1]))


def test_every_chart_it_shows_is_one_that_is_drawn() -> None:
    """Guarantees that no picture is broken: the names are those that are drawn, in a partial run too."""
    bare = replace(records.after_trial(), memory=records.partial_run().trials[0].memory, calls=())
    for run in (records.run(), RunRecord(records.manifest(), (bare,)), records.partial_run()):
        shown = set(re.findall(r"\]\(charts/([^)]+)\)", render_markdown(run, records.judgement())))

        assert shown == {f"{name}.png" for name in chart_names(run)}


def test_it_says_what_the_page_says() -> None:
    """Guarantees that the compact report leaves out no table and no figure of the verdict."""
    text = render_markdown(records.run(), records.judgement())

    for said in (
        "Enforced by the kernel: cgroup v1, 3000 MiB.",
        "| memory API timeout | 240 s | 240.1 s | 60 s | 60.0 s |",
        "| 11:42:04 | 2.5–3 GB | 2988 MiB | — | 930 |",
        "137 (SIGKILL)",
        "| /answers | hang\\_then\\_500 |",
        "Nothing is missing and nothing is damaged.",
        "harness run scenarios/oom_1142.yaml --seed 42",
        "[RabbitMQ's log](<trials/incident/logs/rabbitmq.log>)",
    ):
        assert said in text


def test_a_partial_run_renders_and_says_what_is_missing() -> None:
    """Guarantees a report of a run that was cut off, not taken for a whole one."""
    text = render_markdown(records.partial_run(), Judgement(Verdict.UNKNOWN, ()))

    assert "**This record is not whole:** 11 missing, 1 damaged" in text
    assert "No chart: the run holds no data for any." in text
    assert "*No check was made of this arm.*" in text


def test_an_emulated_limit_is_said_at_the_top() -> None:
    """Guarantees that nobody reads a watchdog's kill as a kernel OOM kill."""
    text = render_markdown(records.emulated_run(), records.judgement())

    assert text.index("The memory limit was EMULATED") < text.index("## Checks of")


def test_recorded_text_never_becomes_markup() -> None:
    """Guarantees that a pipe, a line break, a link, a tag or a list mark in a message stays what it is."""
    evil = "- a|b\n# c <img src=x> [d](javascript:1) `e` *f* ```"
    checks = (CheckResult("check", "fixed", Verdict.FAIL, evil, evil, evil),)
    run = RunRecord(replace(records.manifest(), claim=evil, command=("x", evil)), (records.after_trial(),))

    text = render_markdown(run, Judgement(Verdict.FAIL, checks))

    row = next(line for line in text.splitlines() if line.startswith("| check |"))
    assert len(cells(row)) == 5
    assert "\\- a\\|b \\# c \\<img src=x\\> \\[d\\](javascript:1) \\`e\\` \\*f\\*" in row
    assert not re.search(r"(?<!\\)<img", text.partition("```sh")[0])
    assert text.count("```") == 2, "the replay command's fence, opened once and closed once"


def test_a_link_that_leads_out_of_the_run_directory_is_text() -> None:
    """Guarantees that the report links to files of its own run and to nothing else."""
    trial = replace(records.after_trial(), links=(("out", "../../secret"), ("in", "logs/a b.log")))

    text = render_markdown(RunRecord(records.manifest(), (trial,)), records.judgement())

    assert "- out: ../../secret (leads out of the run directory)" in text
    assert "- [in](<logs/a%20b.log>)" in text
