"""report.html: what it says and in which order; nothing recorded becomes markup; it asks nobody for anything."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from harness.record import CheckResult, Judgement, RunRecord, Verdict
from reports.charts.all_charts import render_charts
from reports.charts.style import arm_colours
from reports.pages.html_page import render_html
from reports.pages.templates import local_href
from tests.unit import reports_records as records

EVIL = "<img src=x onerror=alert(1)> & \"quoted\" 'text'\x00\x1b[31m"
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """A parsed page: its elements in order, its text, and whether every element was closed where it had to be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of an SVG that closes itself."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element; it must be this one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text that a reader sees."""
        if not {"style", "svg", "title"} & set(self.open):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        """All text, spaces evened out."""
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def charts() -> dict[str, bytes]:
    """The charts of the whole synthetic run."""
    return render_charts(records.run(), records.judgement())


@pytest.fixture(scope="module")
def source(charts: dict[str, bytes]) -> str:
    """The page of the whole synthetic run."""
    return render_html(records.run(), records.judgement(), charts)


def test_the_verdict_comes_first_then_everything_in_the_order_of_its_weight(source: str) -> None:
    """Guarantees the order in which an engineer on call reads: verdict, checks, limit, memory, …, how to replay."""
    page = Page(source)
    order = [attributes["id"] for attributes in page.all("section")]

    assert page.text.index("PASS") < page.text.index("Checks")
    compared = "compared messages incarnations load calls drain heaps"
    assert " ".join(order) == f"checks limit memory queues {compared} record files replay"


def test_measured_stands_beside_its_threshold_for_every_check(source: str) -> None:
    """Guarantees that no check is left out, and that none is shown without what it was compared with."""
    text = Page(source).text

    for check in records.checks():
        assert f"{check.check} PASS {check.measured} {check.threshold}" in text


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_is_a_word_and_a_sentence_not_only_a_colour(verdict: Verdict) -> None:
    """Guarantees that the page can be read in black and white, and that it says why."""
    judgement = records.judged(verdict) if verdict is not Verdict.PASS else records.judgement()

    page = Page(render_html(records.run(), judgement, {}))

    assert f"banner {verdict.value}" in [attributes.get("class", "") for attributes in page.all("div")]
    why = {
        Verdict.PASS: "PASS All 8 checks passed: incident was killed 2 times and peaked at 3000 MiB; fixed was",
        Verdict.FAIL: "FAIL 1 of 8 checks failed. memory_budget of fixed: measured 612 MiB, wanted ≤ 400 MiB.",
        Verdict.UNKNOWN: "UNKNOWN Nothing failed, but 1 of 8 checks could not be decided. memory_budget of fixed",
    }
    assert why[verdict] in page.text


def test_three_arms_stand_in_three_columns_and_three_panels() -> None:
    """Guarantees that the fix as reported is compared everywhere: checks, table, charts, in a colour of its own."""
    run, judgement = records.three_arms()
    charts = render_charts(run, judgement)
    page = Page(render_html(run, judgement, charts))

    groups = [attributes["colspan"] for attributes in page.all("th") if attributes.get("scope") == "colgroup"]
    assert groups == ["2", "3"]
    assert "reported incident reported postmortem fixed" in page.text
    assert "throughput 0.04 msg/s 0.040 msg/s 0.17 msg/s as the report says 0.164 msg/s" in page.text
    assert "over the budget PASS peak 860 MiB peak at least 600 MiB" in page.text
    for name in ("queues", "calls", "load"):
        assert charts[f"{name}.svg"].count(b"postmortem") == 1
    colours = {colour for colour, _ in arm_colours(run.trials).values()}
    assert len(colours) == 3


def test_what_failed_stands_above_what_passed() -> None:
    """Guarantees that the check that decides is the first of its arm."""
    text = Page(render_html(records.run(), records.judged(Verdict.FAIL), {})).text

    assert text.index("memory_budget FAIL") < text.index("never_killed PASS")


def test_the_page_makes_no_request(source: str) -> None:
    """Guarantees one self-contained file: no script, no reference out of it, and a policy that says so."""
    page = Page(source)
    policy = [
        attributes["content"] for attributes in page.all("meta") if "Content-Security-Policy" in attributes.values()
    ]
    references = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset")
    ]

    assert not page.all("script")
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert not [value for value in references if re.match(r"(?:[a-z]+:)?//", value)]
    assert "@import" not in source
    assert not re.search(r"url\((?!#)", source)


def test_every_chart_is_there_twice_and_has_words(source: str) -> None:
    """Guarantees a drawing for each width, an alternative text and a caption for each chart."""
    page = Page(source)
    pictures = [attributes for attributes in page.all("div") if attributes.get("role") == "img"]

    assert len(pictures) == len(page.all("figcaption")) == 6
    assert all(len(attributes["aria-label"]) > 40 for attributes in pictures)
    drawn = [attributes["class"] for attributes in page.all("svg")]
    assert [name for name in drawn if name != "flow"] == ["wide", "narrow"] * 6
    assert drawn.count("flow") == 2  # the messages of each arm
    assert "incident was killed 2 times and peaked at 3000 MiB" in pictures[0]["aria-label"]


def test_no_id_stands_twice(source: str) -> None:
    """Guarantees that links and captions lead where they say, charts included."""
    ids = [attributes["id"] for _, attributes in Page(source).elements if "id" in attributes]
    anchors = {attributes["href"][1:] for attributes in Page(source).all("a") if attributes["href"].startswith("#")}

    assert len(ids) == len(set(ids))
    assert anchors <= set(ids)


