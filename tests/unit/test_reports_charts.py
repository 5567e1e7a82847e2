"""The charts: which there are, that they are drawn the same each time, and that what matters is in them."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from harness.record import MIB, Judgement, RunRecord, TrialRecord, Verdict
from reports.analysis.time_axis import align
from reports.charts import style
from reports.charts.all_charts import chart_names, render_charts
from reports.charts.by_arm import draw_calls
from reports.charts.captions import chart_texts
from reports.charts.inline_svg import inline
from reports.charts.memory import draw_memory, kill_window
from reports.charts.style import NARROW, WIDE
from tests.unit import reports_records as records

NAMES = ("memory", "memory-before-kill", "memory-kinds", "queues", "load", "calls")


@pytest.fixture(scope="module")
def charts() -> dict[str, bytes]:
    """The charts of the whole synthetic run."""
    return render_charts(records.run(), records.judgement())


def texts(svg: bytes) -> list[str]:
    """Every text of an SVG."""
    root = ET.fromstring(svg)  # noqa: S314 - our own chart
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def only_memory(trial: TrialRecord) -> RunRecord:
    """A run of one arm of which only the memory was recorded: quickly drawn."""
    return RunRecord(records.manifest(), (replace(trial, queue=(), gauges=(), publishes=(), calls=()),))


def memory_lines(run: RunRecord, budgets: dict[str, float] | None = None) -> dict[str, np.ndarray]:
    """The named lines of the memory chart: label → heights in MiB."""
    with style.settings():
        figure = draw_memory(run, budgets or {}, align(run.trials), WIDE)
    return {str(line.get_label()): np.asarray(line.get_ydata(), dtype=float) for line in figure.axes[0].lines}


def test_each_chart_comes_as_png_and_in_two_widths(charts: dict[str, bytes]) -> None:
    """Guarantees the file names that the reports refer to."""
    expected = {f"{name}{ending}" for name in NAMES for ending in (".png", ".svg", "-narrow.svg")}

    assert set(charts) == expected
    assert chart_names(records.run()) == NAMES
    assert all(charts[f"{name}.png"].startswith(b"\x89PNG") for name in NAMES)


def test_the_same_run_gives_the_same_bytes(charts: dict[str, bytes]) -> None:
    """Guarantees that a stored run rendered again shows no difference where there is none."""
    assert render_charts(records.run(), records.judgement()) == charts


def test_a_users_matplotlib_settings_change_nothing() -> None:
    """Guarantees that a matplotlibrc of the user's has no say, and that theirs are back afterwards."""
    run = only_memory(records.after_trial())
    plain = render_charts(run)["memory.svg"]

    with mpl.rc_context({"lines.linewidth": 9.0, "axes.facecolor": "red"}):
        assert render_charts(run)["memory.svg"] == plain
        assert mpl.rcParams["lines.linewidth"] == 9.0


def test_the_memory_chart_says_what_stands_in_it(charts: dict[str, bytes]) -> None:
    """Guarantees limit, budget, phases with their scale, incident time, arms and the report's figures."""
    told = texts(charts["memory.svg"])

    for text in ("limit 3000 MiB", "budget of fixed 400 MiB", "burst ×5", "11:41:30", "12:00", "incident", "fixed"):
        assert text in told, told
    assert {"killed, at its peak", "restarted", "the report's figures", "memory, MiB"} <= set(told)


def test_the_closer_chart_writes_the_reports_figures(charts: dict[str, bytes]) -> None:
    """Guarantees that each reported point is readable as a figure, a range as a range."""
    assert {"400", "600", "740", "880", "2500–3000"} <= set(texts(charts["memory-before-kill.svg"]))


def test_a_budget_line_is_drawn_only_for_a_budget() -> None:
    """Guarantees that the chart of a run without a budget shows none."""
    run = only_memory(records.after_trial())

    with_budget = render_charts(run, Judgement(Verdict.PASS, (), metrics={"fixed.budget_mib": 375.0}))
    without = render_charts(run)

    assert "budget of fixed 375 MiB" in texts(with_budget["memory.svg"])
    assert not any("budget" in text for text in texts(without["memory.svg"]))


def test_the_peak_between_two_samples_is_on_the_chart() -> None:
    """Guarantees that a kill stands at the kernel's high-water mark, though no sample came near it."""
    trial = records.before_trial()
    low = replace(trial.memory, cgroup_bytes=np.full(trial.memory.t_s.size, 100.0 * MIB))
    run = RunRecord(records.manifest(), (replace(trial, memory=low),))

    with style.settings():
        figure = draw_memory(run, {}, align(run.trials), WIDE)

    crosses = [np.asarray(line.get_ydata()) for line in figure.axes[0].lines if line.get_marker() == "X"]
    assert [float(heights[0]) for heights in crosses if heights.size] == [3000.0, 3000.0]
    assert figure.axes[0].get_ylim()[1] > 3000


