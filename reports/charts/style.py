"""Defines how every chart looks: palette, sizes, axes, and how a figure becomes bytes.

Used by the chart modules. matplotlib is imported here and in the ``*_chart`` modules only; ``pyplot`` and its global
figures are never used. The same figure gives the same bytes: no date, no random ids.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

    from harness.record import TrialRecord
    from reports.analysis.time_axis import Axis

# Okabe and Ito's palette: distinct for colour-blind readers. Its yellow is left out: too pale for a line on white.
VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY = "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
INK, MUTED, FAINT, BAND = "#1f2328", "#656d76", "#d0d7de", "#eaeef2"
SERIES = (VERMILLION, BLUE, GREEN, PURPLE, ORANGE, SKY)
DASHES = ("-", "--", "-.", ":")
_BY_ROLE = {"before": VERMILLION, "reported": GREEN, "after": BLUE}

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: searchable, read aloud, set in the page's own type
    "svg.hashsalt": "incident-replay",
    "font.family": "DejaVu Sans",  # ships with matplotlib, so PNGs are the same everywhere
    "axes.unicode_minus": False,
    "path.simplify": False,  # the series are thinned already, with their peaks kept
    "text.parse_math": False,  # a name with two dollar signs is not a formula
}
_PNG_DPI = 144
_PT_PER_IN = 72
_GLYPH_EM = 0.62  # DejaVu Sans' usual advance; other faces are narrower, so what fits by this fits
_LINE_EM = 1.25
_KEY_PT = 40  # a legend entry's line and the space to the next entry
_PLOT_SHARE = 0.88  # of a figure's width that is left beside the labels of the y axis


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape that a chart is drawn in: inches at 72 dpi, font sizes in points for the width that it is shown at."""

    suffix: str
    width_in: float
    panel_height_in: float
    font_pt: float
    tick_labels: int  # as many time labels as fit side by side

    @property
    def small_pt(self) -> float:
        """The size of tick labels and phase names."""
        return self.font_pt - 1


WIDE = Shape("", width_in=11.0, panel_height_in=4.4, font_pt=9.5, tick_labels=12)
NARROW = Shape("-narrow", width_in=4.7, panel_height_in=3.7, font_pt=10.5, tick_labels=5)
SHAPES = (WIDE, NARROW)


@contextmanager
def settings() -> Iterator[None]:
    """Let matplotlib draw by these settings and none of the user's, until left."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def arm_colours(trials: Sequence[TrialRecord]) -> dict[str, tuple[str, str]]:
    """Return (colour, line style) of each arm: the first of a role gets its usual colour, the others what is left."""
    styles: dict[str, tuple[str, str]] = {}
    free = _styles_beyond(set(_BY_ROLE.values()))
    taken: set[str] = set()
    for trial in trials:
        usual = _BY_ROLE.get(trial.role)
        if usual is not None and usual not in taken:
            taken.add(usual)
            styles[trial.arm] = (usual, "-")
        else:
            styles[trial.arm] = next(free)
    return styles


def _styles_beyond(taken: set[str]) -> Iterator[tuple[str, str]]:
    """Yield colours and line styles, without end: after the palette the same colours come again, dashed."""
    yield from ((colour, "-") for colour in SERIES if colour not in taken)
    while True:
        yield from ((colour, dash) for dash in DASHES[1:] for colour in SERIES)


def panels(shape: Shape, number: int, height: float = 1.0) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``number`` panels below each other, each ``height`` times the shape's own."""
    size = (shape.width_in, shape.panel_height_in * height * number + 0.5)
    figure = Figure(figsize=size, layout="constrained", facecolor="none")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(number, 1, row + 1) for row in range(number)]
    for ax in axes:
        ax.set_facecolor("none")
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(MUTED)
        ax.tick_params(colors=MUTED, labelcolor=INK, labelsize=shape.small_pt, length=3)
        ax.grid(visible=True, axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
    return figure, axes


def legend(figure: Figure, ax: Axes, shape: Shape) -> None:
    """Put the key of a panel above the figure, clear of the data, in as many columns as fit."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    entry_pt = max(len(label) for label in labels) * shape.small_pt * _GLYPH_EM + _KEY_PT
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=max(1, min(len(handles), int(shape.width_in * _PT_PER_IN / entry_pt))),
        frameon=False,
        fontsize=shape.small_pt,
        labelcolor=INK,
        borderaxespad=0.4,
        borderpad=0.2,
        handlelength=1.6,
        columnspacing=1.4,
    )


def name_panel(ax: Axes, text: str, shape: Shape) -> None:
    """Name a panel: top left, where reading begins, above the names of the phases."""
    lines = max((text.get_text().count("\n") + 1 for text in ax.texts), default=0)
    pad = lines * shape.small_pt * _LINE_EM + 4
    ax.set_title(text, loc="left", fontsize=shape.font_pt, color=INK, fontweight="bold", pad=pad)


def time_axis(
    ax: Axes, axis: Axis, shape: Shape, window: tuple[float, float] | None = None, *, names: bool = True
) -> None:
    """Draw the shared axis: phases shaded and named with their scale, ticks in incident time."""
    low_x, high_x = window or (axis.start_x, axis.end_x)
    ax.set_xlim(low_x, high_x)
    if not axis.columns:
        ax.set_xlabel("replay seconds since the trial's start", fontsize=shape.small_pt, color=MUTED)
        return
    bands = [(column.start_x, column.end_x, column.name, f"×{column.scale:g}") for column in axis.columns]
    if axis.end_x > axis.columns[-1].end_x:
        bands.append((axis.columns[-1].end_x, axis.end_x, "drain", ""))
    for number, (start_x, end_x, name, scale) in enumerate(bands):
        shown = (max(start_x, low_x), min(end_x, high_x))
        if shown[0] >= shown[1]:
            continue
        if number % 2 == 0 and number < len(axis.columns):
            ax.axvspan(*shown, color=BAND, linewidth=0, zorder=0)
        room_pt = (shown[1] - shown[0]) / (high_x - low_x) * shape.width_in * _PT_PER_IN * _PLOT_SHARE
        text = _fitting((f"{name} {scale}".strip(), f"{name}\n{scale}".strip(), scale), room_pt, shape)
        if names and text:
            middle = ax.text((shown[0] + shown[1]) / 2, 1.02, text, transform=ax.get_xaxis_transform())
            middle.set(ha="center", va="baseline", linespacing=1.1, fontsize=shape.small_pt, color=MUTED)
    ticks = axis.ticks(low_x, high_x, shape.tick_labels)
    ax.set_xticks([x for x, _ in ticks], [label for _, label in ticks])


def _fitting(texts: Sequence[str], room_pt: float, shape: Shape) -> str:
    """Return the first text whose lines fit; nothing where none does: the table of phases names them all."""
    for text in texts:
        if max(len(line) for line in text.split("\n")) * shape.small_pt * _GLYPH_EM <= room_pt:
            return text
    return ""


def to_svg(figure: Figure) -> bytes:
    """Return the figure as SVG, the same bytes each time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, facecolor="none")
    return buffer.getvalue()


def to_png(figure: Figure) -> bytes:
    """Return the figure as PNG on white: Markdown viewers have dark pages too."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_PNG_DPI, metadata={"Software": None}, facecolor="white")
    return buffer.getvalue()
