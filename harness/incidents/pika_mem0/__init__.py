"""The 11:42 incident of 2026-01-01: a worker whose calls of pika-mem0 hung. What only this incident knows.

``INCIDENT`` is its plain data; the modules beside it keep the engine's protocols. A scenario of this incident may say
``mem0`` for the engine's ``dependency``. The worker is the package ``worker_under_test``; this one starts nothing.
"""

from __future__ import annotations

from types import MappingProxyType

from harness.incidents.pika_mem0.poison import KINDS
from harness.protocols.incident import Incident

INCIDENT = Incident(
    name="pika_mem0",
    queue="conversation_events_processing",
    variables=frozenset(
        {
            "ALERTS_FILE",
            "DATABASE_URL",
            "GROQ_BASE_URL",
            "HARNESS_RUN_ID",
            "MEMORY_API_URL",
            "RABBITMQ_QUEUE",
            "RABBITMQ_URL",
            "WORKER_STATS_FILE",
        }
    ),
    id_key="conversation_id",
    id_prefix="conv",
    words=MappingProxyType({"mem0": "dependency", "mem0_misbehaves": "dependency_misbehaves"}),
    presets=("incident", "postmortem", "fixed"),
    mechanisms=("M0", "M1", "M2", "M1+M2"),
    mechanism_preset="incident",
    package="worker_under_test",
    poisons=tuple(KINDS),
    measures=(
        "memory_api_timeout",
        "llm_calls",
        "blocking_time",
        "retry",
        "memory_cleanup",
        "throughput",
        "spike",
        "retries",
        "executor_queue",
    ),
    benchmarks=("collector_price",),
    has_ingress=True,
    has_outcomes=True,
    scenario="incident_1142",
)
