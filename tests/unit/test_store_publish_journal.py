"""publishes.jsonl: attempts are never lost, and what a kill has torn is named instead of being guessed."""

import os
import resource
from pathlib import Path

import pytest

from harness.errors import RunDirectoryError
from harness.record import Publish
from harness.store.publish_journal import DAMAGE_MAX, ERROR_CHARACTERS_MAX, JournalWriter, PublishLine, read_journal

START_MONO_S = 1000.0


def attempt(name: str, *, intended_mono_s: float = 1001.0, sent_mono_s: float = 1001.25) -> PublishLine:
    """The first line of a message."""
    return PublishLine(
        message_id=name,
        intended_mono_s=intended_mono_s,
        sent_mono_s=sent_mono_s,
        confirmed_mono_s=None,
        size_bytes=3_000_000,
        error=None,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "publishes.jsonl"


def write(path: Path, *lines: PublishLine) -> None:
    """Write a journal of ``lines``."""
    with JournalWriter(path) as journal:
        for line in lines:
            journal.write(line)


def test_a_confirmed_message_is_one_publish_in_replay_time(path: Path) -> None:
    """Two lines, one publish: the last one counts, times are seconds since the start."""
    first = attempt("a")
    write(path, first, first.ended(confirmed_mono_s=1001.5, error=None))

    journal = read_journal(path, START_MONO_S)

    assert journal.publishes == (Publish("a", 1.0, 1.25, 1.5, 3_000_000, None),)
    assert journal.damaged == ()


def test_an_attempt_without_an_end_is_kept_as_unconfirmed(path: Path) -> None:
    """A publisher killed between sending and the confirm: its message may be in the queue, so the attempt is known."""
    write(path, attempt("a"))

    (publish,) = read_journal(path, START_MONO_S).publishes

    assert publish.message_id == "a"
    assert publish.confirmed_s is None
    assert publish.error is None


def test_a_failed_message_keeps_its_error_in_one_sentence(path: Path) -> None:
    """The reason is there to be read; a broker that quotes a whole frame does not fill the disk."""
    first = attempt("a")
    write(path, first, first.ended(confirmed_mono_s=None, error="NackError: " + "x" * 10_000))

    (publish,) = read_journal(path, START_MONO_S).publishes

    assert publish.confirmed_s is None
    assert publish.error is not None
    assert publish.error.startswith("NackError")
    assert len(publish.error) == ERROR_CHARACTERS_MAX


def test_messages_of_several_publishers_may_interleave(path: Path) -> None:
    """Publishes come in the order of their attempts, whoever ended first."""
    a, b = attempt("a"), attempt("b")
    write(path, a, b, b.ended(confirmed_mono_s=1002.0, error=None), a.ended(confirmed_mono_s=1003.0, error=None))

    publishes = read_journal(path, START_MONO_S).publishes

    assert [(publish.message_id, publish.confirmed_s) for publish in publishes] == [("a", 3.0), ("b", 2.0)]


@pytest.mark.parametrize("kept_bytes", [1, 40, 100])
def test_a_torn_last_line_costs_that_line_alone_and_is_named(path: Path, kept_bytes: int) -> None:
    """SIGKILL in the middle of a write: everything before it is read, and the damage is said."""
    write(path, attempt("a"), attempt("b"))
    whole = path.read_bytes()
    torn_at = whole.index(b"\n") + 1 + kept_bytes
    path.write_bytes(whole[:torn_at])

    journal = read_journal(path, START_MONO_S)

    assert [publish.message_id for publish in journal.publishes] == ["a"]
    assert len(journal.damaged) == 1
    assert f"line 2 is torn: its writer was killed while it wrote {kept_bytes} bytes" in journal.damaged[0]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b"{}", "message_id"),
        (b"not json", "Invalid JSON"),
        (b"\xff\xfe", "line 2"),
        (attempt("z").model_dump_json().replace("3000000", '"large"').encode(), "size_bytes"),
        (attempt("z").model_dump_json().replace("1001.25", "-1").encode(), "sent_mono_s"),
        (attempt("z").model_dump_json().replace("}", ',"more":1}').encode(), "more"),
    ],
)
def test_a_damaged_line_is_left_out_and_named(path: Path, line: bytes, named: str) -> None:
    """One bad line does not take the others with it, and does not go unsaid."""
    write(path, attempt("a"), attempt("b"))
    first, second = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, line, second, b""]))

    journal = read_journal(path, START_MONO_S)

    assert [publish.message_id for publish in journal.publishes] == ["a", "b"]
    assert len(journal.damaged) == 1
    assert "line 2" in journal.damaged[0]
    assert named in journal.damaged[0]


def test_much_damage_is_counted_instead_of_listed(path: Path) -> None:
    """A file of garbage gives a report that can be read."""
    path.write_bytes(b"garbage\n" * 500)

    journal = read_journal(path, START_MONO_S)

    assert len(journal.damaged) == DAMAGE_MAX + 1
    assert f"{500 - DAMAGE_MAX} more" in journal.damaged[-1]


def test_a_missing_journal_is_damage(path: Path) -> None:
    """A partial run is read all the same."""
    journal = read_journal(path, START_MONO_S)

    assert journal.publishes == ()
    assert "could not be read" in journal.damaged[0]


def test_an_empty_journal_is_no_damage(path: Path) -> None:
    """Publishers that had nothing to publish yet."""
    write(path)

    assert read_journal(path, START_MONO_S).damaged == ()


def test_a_journal_is_never_written_over(path: Path) -> None:
    """Two loads in one journal could not be told apart."""
    write(path, attempt("a"))

    with pytest.raises(RunDirectoryError, match="File exists"):
        JournalWriter(path)


def test_a_full_disk_is_an_error_and_not_a_lost_attempt(path: Path) -> None:
    """The message is not sent when its attempt could not be written; the publishers break off."""
    with JournalWriter(path) as journal:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, journal._descriptor)
        os.close(full)

        with pytest.raises(RunDirectoryError, match="No space left"):
            journal.write(attempt("a"))


def test_a_disk_that_takes_half_a_line_is_an_error_too(path: Path) -> None:
    """The last bytes of a disk, here the last ones that this process may write to a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with JournalWriter(path) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, limits[1]))
        try:
            with pytest.raises(RunDirectoryError, match="took 50 of"):
                journal.write(attempt("a"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