def test_the_cgroup_is_drawn_and_without_one_the_resident_set() -> None:
    """Guarantees that the curve is what the limit counts, and that a run without a cgroup still has a curve."""
    by_cgroup = memory_lines(RunRecord(records.manifest(), (records.after_trial(),)))
    by_rss = memory_lines(RunRecord(records.manifest(), (records.emulated_run().trials[1],)))

    assert by_rss["fixed"].max() == pytest.approx(by_cgroup["fixed"].max() * 0.985, rel=1e-6)


def test_no_chart_is_drawn_of_what_was_not_recorded() -> None:
    """Guarantees that a partial run renders: no chart of nothing, and no error."""
    bare = replace(records.before_trial(), queue=(), gauges=(), publishes=(), calls=(), phases=(), incarnations=())

    assert render_charts(RunRecord(records.manifest(), ())) == {}
    assert render_charts(records.partial_run()) == {}
    only = render_charts(RunRecord(records.manifest(), (bare,)))
    endings = (".png", ".svg", "-narrow.svg")
    assert set(only) == {f"{name}{ending}" for name in ("memory", "memory-kinds") for ending in endings}
    assert "replay seconds since the trial's start" in texts(only["memory.svg"])


def test_there_is_no_closer_chart_without_a_kill() -> None:
    """Guarantees that the closer chart is of a kill and of nothing else."""
    run = RunRecord(records.manifest(), (records.after_trial(),))

    assert kill_window(run, align(run.trials)) is None
    assert kill_window(records.run(), align(records.run().trials)) is not None


def test_kinds_of_calls_beyond_the_colours_become_one() -> None:
    """Guarantees that no two kinds share a colour: the rarest are summed up as other, and none is dropped."""
    calls = tuple(replace(call, mode=f"mode{n % 9}") for n, call in enumerate(records.calls()))
    run = RunRecord(records.manifest(), (replace(records.after_trial(), calls=calls),))

    with style.settings():
        figure = draw_calls(run, align(run.trials), NARROW)

    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert len(labels) == len(set(labels)) == 7
    assert labels[-1] == "other"


def test_many_arms_keep_looks_of_their_own() -> None:
    """Guarantees that twelve arms of an attribution can be told apart, before and after in their usual colours."""
    extra = [replace(records.after_trial(), arm=f"without-{n}") for n in range(10)]

    looks = style.arm_colours([*records.run().trials, *extra])

    assert len(set(looks.values())) == 12
    assert looks["incident"] == (style.VERMILLION, "-")
    assert looks["fixed"] == (style.BLUE, "-")


def test_a_name_cannot_become_markup() -> None:
    """Guarantees that recorded text is escaped inside a chart that will stand inside a page."""
    run = only_memory(replace(records.after_trial(), arm="<script>alert(1)</script>--> $x$ $y$"))

    svg = render_charts(run)["memory.svg"]

    assert b"<script" not in svg
    assert "<script>alert(1)</script>--> $x$ $y$" in texts(svg)
    assert "<script" not in inline(svg, "p", "wide")


def test_an_inlined_chart_follows_the_theme_and_shares_no_id(charts: dict[str, bytes]) -> None:
    """Guarantees that two charts can stand in one page, that colours are the page's variables, and that ids resolve."""
    one, two = inline(charts["load.svg"], "one", "wide"), inline(charts["load.svg"], "two", "narrow")

    root = ET.fromstring(one)  # noqa: S314 - our own chart
    ids = {name for element in root.iter() if (name := element.get("id"))}
    used = {value.removeprefix("#") for element in root.iter() if (value := element.get("href"))}
    assert used <= ids
    assert all(f"url(#{name}" not in one for name in ids if not name.startswith("one-"))
    assert not ids & {element.get("id") for element in ET.fromstring(two).iter()}  # noqa: S314 - our own chart
    assert f"var(--blue, {style.BLUE})" in one
    assert "xlink" not in one
    assert one.startswith('<svg class="wide" viewBox="')


def test_the_key_and_the_words_name_only_what_the_run_has() -> None:
    """Guarantees that a run without an incident report and without a kill is not captioned as if it had them."""
    bare = RunRecord(replace(records.manifest(), reported_points=()), (records.after_trial(),))
    full, reported = memory_lines(records.run()), "incident report"

    assert {"killed, at its peak", "restarted", "the report's figures"} <= set(full)
    assert not {"killed, at its peak", "restarted", "the report's figures"} & set(memory_lines(bare))
    assert reported in chart_texts(records.run())["memory"].caption
    assert not any(reported in text.caption + text.alt for text in chart_texts(bare).values())
