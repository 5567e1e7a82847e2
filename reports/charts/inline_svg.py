"""Prepares a chart's SVG to stand inside a page: no clash of ids, and colours that follow the page's theme.

Used by ``reports.pages.html_page``. Works on what matplotlib wrote for ``reports.charts.style``; no general SVG tool.
"""

from __future__ import annotations

import re

from reports.charts import style

# Each colour of a chart becomes a variable of the page's style sheet, and falls back to the chart's own.
_VARIABLES = {
    style.INK: "ink",
    style.MUTED: "muted",
    style.FAINT: "line",
    style.BAND: "band",
    style.VERMILLION: "vermillion",
    style.BLUE: "blue",
    style.GREEN: "green",
    style.PURPLE: "purple",
    style.ORANGE: "orange",
    style.SKY: "sky",
    "#ffffff": "paper",
}
_COLOUR = re.compile("|".join(_VARIABLES))
_STYLE = re.compile(r'style="[^"]*"')
_SIZE = re.compile(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>')


def inline(svg: bytes, prefix: str, css_class: str) -> str:
    """Return the ``<svg>`` element alone, its ids begun with ``prefix``; the page sizes it and has its words."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'xlink:href="#', f'href="#{prefix}-', text)
    text = re.sub(r"url\(#", f"url(#{prefix}-", text)
    text = _STYLE.sub(lambda match: _COLOUR.sub(_variable, match[0]), text)
    text = re.sub(r"\s*\n\s*", "\n", text)
    return _SIZE.sub(
        rf'<svg class="{css_class}" viewBox="\1" aria-hidden="true" focusable="false">', text, count=1
    ).strip()


def _variable(match: re.Match[str]) -> str:
    return f"var(--{_VARIABLES[match[0]]}, {match[0]})"
