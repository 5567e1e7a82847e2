"""The heap by what it is: the rules, the tables, and the difference site by site, on stacks as memray records them."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.record import MIB, Role, RunRecord, TrialRecord
from harness.record.heap import HeapGroup, HeapSite, HeapSummary, Rule
from harness.store.reading import _heaps
from reports.analysis.heap_groups import REST, group_names, group_of, in_order
from reports.tables.heaps import cost_table, difference_table, heap_table, profile_lines, sites_table
from tests.unit import reports_records as records

SITE = "/v/lib/python3.11/site-packages"
OURS = "/app/somebodys_worker"
RULES = in_order(
    (
        Rule("parsed rows", r"somebodys_worker/rows\.py$", r"^parse$"),
        Rule("texts", r"somebodys_worker/rows\.py$"),
        Rule("the worker's own records", r"somebodys_worker/deadline\.py$", after_libraries=True),
    )
)
JSON = ("raw_decode", "/usr/lib/python3.11/json/decoder.py", 353)
MAIN = ("process_data_events", f"{SITE}/pika/adapters/blocking_connection.py", 900)


@pytest.mark.parametrize(
    ("stack", "group"),
    [
        ([("_finish", f"{SITE}/pika/channel.py", 1624), MAIN], "message bodies"),
        ([("decode_frame", f"{SITE}/pika/frame.py", 9), MAIN], "pika's buffers"),
        ([JSON, ("parse", f"{OURS}/rows.py", 38), MAIN], "parsed rows"),
        ([("as_text", f"{OURS}/rows.py", 60)], "texts"),
        ([("_finish", f"{SITE}/pika/channel.py", 1624), ("parse", f"{OURS}/rows.py", 38)], "message bodies"),
        ([("read", f"{OURS}/deadline.py", 8), ("send", f"{SITE}/httpcore/_sync/http11.py", 9)], "the HTTP client"),
        ([("read", f"{OURS}/deadline.py", 8), ("run", "/lib/python3.11/threading.py", 1)], "the worker's own records"),
        ([("run", "/lib/python3.11/threading.py", 1)], "threads and their queue"),
        ([JSON, ("encode_json", f"{SITE}/httpx/_content.py", 177)], "request bodies"),
        ([("send", f"{SITE}/httpcore/_sync/http11.py", 9)], "the HTTP client"),
        ([("execute", f"{SITE}/sqlalchemy/engine/base.py", 9)], "the database"),
        ([("x", f"{SITE}/sqlalchemy/a.py", 1), ("_call", "<frozen importlib._bootstrap>", 241)], "imported code"),
        ([("f", "/elsewhere/x.py", 1)], REST),
        ([], REST),
    ],
)
def test_a_stack_belongs_to_what_an_engineer_calls_it(stack: list[tuple[str, str, int]], group: str) -> None:
    """Guarantees that bodies, an incident's own groups and libraries are kept apart, and the rest stays the rest."""
    assert group_of(stack, RULES) == group


def test_a_body_is_a_body_whatever_thread_or_library_it_was_put_together_in() -> None:
    """Guarantees that narrow rules come before wide ones: pika's own rule would take every body else."""
    names = [rule.group for rule in RULES]
    assert names.index("message bodies") < names.index("pika's buffers")
    assert group_names(RULES)[-1] == REST


def profiled_run() -> RunRecord:
    """A run whose before arm has a profiled repeat that was killed too."""
    groups = (HeapGroup("message bodies", 900 * MIB, 900 * MIB), HeapGroup(REST, 100 * MIB, 50 * MIB))
    threads = tuple(f"worker_{number}" for number in range(10))
    sites = tuple(HeapSite(f"w.py:{size} f", size * MIB, threads) for size in (700, 150, 80, 70))
    plain = replace(records.before_trial(), cpu_share=0.5)
    twin = replace(
        plain,
        arm="incident-profiled",
        role=Role.PROFILED,
        cpu_share=0.6,
        heaps=(HeapSummary(0, killed=True, end_bytes=1000 * MIB, peak_bytes=950 * MIB, groups=groups, sites=sites),),
    )
    return RunRecord(records.manifest(), (plain, twin))


