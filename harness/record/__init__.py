"""The frozen values that a trial produces, and that checkers and reports read.

Everybody imports this module; it imports nothing of ours. It holds no behaviour beyond small derived figures.

Times. Every ``*_s`` of a trial is *replay time*: seconds of real time since the trial's start, on the machine's
monotonic clock. Incident time (the clock on the wall on 2026-01-01) is ``float`` seconds since midnight, named
``*_tod_s``; ``PhaseSpan`` maps one to the other. Sizes are bytes. MiB in prose is 2**20 bytes, MB is 10**6 bytes.
"""

from harness.record.matrix import Matrix, MatrixCell, MatrixRow
from harness.record.messages import (
    CallOutcome,
    ChannelSeen,
    ConnectionSeen,
    DependencyCall,
    Outcome,
    Publish,
    QueueKind,
    QueueLeft,
    QueueSample,
)
from harness.record.runs import PROFILED_SUFFIX, Manifest, ReportedMetric, ReportedPoint, RunRecord, profiled
from harness.record.trial import Drain, Event, FaultSpan, PhaseSpan, Role, Scalar, TrialRecord
from harness.record.verdicts import CheckResult, Judgement, MetricRow, MinuteRow, Verdict
from harness.record.worker import (
    Alert,
    EndedBy,
    Incarnation,
    KillScope,
    Limit,
    MemorySeries,
    OomKill,
    ProcessSample,
    WorkerGauge,
)

MIB = 2**20

__all__ = [
    "MIB",
    "PROFILED_SUFFIX",
    "Alert",
    "CallOutcome",
    "ChannelSeen",
    "CheckResult",
    "ConnectionSeen",
    "DependencyCall",
    "Drain",
    "EndedBy",
    "Event",
    "FaultSpan",
    "Incarnation",
    "Judgement",
    "KillScope",
    "Limit",
    "Manifest",
    "Matrix",
    "MatrixCell",
    "MatrixRow",
    "MemorySeries",
    "MetricRow",
    "MinuteRow",
    "OomKill",
    "Outcome",
    "PhaseSpan",
    "ProcessSample",
    "Publish",
    "QueueKind",
    "QueueLeft",
    "QueueSample",
    "ReportedMetric",
    "ReportedPoint",
    "Role",
    "RunRecord",
    "Scalar",
    "TrialRecord",
    "Verdict",
    "WorkerGauge",
    "profiled",
]
