"""Renders ``report.html``: one file that opens from a disk, a mail or a CI artifact, and makes no request.

Used by ``harness.commands``. Reads its templates and nothing else. No script; styles and charts are inside; a
Content-Security-Policy in the page itself forbids every request.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.charts import style
from reports.charts.inline_svg import inline
from reports.pages.document import build_document, check_table
from reports.pages.templates import environment
from reports.tables.message_flow import BOX_HEIGHT, BOX_WIDTH, WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.record import Judgement, RunRecord


@dataclass(frozen=True, slots=True)
class Pictures:
    """One chart as markup: drawn once for wide pages and once for narrow ones, of which the style sheet shows one."""

    wide: Markup
    narrow: Markup


def render_html(run: RunRecord, judgement: Judgement, charts: Mapping[str, bytes]) -> str:
    """Return the page. ``charts`` is what ``render_charts`` returned; a missing one is named as missing."""
    document = build_document(run, judgement)
    template = environment().get_template("report.html.j2")
    return template.render(
        document=document,
        check_table=check_table,
        flow_width=WIDTH,
        box_width=BOX_WIDTH,
        box_height=BOX_HEIGHT,
        pictures={name: _pictures(name, charts) for name in document.charts if _is_there(name, charts)},
    )


def _is_there(name: str, charts: Mapping[str, bytes]) -> bool:
    return f"{name}.svg" in charts or f"{name}.png" in charts


def _pictures(name: str, charts: Mapping[str, bytes]) -> Pictures:
    """Return a chart's two drawings. Without SVG the PNG serves both widths."""
    wide, narrow = (f"{name}{shape.suffix}" for shape in style.SHAPES)
    if f"{wide}.svg" not in charts:
        data = base64.b64encode(charts[f"{name}.png"]).decode()
        return Pictures(Markup('<img src="data:image/png;base64,{}" alt="">').format(data), Markup())
    # The SVG is our own chart module's: its text is escaped by matplotlib, so it is markup already.
    drawn = Markup(inline(charts[f"{wide}.svg"], wide, "wide" if f"{narrow}.svg" in charts else "any"))  # noqa: S704
    if f"{narrow}.svg" not in charts:
        return Pictures(drawn, Markup())
    return Pictures(drawn, Markup(inline(charts[f"{narrow}.svg"], narrow, "narrow")))  # noqa: S704 - as above
