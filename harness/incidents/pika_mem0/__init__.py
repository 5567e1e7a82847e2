"""The 11:42 incident of 2026-01-01: a worker whose calls of pika-mem0 hung. What only this incident knows.

``ID_KEY`` names a message, ``WORDS`` are the incident's own words in a scenario file. It starts nothing.
"""

from __future__ import annotations

from types import MappingProxyType

ID_KEY = "conversation_id"  # names a message in its body, in the dependency's calls, in alerts
WORDS = MappingProxyType({"mem0": "dependency", "mem0_misbehaves": "dependency_misbehaves"})
