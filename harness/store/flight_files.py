"""The flight recorder's files of one trial, read back as one ``Flight`` for one incarnation.

``trials/<arm>/flight/<pid>-0.jsonl`` and ``-1.jsonl`` are the worker's ring; ``<pid>-outside.jsonl`` is the harness's
own, of a worker without a recorder. Used by ``harness postmortem``. A line that a kill has torn is left out and said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.record.flight import Flight, FlightSample, StackGroup, StackSample
from harness.store.tolerant import read_json_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MEMORY = (
    *("rss", "rss_peak", "anon", "file", "shmem", "threads"),
    *("cgroup", "cgroup_anon", "cgroup_file", "cgroup_kernel"),
)
_Line = FlightSample | StackSample | str  # a str: the kind of another line


def read_flight(folder: Path, pid: int, start_mono_s: float) -> Flight:
    """Return what was recorded of process ``pid``; times become replay time. Nothing recorded is an empty flight."""
    inside = [folder / f"{pid}-{number}.jsonl" for number in (0, 1)]
    outside = folder / f"{pid}-outside.jsonl"
    from_outside = not any(path.exists() for path in inside) and outside.exists()
    damaged: list[str] = []
    lines: list[_Line] = []
    for path in [outside] if from_outside else inside:
        lines += read_json_lines(path, lambda line: _line(line, start_mono_s), damaged)
    return Flight(
        samples=tuple(sorted((x for x in lines if isinstance(x, FlightSample)), key=lambda x: x.t_s)),
        stacks=tuple(sorted((x for x in lines if isinstance(x, StackSample)), key=lambda x: x.t_s)),
        from_outside=from_outside,
        ended="ended" in lines,
        damaged=tuple(damaged),
    )


def _line(line: Mapping[str, Any], start_mono_s: float) -> _Line:
    t_s = float(line["mono_s"]) - start_mono_s
    if line["kind"] == "stacks":
        groups = (StackGroup(tuple(group["threads"]), tuple(group["frames"])) for group in line["groups"])
        return StackSample(t_s, tuple(groups))
    if line["kind"] != "sample":
        return str(line["kind"])
    return FlightSample(
        t_s=t_s,
        memory={name: int(line[name]) for name in _MEMORY if name in line},
        executor_queue=line.get("executor_queue"),
        in_flight=line.get("in_flight"),
        bodies=line.get("bodies"),
        bodies_bytes=line.get("bodies_bytes"),
        exceptions=line.get("exceptions"),
        call_ages_s=tuple(float(age_s) for age_s in line.get("call_ages_s", ())),
        gc_count=tuple(line.get("gc_count", ())),
        gc_collections=tuple(line.get("gc_collections", ())),
        process_cpu_s=line.get("process_cpu_s"),
        recorder_cpu_s=line.get("recorder_cpu_s"),
    )
