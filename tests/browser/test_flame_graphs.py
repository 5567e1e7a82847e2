"""The flame graphs of a capture, opened from a disk in Debian's Chromium: they draw themselves, and ask nobody."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from reports.pages.heap_pages import render_profile_pages

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
TIMEOUT_MS = 60_000  # a busy machine starts a browser slowly
_PATIENT = """
import sys
def hold(size_bytes):
    return bytearray(size_bytes)
import memray
with memray.Tracker(sys.argv[1]):
    kept = [hold(1_000_000) for _ in range(4)]
    gone = hold(8_000_000)
    del gone
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a small capture, by the word in their name that says which graph it is."""
    folder = tmp_path_factory.mktemp("flames")
    capture = folder / "incarnation-0.bin"
    subprocess.run([sys.executable, "-c", _PATIENT, str(capture)], check=True, timeout=60)
    names = [name for _, name in render_profile_pages(capture, folder) if "flame" in name]
    return {name.rpartition("-")[2].removesuffix(".html"): folder / name for name in names}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser with a user data folder of its own."""
    assert os.access(CHROMIUM, os.X_OK), f"{CHROMIUM} is not there; make test-parts installs it"
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"), executable_path=CHROMIUM, args=ARGUMENTS, timeout=TIMEOUT_MS
        )
        yield context
        context.close()


@pytest.mark.parametrize("graph", ["end", "peak", "time"])
def test_a_flame_graph_draws_itself_from_a_disk_and_fetches_nothing(
    chromium: BrowserContext, pages: dict[str, Path], graph: str
) -> None:
    """Guarantees that a report can be read on a machine without a network: drawn, no error, no request but itself."""
    page = chromium.new_page()
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(pages[graph].as_uri(), timeout=TIMEOUT_MS)
    page.wait_for_selector("#chart svg g", timeout=TIMEOUT_MS, state="attached")

    assert [url for url in requests if not url.startswith(("file://", "data:"))] == []
    assert errors == []
    assert "hold" in page.content()
    page.close()
