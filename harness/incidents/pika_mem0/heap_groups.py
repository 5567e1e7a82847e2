"""Whose memory it is: which of the worker's files a heap's allocations are grouped by.

``RULES`` are handed to ``reports.pages.heap_pages``; the rules of libraries are the reports' own. The first rule that
meets a frame of an allocation's stack names its group.
"""

from __future__ import annotations

from harness.record.heap import Rule

_OWN = r"worker_under_test/"
_RECORDS = rf"{_OWN}(flight_recorder|live_objects|memory_in_use|worker_stats)"

RULES = (
    Rule("parsed logs", rf"{_OWN}conversation_message\.py$", r"^parse_message$"),
    Rule(
        "parsed logs",
        rf"{_OWN}conversation_(message|event_processing_service)\.py$",
        r"^normalise_row$|<listcomp>",
    ),
    Rule("formatted texts", rf"{_OWN}conversation_message\.py$", r"^format_|<genexpr>"),
    # httpx's before those of the streamed body: its client holds what the worker hands over.
    Rule("request bodies", r"httpx/_content\.py$|httpx/_models\.py$", r"encode_|__init__|build_request"),
    Rule("request bodies", rf"{_OWN}streamed_conversation\.py$", r"chunk|request"),
    Rule("parsed logs", rf"{_OWN}streamed_conversation\.py$"),
    Rule("exceptions and their log lines", rf"{_OWN}outcomes\.py$", after_libraries=True),
    Rule("request bodies", rf"{_OWN}remedies/total_deadline\.py$", after_libraries=True),
    Rule("the worker's own records", _RECORDS, after_libraries=True),
)