def test_the_heap_of_a_killed_incarnation_is_told_at_the_kill_beside_what_the_kernel_charged() -> None:
    """Guarantees group by group its share, what the rules name of it, and the resident set and cgroup beside it."""
    rows = {row[2]: row[3:] for row in heap_table(profiled_run()).rows}

    assert rows["message bodies"] == ("900 MiB", "90.0%")
    assert rows["named by a rule"] == ("90.0%", "")
    assert rows["heap, all of it"] == ("1000 MiB", "")
    assert "MiB" in rows["resident set"][0]
    assert "MiB" in rows["cgroup"][0]


def test_the_sites_that_hold_nine_tenths_of_the_heap_are_named_with_their_threads() -> None:
    """Guarantees the lines of code in the report itself, as many as it takes, and how much they hold together."""
    rows = sites_table(profiled_run()).rows

    assert [row[0] for row in rows] == ["w.py:700 f", "w.py:150 f", "w.py:80 f"]
    assert rows[0][3:] == ("worker_0, worker_1, worker_2 and 7 more", "700 MiB", "70.0%", "70.0%")
    assert rows[-1][-1] == "93.0%"


def test_the_profilers_price_is_a_ratio_to_the_arm_that_carries_the_verdict() -> None:
    """Guarantees that the disturbance is measured, not asserted: memory, settled messages, processor time."""
    rows = {row[1]: row[-1] for row in cost_table(profiled_run()).rows}

    assert rows["peak resident set"] == "1.00"
    assert rows["processor time"] == "1.20"
    assert "settled messages" in rows
    assert any("message bodies" in line for line in profile_lines(profiled_run()))


def test_a_run_without_a_profiled_arm_says_so() -> None:
    """Guarantees that nothing is made up where nothing was profiled."""
    run = records.run()
    assert heap_table(run).rows == sites_table(run).rows == cost_table(run).rows == ()
    assert profile_lines(run) == ()


def test_an_incarnation_without_gauges_or_peaks_has_no_figure_rather_than_zero() -> None:
    """Guarantees a price without the figures that nobody recorded."""
    run = profiled_run()
    bare = tuple(replace(trial, gauges=(), cpu_share=None) for trial in run.trials)
    assert {row[1] for row in cost_table(RunRecord(run.manifest, bare)).rows} == {"peak resident set", "peak cgroup"}
    empty = TrialRecord("incident-profiled", Role.PROFILED, None)
    assert cost_table(RunRecord(run.manifest, (run.trials[0], empty))).rows == ()


def test_two_heaps_are_compared_site_by_site_whatever_the_line() -> None:
    """Guarantees the worst of each: at the kill where it was killed, at the peak else; the largest difference first."""

    def heap(*sites: tuple[str, int]) -> HeapSummary:
        held = tuple(HeapSite(where, size_mib * MIB, ("main thread",)) for where, size_mib in sites)
        return HeapSummary(0, False, 9, 9, (), (*held, HeapSite("7 lighter sites", MIB, ())))

    before, after = heap(("w.py:5 f", 100), ("w.py:9 g", 20)), heap(("w.py:6 f", 15), ("w.py:9 h", 30))

    assert difference_table(before, after).rows == (
        ("w.py f", "100 MiB", "15 MiB", "-85 MiB"),
        ("w.py h", "0.0 MiB", "30 MiB", "30 MiB"),
        ("w.py g", "20 MiB", "0.0 MiB", "-20 MiB"),
        ("all lighter sites", "1.0 MiB", "1.0 MiB", "0.0 MiB"),
    )


def test_a_summary_reads_back_and_a_damaged_one_is_said(tmp_path: Path) -> None:
    """Guarantees that a stored run is reported without reading its captures again."""
    summary = HeapSummary(0, True, 10, 12, (HeapGroup(REST, 10, 12),), (HeapSite("w.py:1 f", 10, ("main thread",)),))
    (tmp_path / "incarnation-0.json").write_text(json.dumps(asdict(summary)))
    (tmp_path / "incarnation-1.json").write_text("{}")
    damaged: list[str] = []

    assert list(_heaps(tmp_path, damaged)) == [summary]
    assert len(damaged) == 1
    assert summary.named_share(at_end=True) == 0.0
    assert HeapSummary(0, True, 0, 0, (HeapGroup(REST, 0, 0),)).named_share(at_end=False) == 0.0
