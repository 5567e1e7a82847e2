"""The report as a reader sees it: opened from a disk in Debian's Chromium, on a wide screen and on a telephone."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from harness.record import Judgement, Verdict
from reports.charts.all_charts import render_charts
from reports.pages.html_page import render_html
from tests.unit import reports_forking_records as forking
from tests.unit import reports_records as records

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = 1280, 400
HEIGHT = 900
# No request of the browser's own may stand beside the page's.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
# The page's policy forbids what polls a string of script (wait_for_function does): the frame marks itself instead.
SCROLL_IS_NOTED = "frame => frame.addEventListener('scroll', () => { frame.dataset.scrolled = 'yes' }, { once: true })"
STARTUP_TIMEOUT_MS = 60_000  # a busy machine starts a browser slowly; a page itself is there at once


@dataclass(frozen=True)
class Opened:
    """A page that is open, and every address that was asked for, the page's own among them."""

    page: Page
    requests: list[str]
    complaints: list[str]  # what the browser's console said: a policy that was broken is said there


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser with a user data folder of its own."""
    assert os.access(CHROMIUM, os.X_OK), f"{CHROMIUM} is not there; make test-parts installs it"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"),
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            timeout=STARTUP_TIMEOUT_MS,
        )
        yield context
        context.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports on a disk.

    Of a run that passed, of one with three arms, of an emulated one that failed, of a worker
    that forks, of a run that was cut off.
    """
    folder = tmp_path_factory.mktemp("reports")
    runs = {
        "passed": (records.run(), records.judgement()),
        "three": records.three_arms(),
        "failed": (records.emulated_run(), records.judged(Verdict.FAIL)),
        "forking": (forking.forking_run(), records.judgement()),
        "partial": (records.partial_run(), Judgement(Verdict.UNKNOWN, ())),
    }
    paths: dict[str, Path] = {}
    for name, (run, judgement) in runs.items():
        paths[name] = folder / f"{name}.html"
        paths[name].write_text(render_html(run, judgement, render_charts(run, judgement)), encoding="utf-8")
    return paths


def opened(chromium: BrowserContext, path: Path, width: int, *, dark: bool = False) -> Opened:
    """Open a report at a width; note what it asks for and what the browser complains of."""
    page = chromium.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.goto(path.as_uri())
    return Opened(page, requests, complaints)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ["passed", "failed", "partial"])
def test_the_report_makes_no_request(chromium: BrowserContext, reports: dict[str, Path], name: str, width: int) -> None:
    """Guarantees that a report opens without a network: no request but for itself and what is inside it."""
    seen = opened(chromium, reports[name], width)

    assert seen.requests[0].startswith("file://")
    assert [url for url in seen.requests if not url.startswith(("file://", "data:"))] == []
    assert len([url for url in seen.requests if url.startswith("file://")]) == 1
    assert seen.complaints == []


@pytest.mark.parametrize("width", [WIDE, NARROW, 320])
@pytest.mark.parametrize("name", ["passed", "three", "failed", "forking", "partial"])
def test_the_page_never_scrolls_sideways(
    chromium: BrowserContext, reports: dict[str, Path], name: str, width: int
) -> None:
    """Guarantees that a telephone shows the whole width: what is too wide scrolls inside its own frame."""
    page = opened(chromium, reports[name], width).page

    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(("name", "word"), [("passed", "PASS"), ("failed", "FAIL"), ("partial", "UNKNOWN")])
def test_the_verdict_is_seen_without_scrolling(
    chromium: BrowserContext, reports: dict[str, Path], name: str, word: str, width: int
) -> None:
    """Guarantees that word and sentence stand in the first view, in type that can't be missed."""
    page = opened(chromium, reports[name], width).page
    heading, sentence = page.locator("h1"), page.locator(".banner p")

    assert heading.inner_text() == word
    box = sentence.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < HEIGHT / 2
    size = heading.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    assert size >= 40


