"""From a stack to the thing an engineer has a name for: message bodies, parsed logs, requests, buffers of pika.

Used by ``reports.allocation_sites``. A table of rules over file and function, asked in order for each frame from the
innermost on; what no rule meets is the rest. memray knows who *allocated* a block, not who holds it: what an exception
keeps alive is counted as the log, the text or the request that it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.allocation_sites import Frame

REST = "the rest"


@dataclass(frozen=True, slots=True)
class Rule:
    """A frame whose file and function match belongs to ``group``. Both are searched for, not matched whole."""

    group: str
    file: str
    function: str = ""

    def meets(self, frame: Frame) -> bool:
        """Say whether ``frame`` is meant."""
        function, file, _ = frame
        return bool(re.search(self.file, file)) and bool(re.search(self.function, function))


# The first rule that meets any frame of a stack decides, so the narrow ones come first: a body is put together inside
# pika, an answer is read inside httpx, and both inside threading.
RULES = (
    Rule("imported code", r"<frozen importlib"),
    Rule("message bodies", r"pika/channel\.py$", r"^(_finish|_handle_body_frame)$"),
    Rule("parsed logs", r"worker_under_test/conversation_message\.py$", r"^parse_message$"),
    Rule(
        "parsed logs",
        r"worker_under_test/conversation_(message|event_processing_service)\.py$",
        r"^normalise_row$|<listcomp>",
    ),
    Rule("formatted texts", r"worker_under_test/conversation_message\.py$", r"^format_|<genexpr>"),
    Rule("request bodies", r"httpx/_content\.py$|httpx/_models\.py$", r"encode_|__init__|build_request"),
    Rule("request bodies", r"worker_under_test/streamed_conversation\.py$", r"chunk|request"),
    Rule("parsed logs", r"worker_under_test/streamed_conversation\.py$"),
    Rule("pika's buffers", r"/pika/"),
    Rule("exceptions and their log lines", r"structlog/|/traceback\.py$|worker_under_test/outcomes\.py$"),
    Rule("the HTTP client", r"/(httpx|httpcore|h11|anyio)/|/ssl\.py$|/socket\.py$"),
    Rule("the database", r"sqlalchemy/|sqlite3|psycopg"),
    Rule("request bodies", r"worker_under_test/remedies/total_deadline\.py$|json/encoder\.py$"),
    Rule("the worker's own records", r"worker_under_test/(flight_recorder|live_objects|memory_in_use|thread_stacks)"),
    Rule("the worker's own records", r"worker_under_test/worker_stats\.py$"),
    Rule("threads and their queue", r"/threading\.py$|concurrent/futures/"),
)


def group_of(stack: Sequence[Frame]) -> str:
    """Return the group of an allocation with this stack, innermost frame first."""
    return next((rule.group for rule in RULES if any(rule.meets(frame) for frame in stack)), REST)


def group_names() -> tuple[str, ...]:
    """Return the groups in the order of their rules, the rest last."""
    return (*dict.fromkeys(rule.group for rule in RULES), REST)
