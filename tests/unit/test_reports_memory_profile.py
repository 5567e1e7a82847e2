"""The pages of a memray capture, of a process that ended and of one that was killed with SIGKILL in the middle."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reports.analysis.heap_profile import AllocationSite, HeapProfile, _heaviest, _location, read_heap_profile
from reports.pages.heap_pages import render_profile_pages, sites_page

# Holds 8 MB to its end; held 24 MB more for a moment. Then it waits for a line on stdin, so that the test can kill it.
_PATIENT = """
import json, sys, time
def hold(size_bytes):
    return bytearray(size_bytes)
def parse():
    return json.loads(json.dumps(["x" * 1000] * 3000))
kept = [hold(2_000_000) for _ in range(4)]
gone = hold(24_000_000)
del gone
rows = parse()
print("ready", flush=True)
sys.stdin.readline()
"""


def capture_of(folder: Path, ending: str) -> Path:
    """Run the patient under memray to its end, or kill it when it is ready; return the capture."""
    script, capture = folder / "patient.py", folder / f"{ending}.bin"
    script.write_text(_PATIENT)
    command = [sys.executable, "-m", "memray", "run", "--quiet", "--force", "--output", str(capture), str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"ready\n"
        if ending == "killed":
            process.kill()
        else:
            process.stdin.write(b"end\n")
            process.stdin.flush()
        assert process.wait(timeout=30) == (-signal.SIGKILL if ending == "killed" else 0)
    return capture


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The capture of a process that was killed with SIGKILL."""
    return capture_of(tmp_path_factory.mktemp("killed"), "killed")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The capture of a process that ended by itself."""
    return capture_of(tmp_path_factory.mktemp("ended"), "ended")


def heaviest(sites: tuple[AllocationSite, ...]) -> tuple[str, int]:
    """The heaviest site: its file and line, its size in bytes."""
    return sites[0].location.rpartition("/")[2], sites[0].size_bytes


def test_what_was_alive_at_a_sigkill_is_known(killed: Path) -> None:
    """Guarantees the point of profiling a worker that dies: which line held the heap at the kill, and at the peak."""
    profile = read_heap_profile(killed)

    assert profile.killed
    assert profile.duration_s > 0
    location, size_bytes = heaviest(profile.at_end)
    assert location == "patient.py:4 hold"
    assert 8_000_000 <= size_bytes < 8_100_000
    assert profile.at_end[0].allocations == 4
    location, size_bytes = heaviest(profile.at_peak)
    assert location == "patient.py:4 hold"
    assert 32_000_000 <= size_bytes < 32_200_000
    assert profile.peak_bytes >= size_bytes


def test_an_ended_process_is_not_called_killed(ended: Path) -> None:
    """Guarantees the difference: only a capture without an end was cut off by a kill."""
    profile = read_heap_profile(ended)

    assert not profile.killed
    assert heaviest(profile.at_peak)[0] == "patient.py:4 hold"


def test_what_a_library_allocated_counts_for_the_line_that_called_it(killed: Path) -> None:
    """Guarantees that the 3 MB that json parsed are charged to our line, not to json's."""
    sites = [site for site in read_heap_profile(killed).at_end if site.location.endswith("patient.py:6 parse")]

    assert len(sites) == 1
    assert sites[0].size_bytes > 2_500_000
    assert any(frame.startswith("json/") for frame in sites[0].stack)


