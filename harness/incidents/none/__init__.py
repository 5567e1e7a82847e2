"""No incident at all: a worker that is a command, a generic message, a dependency that takes any path.

What a scenario with ``incident: none`` stands on. The worker finds ``AMQP_URL``, ``AMQP_QUEUE`` and ``DEPENDENCY_URL``
in its environment; a message is ``{"id": …, "filler": …}``; what became of one is judged from outside, by
acknowledgements and by the dependency's answers.
"""

from __future__ import annotations

from harness.incidents.none.payload import POISONS
from harness.protocols.incident import Incident

INCIDENT = Incident(
    name="none",
    queue="work",
    variables=frozenset(
        {
            "AMQP_QUEUE",
            "AMQP_URL",
            "DEPENDENCY_URL",
            "HARNESS_ALERTS_FILE",
            "HARNESS_FLIGHT_DIR",
            "HARNESS_RUN_ID",
            "HARNESS_STATS_FILE",
        }
    ),
    endpoints=({"path": "*", "message_id": {"json": "id"}, "answer": {"id": "{message_id}"}},),
    poisons=tuple(POISONS),
)
