"""Renders ``report.md`` for pull requests and chats, in GitHub's Markdown: what ``report.html`` says, more compact.

Used by ``harness.commands``. Refers to ``charts/NAME.png`` beside it; embeds nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports import wording
from reports.charts.all_charts import chart_names
from reports.pages.document import build_document, check_table
from reports.pages.templates import local_href

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.record import Judgement, RunRecord
    from reports.pages.document import Document
    from reports.tables.table import Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#&])")
_LIST_MARK = re.compile(r"^(\s*\d*)([-+=.)])(?=[-=\s]|$)")  # special only where a line begins
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]+")
_FENCE = "```"


def render_markdown(run: RunRecord, judgement: Judgement) -> str:
    """Return the report. Every recorded text is escaped: none of it can become markup."""
    document = build_document(run, judgement)
    charts = chart_names(run)
    blocks = [*_verdict(document), *_arms(document), *_charts(document, charts), *_tables(document)]
    blocks += [*_record(document), *_files(document), *_replay(document)]
    return "\n\n".join(blocks) + "\n"


def _verdict(document: Document) -> Iterator[str]:
    manifest = document.manifest
    yield f"# {document.verdict_word}: {escaped(manifest.scenario)}"
    yield f"**{escaped(document.reason)}**"
    if document.emulated:
        arms = escaped(", ".join(document.emulated))
        yield f"> **The memory limit was EMULATED** in {arms}: a watchdog sent the kill, not the kernel."
    if document.missing or document.damaged:
        lacking = f"{len(document.missing)} missing, {len(document.damaged)} damaged"
        yield f"> **This record is not whole:** {lacking}; see the end of this report."
    if document.unscaled:
        yield f"> **A timer was not scaled:** {escaped('; '.join(document.unscaled))}."
    yield escaped(manifest.claim)
    run = f"Run {escaped(manifest.run_id)}, started {escaped(manifest.started_utc)}, seed {manifest.seed}"
    yield f"{run}, waits and timers shortened {wording.scale(manifest.time_scale)}."


def _arms(document: Document) -> Iterator[str]:
    for arm in document.arms:
        yield f"## Checks of {escaped(arm.arm)} ({escaped(arm.role)})"
        yield f"Peak **{arm.peak}**, worker **{arm.worker}**, drain **{arm.drained}**. {escaped(arm.enforcement)}"
        yield markdown_table(check_table(f"checks-{arm.arm}", "", arm.checks))
    if document.stray_checks:
        yield "## Checks of arms that the run holds no trial of"
        yield markdown_table(check_table("checks-other", "", document.stray_checks))


def _charts(document: Document, names: Iterable[str]) -> Iterator[str]:
    yield "## Charts"
    there = [(name, document.charts[name]) for name in document.charts if name in set(names)]
    if not there:
        yield "No chart: the run holds no data for any."
    for name, text in there:
        yield f"### {escaped(text.title)}"
        yield f"![{escaped(text.alt)}](charts/{name}.png)"
        yield escaped(text.caption)


def _tables(document: Document) -> Iterator[str]:
    yield from _flows(document)
    sections = (
        ("How time was replayed", (document.phases,)),
        ("What was reported, what was measured", (document.metrics, document.minutes)),
        ("Incarnations of the worker", (document.incarnations, document.processes, document.heartbeats)),
        ("Load", (document.load,)),
        ("Calls of the dependency", (document.calls,)),
        ("Faults", (document.faults,)),
        ("Drain", (document.drain, document.queues)),
        ("Memory, by memray", (document.heaps, *(t for t in (document.heap_sites, document.profiler) if t.rows))),
    )
    for heading, tables in sections:
        yield f"## {heading}"
        for table in tables:
            if table.rows:
                yield escaped(table.caption)
            yield markdown_table(table)


def _flows(document: Document) -> Iterator[str]:
    yield "## Where the messages went"
    if not document.flows:
        yield "*No publish was recorded, so there is no flow to show.*"
    for flow in document.flows:
        yield f"**{escaped(flow.arm)}**: {escaped(flow.sentence)}. {escaped(flow.apart)}"
        if flow.unsound:
            yield f"> **This ledger proves nothing:** {escaped('; '.join(flow.unsound))}."
        for story in flow.stories:
            yield escaped(story.caption)
            yield markdown_table(story)
        if flow.unshown:
            yield f"{flow.unshown} more went wrong; `harness trace` shows their histories."


def _record(document: Document) -> Iterator[str]:
    yield "## How whole the record is"
    for heading, sentences in (("Damaged:", document.damaged), ("Missing:", document.missing)):
        if sentences:
            yield heading
            yield "\n".join(f"- {escaped(sentence)}" for sentence in sentences)
    if not document.damaged and not document.missing:
        yield "Nothing is missing and nothing is damaged."


def _files(document: Document) -> Iterator[str]:
    linked = [arm for arm in document.arms if arm.links]
    if linked:
        yield "## Files"
    for arm in linked:
        yield "\n".join(_link(label, path) for label, path in arm.links)


def _link(label: str, path: str) -> str:
    href = local_href(path)
    return (
        f"- [{escaped(label)}](<{href}>)"
        if href
        else f"- {escaped(label)}: {escaped(path)} (leads out of the run directory)"
    )


def _replay(document: Document) -> Iterator[str]:
    yield "## Replay it"
    command = _UNPRINTABLE.sub(" ", document.replay).replace(_FENCE, "'''")
    yield f"{_FENCE}sh\n{command}\n{_FENCE}"
    for table in (document.versions, document.machine):
        yield markdown_table(table)


def markdown_table(table: Table) -> str:
    """Return a pipe table, or the sentence that stands in for one without rows."""
    if not table.rows:
        return f"*{escaped(table.empty)}*"
    rules = ["---:" if column.numeric else "---" for column in table.columns]
    rows = [
        [escaped(column.heading) for column in table.columns],
        rules,
        *([escaped(cell) for cell in row] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def escaped(text: str) -> str:
    """Return recorded text as Markdown that shows exactly it, on one line."""
    return _LIST_MARK.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", _UNPRINTABLE.sub(" ", text)))
