"""The broker's counts across its own restart."""

from pathlib import Path

from harness.record import QueueSample
from harness.store.queue_files import counted_on
from harness.store.tolerant import read_rows

RESTARTED = "mono_s,ready,unacked,redelivered,acked\n0,9,1,0,10\n1,9,1,2,40\n2,0,0,0,0\n3,7,1,1,5\n4,0,0,4,25\n"


def sample(row: dict[str, str]) -> QueueSample:
    """Return a row as a sample."""
    return QueueSample(float(row["mono_s"]), *(int(row[name]) for name in ("ready", "unacked", "redelivered", "acked")))


def test_counts_go_on_where_a_restarted_broker_began_anew(tmp_path: Path) -> None:
    """Guarantees that what was finished before a restart is not forgotten, and what waits is as it was told."""
    path = tmp_path / "queue.csv"
    path.write_text(RESTARTED)
    samples = counted_on(read_rows(path, sample, []))

    assert [each.acked for each in samples] == [10, 40, 40, 45, 65]
    assert [each.redelivered for each in samples] == [0, 2, 2, 3, 6]
    assert [each.ready for each in samples] == [9, 9, 0, 7, 0]


def test_counts_of_a_broker_that_stayed_are_its_own() -> None:
    """Guarantees that nothing is added where nothing began anew."""
    samples = tuple(QueueSample(float(n), 0, 0, n // 2, n) for n in range(5))

    assert counted_on(samples) == samples
    assert counted_on(()) == ()
