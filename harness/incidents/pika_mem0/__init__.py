"""The 11:42 incident of 2026-01-01: a worker whose calls of pika-mem0 hung. What only this incident knows.

``WORDS`` are the incident's own words in a scenario file. It starts nothing.
"""

from __future__ import annotations

from types import MappingProxyType

WORDS = MappingProxyType({"mem0": "dependency", "mem0_misbehaves": "dependency_misbehaves"})
