"""Writing a run directory: whole or not at all, line by line, and what the disk refuses is said with its remedy."""

import json
import threading
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.record import Limit, Manifest
from harness.store import RunFolder, TrialFolder, create_run, write_atomically

DISK_FULL = Path("/dev/full")  # the kernel's own full disk: every write to it fails with ENOSPC
LIMIT = Limit("cgroup v1", emulated=False, limit_bytes=1000)


@pytest.fixture
def trial(tmp_path: Path) -> TrialFolder:
    """A trial's folder."""
    return RunFolder(tmp_path, "2026-01-01T11:42:04+00:00").trial("incident", "before")


def lines_of(path: Path) -> list[dict[str, object]]:
    """Return the JSON lines of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Guarantees that texts and bytes arrive, that the old file is gone and nothing else is there."""
    path = tmp_path / "verdict.json"
    write_atomically(path, "old")
    write_atomically(path, "new — ünicode")
    assert path.read_text(encoding="utf-8") == "new — ünicode"

    write_atomically(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_that_no_file_can_hold_is_written_with_replacements(tmp_path: Path) -> None:
    """Guarantees that half an emoji out of a log does not cost the report."""
    write_atomically(tmp_path / "report.md", "half \ud83d emoji")
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == "half ? emoji"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "No space left on device; free some disk or choose --runs-dir"),
        (OSError(30, "Read-only file system"), "Read-only file system; make it writable or choose --runs-dir"),
        (OSError("odd"), "odd; free some disk or choose --runs-dir"),
    ],
    ids=["disk full", "read-only", "without a reason of its own"],
)
def test_a_disk_that_refuses_leaves_the_old_file_and_no_temporary_one(
    error: OSError, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees atomicity where it matters: a full disk loses neither the old verdict nor more disk."""
    path = tmp_path / "verdict.json"
    write_atomically(path, "old")

    def refuse(_file: int) -> None:
        raise error

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(RunDirectoryError, match=reason):
        write_atomically(path, "new")

    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees that Ctrl-C in the middle of a write is an interrupt, and leaves nothing behind."""

    def interrupt(_file: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "verdict.json", "new")

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_folder_is_said_with_the_remedy(tmp_path: Path) -> None:
    """Guarantees a RunDirectoryError, also where even removing the temporary file is refused."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    with pytest.raises(RunDirectoryError, match="Not a directory; free some disk or choose --runs-dir"):
        write_atomically(blocked / "verdict.json", "new")
    with pytest.raises(RunDirectoryError, match="choose --runs-dir"):
        create_run(blocked / "runs", "drill")
    with pytest.raises(RunDirectoryError, match="choose --runs-dir"):
        RunFolder(blocked, "now").trial("incident", "before")


def test_a_run_has_a_folder_of_its_own_and_latest_points_to_it(tmp_path: Path) -> None:
    """Guarantees the name <utc>-<scenario>-<4 hex>, and that the pointer moves with every run."""
    first = create_run(tmp_path / "runs", "drill")
    second = create_run(tmp_path / "runs", "drill")

    assert first.path != second.path
    assert first.run_id.split("-")[1] == "drill"
    assert (tmp_path / "runs" / "latest").resolve() == second.path.resolve()
    assert (second.path / "trials").is_dir()
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(
        [first.run_id, second.run_id, "latest"]
    )


def test_a_folder_named_latest_is_in_the_way_and_said(tmp_path: Path) -> None:
    """Guarantees a sentence, and no stray pointer, where somebody made a folder of that name."""
    (tmp_path / "latest").mkdir()
    with pytest.raises(RunDirectoryError, match="latest can't be written"):
        create_run(tmp_path, "drill")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".latest")]


def test_the_manifest_and_the_scenario_are_written_before_the_first_trial(tmp_path: Path) -> None:
    """Guarantees that a run which dies at once still says what it was."""
    manifest = Manifest("id", "drill", "claim", 7, 10.0, "now", ("harness", "run"), {"pika": "1.4"}, {"cores": "2"}, 99)
    RunFolder(tmp_path, "now").write_manifest(manifest, '{"name": "drill"}')

    assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["versions"] == {"pika": "1.4"}
    assert json.loads((tmp_path / "scenario.json").read_text(encoding="utf-8")) == {"name": "drill"}


def test_events_come_from_any_thread_and_stay_whole_and_in_order(trial: TrialFolder) -> None:
    """Guarantees one whole line for each event, in the order of their times."""

    def tell(number: int) -> None:
        for count in range(50):
            trial.event("told", thread=number, count=count, text="x" * 500, odd="\udc80")

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    events = lines_of(trial.path / "events.jsonl")
    assert len(events) == 400
    times = [float(str(event["mono_s"])) for event in events]
    assert times == sorted(times)
    assert events[0]["odd"] == "?"


def test_a_series_has_one_header_and_a_row_for_each_sample(trial: TrialFolder) -> None:
    """Guarantees the columns, empty cells for what was not measured, and that opening it again goes on."""
    with trial.series("queue.csv", ("ready", "unacked")) as series:
        series.add(3, None)
    with trial.series("queue.csv", ("ready", "unacked")) as series:
        series.add(3_221_225_472, 0.5)

    header, first, second = (trial.path / "queue.csv").read_text(encoding="utf-8").splitlines()
    assert header == "mono_s,ready,unacked"
    assert first.split(",")[1:] == ["3", ""]
    assert second.split(",")[1:] == ["3221225472", "0.5"]


def test_a_row_is_on_the_disk_as_soon_as_it_was_added(trial: TrialFolder) -> None:
    """Guarantees that a killed harness leaves every sample it took."""
    with trial.series("queue.csv", ("ready",)) as series:
        series.add(1)
        assert len((trial.path / "queue.csv").read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("name", ["events.jsonl", "queue.csv"])
def test_a_full_disk_is_said_with_the_remedy(trial: TrialFolder, name: str) -> None:
    """Guarantees a RunDirectoryError for events and for series, from the first line on."""
    (trial.path / name).symlink_to(DISK_FULL)

    def write() -> None:
        if name == "events.jsonl":
            trial.event("told")
        else:
            with trial.series("queue.csv", ("ready",)) as series:
                series.add(1)

    with pytest.raises(RunDirectoryError, match="No space left on device; free some disk or choose --runs-dir"):
        write()


def test_the_start_of_a_trial_says_what_is_known_before_the_workload(trial: TrialFolder) -> None:
    """Guarantees trial.json: arm, role, replay time zero, how many messages, and the limit."""
    trial.start(1234.5, planned_messages=42, limit=LIMIT)

    facts = json.loads((trial.path / "trial.json").read_text(encoding="utf-8"))
    assert facts.pop("start_utc")
    assert facts == {
        "arm": "incident",
        "role": "before",
        "start_mono_s": 1234.5,
        "planned_messages": 42,
        "limit": {
            "kind": "cgroup v1",
            "emulated": False,
            "limit_bytes": 1000,
            "kills": "process",
            "scope_emulated": False,
        },
    }
    assert trial.start_mono_s == 1234.5
    assert trial.logs.is_dir()
