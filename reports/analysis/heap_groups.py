"""Names the group that an allocation belongs to, by the files and functions of its stack.

Used by ``reports.analysis.heap_profile``. The rules here know libraries; those that know the worker's own files come
from the incident, as a value. memray knows who *allocated* a block, not who holds it: what an exception keeps alive is
counted as the message, the text or the request that it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.record.heap import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

Frame = tuple[str, str, int]  # function, file, line
REST = "the rest"

# The first rule that meets any frame of a stack decides, so the narrow ones come first: a body is put together inside
# pika, an answer is read inside httpx, and both inside threading. The incident's own rules stand between the two lists.
NARROW_RULES = (
    Rule("imported code", r"<frozen importlib"),
    Rule("message bodies", r"pika/channel\.py$", r"^(_finish|_handle_body_frame)$"),
)
LIBRARY_RULES = (
    Rule("request bodies", r"httpx/_content\.py$|httpx/_models\.py$", r"encode_|__init__|build_request"),
    Rule("pika's buffers", r"/pika/"),
    Rule("exceptions and their log lines", r"structlog/|/traceback\.py$"),
    Rule("the HTTP client", r"/(httpx|httpcore|h11|anyio)/|/ssl\.py$|/socket\.py$"),
    Rule("the database", r"sqlalchemy/|sqlite3|psycopg"),
    Rule("request bodies", r"json/encoder\.py$"),
    Rule("threads and their queue", r"/threading\.py$|concurrent/futures/"),
)


def in_order(of_incident: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return all rules in the order in which they are tried; ``threading`` meets every stack of a pool, so it is last.

    A rule of the incident that is marked ``after_libraries`` is tried after those of the libraries but for that one.
    """
    before = [rule for rule in of_incident if not rule.after_libraries]
    after = [rule for rule in of_incident if rule.after_libraries]
    return (*NARROW_RULES, *before, *LIBRARY_RULES[:-1], *after, LIBRARY_RULES[-1])


def group_of(stack: Sequence[Frame], rules: Sequence[Rule]) -> str:
    """Return the group of an allocation with this stack, innermost frame first; ``REST`` where no rule meets it."""
    return next((rule.group for rule in rules if any(_meets(rule, frame) for frame in stack)), REST)


def group_names(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return the groups in the order of their rules, the rest last."""
    return (*dict.fromkeys(rule.group for rule in rules), REST)


def _meets(rule: Rule, frame: Frame) -> bool:
    function, file, _ = frame
    return bool(re.search(rule.file, file)) and bool(re.search(rule.function, function))