@pytest.mark.parametrize(("width", "shown"), [(WIDE, "wide"), (NARROW, "narrow")])
def test_each_chart_is_shown_once_in_the_shape_for_the_width(
    chromium: BrowserContext, reports: dict[str, Path], width: int, shown: str
) -> None:
    """Guarantees that of a chart's two drawings one is seen, as wide as the page, with letters that can be read."""
    page = opened(chromium, reports["passed"], width).page
    charts = page.locator(".chart svg:visible")

    assert charts.count() == 6
    for index in range(5):
        chart = charts.nth(index)
        assert chart.get_attribute("class") == shown
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 0.85 * width
        letters = chart.locator("text").first.bounding_box()
        assert letters is not None
        assert letters["height"] >= 11


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_in_both_themes(chromium: BrowserContext, reports: dict[str, Path], *, dark: bool) -> None:
    """Guarantees WCAG AA (4.5 to 1) for the verdict, the checks' words, plain text and small print, light and dark."""
    page = opened(chromium, reports["failed"], WIDE, dark=dark).page

    for place in (
        ".banner p",
        ".verdict.pass",
        ".verdict.fail",
        ".loud",
        "tbody td",
        "caption",
        "figcaption",
        ".meta",
        "nav a",
    ):
        ratio = page.locator(place).first.evaluate(_CONTRAST)
        assert ratio >= 4.5, f"{place}: {ratio:.2f}"


@pytest.mark.parametrize("width", [WIDE, 700, NARROW])
def test_a_verdicts_word_stays_inside_its_cell(chromium: BrowserContext, reports: dict[str, Path], width: int) -> None:
    """Guarantees that on a tablet and on paper, too, the word does not lie over the measured value."""
    page = opened(chromium, reports["failed"], width).page

    spills = page.locator("#checks .verdict").evaluate_all(
        "words => words.map(w => w.getBoundingClientRect().right - w.parentElement.getBoundingClientRect().right)"
    )

    assert len(spills) == 8
    assert max(spills) <= 0


def test_a_stacked_check_names_each_of_its_values(chromium: BrowserContext, reports: dict[str, Path]) -> None:
    """Guarantees that on a telephone, where the headings are gone, each value of a check says what it is."""
    page = opened(chromium, reports["passed"], NARROW).page
    cell = page.locator("#checks tbody td").nth(1)

    label = cell.evaluate("element => getComputedStyle(element, '::before').content")

    assert label == '"Measured"'
    assert cell.get_attribute("role") == "cell"


def test_three_arms_are_compared_on_a_telephone_without_scrolling(
    chromium: BrowserContext, reports: dict[str, Path]
) -> None:
    """Guarantees that the report's promise and what was measured of every arm are in view together, each named."""
    page = opened(chromium, reports["three"], NARROW).page
    cells = page.locator("#compared .stacked tbody tr").first.locator("td")

    labels = cells.evaluate_all("cells => cells.map(cell => getComputedStyle(cell, '::before').content)")
    right = cells.evaluate_all("cells => Math.max(...cells.map(cell => cell.getBoundingClientRect().right))")

    assert labels == ['"Before, reported"', '"incident"', '"After, reported"', '"postmortem"', '"fixed"']
    assert right <= NARROW


def test_a_wide_table_is_scrolled_by_keyboard(chromium: BrowserContext, reports: dict[str, Path]) -> None:
    """Guarantees that what is cut off on a telephone can be reached without a pointer."""
    page = opened(chromium, reports["passed"], NARROW).page
    frame = page.locator("#incarnations .scroll")

    frame.evaluate(SCROLL_IS_NOTED)
    frame.focus()
    page.keyboard.press("ArrowRight")

    page.locator("#incarnations .scroll[data-scrolled]").wait_for(state="attached")


def test_a_printed_report_has_every_chart_and_no_navigation(chromium: BrowserContext, reports: dict[str, Path]) -> None:
    """Guarantees a report that can be put on paper: dark ink on white, whatever the reader's theme."""
    page = opened(chromium, reports["passed"], WIDE, dark=True).page

    page.emulate_media(media="print")

    assert not page.locator("nav").is_visible()
    assert page.locator(".chart svg:visible").count() == 6
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF-")


# WCAG 2's contrast of an element's text with the nearest background behind it.
_CONTRAST = """element => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  let behind = element;
  while (behind && parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const colours = [getComputedStyle(element).color, getComputedStyle(behind || document.body).backgroundColor];
  const [light, dark] = colours.map(parse).map(luminance).sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}"""