def test_every_table_has_a_caption_and_headings(source: str) -> None:
    """Guarantees tables that a screen reader can read: caption, scope on every heading, one caption a table."""
    page = Page(source)

    assert len(page.all("table")) == len(page.all("caption")) >= 10
    assert all(attributes.get("scope") in ("col", "row", "colgroup") for attributes in page.all("th"))


def test_png_charts_serve_where_there_is_no_svg(charts: dict[str, bytes]) -> None:
    """Guarantees that a run directory with only PNG charts still gives a page with pictures, inside the page."""
    page = Page(render_html(records.run(), records.judgement(), {"memory.png": charts["memory.png"]}))

    assert [attributes["src"][:22] for attributes in page.all("img")] == ["data:image/png;base64,"]
    assert page.text.count("No chart: the run holds no data for it.") == 3


def test_a_partial_run_renders_and_says_what_is_missing() -> None:
    """Guarantees that a run that was cut off gives a report, and that nobody takes it for a whole one."""
    text = Page(render_html(records.partial_run(), Judgement(Verdict.UNKNOWN, ()), {})).text

    assert "UNKNOWN Nothing was checked, so nothing is known." in text
    assert "This record is not whole: 11 missing, 1 damaged." in text
    for said in ("how the memory limit was enforced", "any phase", "any memory sample", "a drain", "line 7 is cut off"):
        assert said in text


def test_a_run_that_never_began_renders() -> None:
    """Guarantees a report of a run directory that holds a manifest and nothing else."""
    text = Page(render_html(RunRecord(records.manifest(), ()), Judgement(Verdict.UNKNOWN, ()), {})).text

    assert "The run holds no trial" in text
    assert "harness run scenarios/oom_1142.yaml --seed 42" in text


def test_an_emulated_limit_is_said_loudly_and_a_kernels_is_not() -> None:
    """Guarantees that nobody reads a watchdog's kill as a kernel OOM kill."""
    emulated = Page(render_html(records.emulated_run(), records.judgement(), {})).text
    enforced = Page(render_html(records.run(), records.judgement(), {})).text

    assert "The memory limit was EMULATED in incident, fixed" in emulated
    assert "killed 2 times by the emulated limit" in emulated
    assert "the watchdog (emulated limit) 137 (SIGKILL)" in emulated
    assert "EMULATED" not in enforced
    assert "Enforced by the kernel: cgroup v1, 3000 MiB." in enforced


def test_an_incomplete_drain_is_said_at_the_top_too() -> None:
    """Guarantees that an account of messages that is not sound is not read as one."""
    trial = records.before_trial()
    drain = replace(trial.drain or pytest.fail("no drain"), complete=False, last_seen="12 unacked")

    text = Page(
        render_html(RunRecord(records.manifest(), (replace(trial, drain=drain),)), records.judgement(), {})
    ).text

    assert "This record is not whole: 1 missing" in text
    assert "the drain was not complete (12 unacked): no account of its messages is sound." in text


def test_a_check_of_an_arm_without_a_trial_is_shown() -> None:
    """Guarantees that the reason of an unknown verdict is on the page when an arm was never played."""
    stray = CheckResult("arm played", "postmortem", Verdict.UNKNOWN, "never played", "every arm is played")
    judgement = Judgement(Verdict.UNKNOWN, (*records.checks(), stray))

    assert "arm played UNKNOWN never played every arm is played" in Page(render_html(records.run(), judgement, {})).text


def test_recorded_text_never_becomes_markup() -> None:
    """Guarantees that no message, log line or claim can put an element or a control character in the page."""
    trial = replace(records.after_trial(), damaged=(EVIL,), links=((EVIL, "logs/a b<c>.log"),), arm=EVIL)
    run = RunRecord(replace(records.manifest(), claim=EVIL, machine={EVIL: EVIL}, command=("x", EVIL)), (trial,))
    checks = (CheckResult(EVIL, EVIL, Verdict.FAIL, EVIL, EVIL, EVIL),)

    source = render_html(run, Judgement(Verdict.FAIL, checks), {})

    page = Page(source)
    assert not page.all("img")
    assert "\x00" not in source
    assert "\x1b" not in source
    assert '<img src=x onerror=alert(1)> & "quoted"' in page.text
    assert "logs/a%20b%3Cc%3E.log" in [attributes["href"] for attributes in page.all("a")]


@pytest.mark.parametrize(
    "path",
    ["javascript:alert(1)", "https://example.org/x", "//example.org/x", "/etc/passwd", "a/../../x", "\\\\host\\x", ""],
)
def test_a_link_that_leads_out_of_the_run_directory_is_not_made(path: str) -> None:
    """Guarantees that a report links to files of its own run and to nothing else; such a path is shown as text."""
    trial = replace(records.after_trial(), links=(("a file", path),))

    page = Page(render_html(RunRecord(records.manifest(), (trial,)), records.judgement(), {}))

    assert local_href(path) is None
    assert all(attributes["href"].startswith("#") for attributes in page.all("a"))
    assert "not linked: it leads out of the run directory" in page.text


def test_incarnations_show_status_counter_peaks_and_prefetch() -> None:
    """Guarantees that the evidence of an OOM kill stands in one row: exit 137, the counter, the prefetch in force."""
    text = Page(render_html(records.run(), records.judgement(), {})).text

    assert "the kernel's OOM killer 137 (SIGKILL) +1 the first process 3000 MiB 2958 MiB unlimited (0)" in text
    assert "fixed 0 10:57:54 12:15:30 the harness 0 +0 — 187 MiB 181 MiB 10" in text
