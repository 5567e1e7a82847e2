"""Synthetic run of a worker that forks: a child is OOM-killed while the first process lives on. No test module."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.record import (
    MIB,
    ChannelSeen,
    ConnectionSeen,
    EndedBy,
    Incarnation,
    MemorySeries,
    OomKill,
    ProcessSample,
    QueueKind,
    QueueLeft,
    Role,
    RunRecord,
    TrialRecord,
)
from tests.unit import reports_records as records

FORKS, CHILD_PID, CHILD_KILL_S = "forking", 6112, 84.0


def forking_trial() -> TrialRecord:
    """A worker with a child that the kernel kills at the limit, while its first process lives on and writes a file.

    Its memory is of all kinds, its two channels hold a hundred messages each, and a delay queue still holds seven.
    """
    spans, end_s = records.phases(burst_s=54.0), 162.0
    own = records.series(
        (0, [(-1.4, 58), (20, 300), (CHILD_KILL_S - 0.05, 2700)]), (0, [(CHILD_KILL_S, 140), (end_s, 220)])
    )
    growing = np.clip((own.t_s - 30) * 4, 0, 260) * MIB
    kernel = np.full(own.t_s.size, 12.0 * MIB)
    kinds = {
        "anonymous_bytes": own.anonymous_bytes,
        "file_bytes": growing,
        "inactive_file_bytes": growing * 0.9,
        "kernel_bytes": kernel,
    }
    charged = np.minimum(own.anonymous_bytes + growing + kernel, records.LIMIT_BYTES)
    memory = MemorySeries.of(own.t_s, own.incarnation, own.rss_bytes, charged, **kinds)
    kill = OomKill(CHILD_KILL_S, CHILD_PID, "python", first_process=False)
    incarnation = Incarnation(0, 6101, -1.4, end_s, 0, 1, records.LIMIT_BYTES, 61 * MIB, EndedBy.HARNESS, kills=(kill,))
    seen = tuple(
        ChannelSeen(0.5 + consumers / 10, 0, f"10.0.0.9:4{number} (1)", consumers, 10, 0)
        for number in (1, 2)
        for consumers in (4, 10)
    )
    return replace(
        records.after_trial(),
        arm=FORKS,
        role=Role.BEFORE,
        phases=spans,
        incarnations=(incarnation,),
        memory=memory,
        processes=tuple(sample for at in range(int(end_s)) for sample in _tree(float(at))),
        channels=seen,
        connections=(ConnectionSeen(0.4, 0, "10.0.0.9:41", 60.0), ConnectionSeen(0.4, 0, "10.0.0.9:42", 0.0)),
        queues=(
            QueueLeft("work", QueueKind.WORK, 0, ()),
            QueueLeft("work.delay", QueueKind.WAITING, 7, (None,) * 7),
            QueueLeft("work.dead", QueueKind.ASIDE, 2, (None, None)),
        ),
    )


def _tree(t_s: float) -> list[ProcessSample]:
    """The first process, its child until that is killed, and one that lives for three seconds."""
    samples = [ProcessSample(t_s, 0, 6101, 5000, "python worker.py --queue work", -1.4, 60 * MIB, 55 * MIB)]
    if t_s < CHILD_KILL_S:
        rss = int(min(2600, 30 * t_s) + 20) * MIB
        samples.append(ProcessSample(t_s, 0, CHILD_PID, 6101, "python", 0.2, rss, rss - 5 * MIB))
    if 40 <= t_s < 43:
        samples.append(ProcessSample(t_s, 0, 6200, 6101, "gzip -9 <bodies>", 39.8, 4 * MIB, None))
    return samples


def forking_run() -> RunRecord:
    """The forking worker beside the one that stays flat."""
    return RunRecord(records.manifest(), (forking_trial(), records.after_trial()))