def test_the_pages_are_written_labelled_and_work_offline(killed: Path, tmp_path: Path) -> None:
    """Guarantees a table and three flame graphs, named after the capture, with nothing fetched from elsewhere."""
    pages = render_profile_pages(killed, tmp_path)

    assert pages == (
        ("killed: allocation sites", "killed-allocation-sites.html"),
        ("killed: flame graph, alive at the kill", "killed-flame-at-end.html"),
        ("killed: flame graph at the peak", "killed-flame-at-peak.html"),
        ("killed: flame graph over time", "killed-flame-over-time.html"),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["killed.json", *(name for _, name in pages)])
    summary = json.loads((tmp_path / "killed.json").read_text())
    assert summary["killed"] is True
    assert sum(group["end_bytes"] for group in summary["groups"]) == summary["end_bytes"]
    for _, name in pages:
        source = (tmp_path / name).read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?:https?:)?//", source)
        assert "patient.py" in source
    flame = (tmp_path / "killed-flame-at-end.html").read_text(encoding="utf-8")
    assert re.search(r"<title>memray - .*, killed: alive at the kill</title>", flame)
    assert "memory leaks" not in flame[: flame.index("<body")]


def test_the_table_says_that_the_process_was_killed(killed: Path) -> None:
    """Guarantees that "at the end" is read as what it is."""
    page = sites_page("killed", read_heap_profile(killed))

    assert "Alive when the process was killed" in page
    assert "sizes of the heap, not of the resident set" in page


@pytest.mark.parametrize("content", [b"", b"memray", b"not a capture at all" * 99])
def test_a_capture_that_cannot_be_read_gives_a_page_that_says_so(content: bytes, tmp_path: Path) -> None:
    """Guarantees that a worker killed before memray began does not cost the whole report."""
    capture = tmp_path / "worker-0.bin"
    capture.write_bytes(content)

    pages = render_profile_pages(capture, tmp_path)

    assert pages == (("worker-0: capture that can't be read", "worker-0-unreadable.html"),)
    assert "does not look like a binary generated by memray" in (tmp_path / pages[0][1]).read_text(encoding="utf-8")


def test_a_missing_capture_is_said_too(tmp_path: Path) -> None:
    """Guarantees a page for a capture that was never written."""
    assert render_profile_pages(tmp_path / "gone.bin", tmp_path)[0][1] == "gone-unreadable.html"


def test_a_stack_of_libraries_alone_is_named_by_its_innermost_frame() -> None:
    """Guarantees a name for every site, also where no line of ours led to it."""
    assert _location([("f", "/usr/lib/python3.11/json/x.py", 7), ("g", "<frozen runpy>", 1)]) == "json/x.py:7 f"
    assert _location([("f", "/v/lib/python3.11/site-packages/p/x.py", 7), ("g", "app/w.py", 2)]) == "app/w.py:2 g"
    assert _location([]) == "outside Python"
    ours = str(Path(__file__).resolve().parents[2])
    assert _location([("h", f"{ours}/tests/mutants/m.py", 3)]) == "tests/mutants/m.py:3 h"
    assert _location([("h", "/runs/builds/0a1b2c/worker_under_test/w.py", 3)]) == "worker_under_test/w.py:3 h"


def test_light_sites_are_one_row_and_nothing_is_lost() -> None:
    """Guarantees a table that can be read, whose sum is the heap's."""
    ranked = [AllocationSite("heavy", 10_000_000, 1, ()), *(AllocationSite(f"s{n}", 10, 1, ()) for n in range(99))]

    shown = _heaviest(ranked)

    assert [site.location for site in shown] == ["heavy", "99 lighter sites"]
    assert sum(site.size_bytes for site in shown) == sum(site.size_bytes for site in ranked)
    assert len(_heaviest([AllocationSite(f"s{n}", 10, 1, ()) for n in range(99)])) == 25


def test_nothing_in_a_capture_becomes_markup() -> None:
    """Guarantees that a command or a frame can't put an element in the page."""
    site = AllocationSite("<b>x</b>", 1, 1, ("a", "<i>y</i>"))
    page = sites_page(
        "<u>n</u>",
        HeapProfile("<s>cmd</s>", killed=False, duration_s=1.0, peak_bytes=1, end_bytes=1, at_end=(site,), at_peak=()),
    )

    assert not re.search(r"<[bius]>", page)
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "Nothing was allocated." in page
