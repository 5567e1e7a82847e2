"""The load plan: all that the publishers' process gets, in one JSON file.

Written by ``driver``, read by ``locustfile``; the two share nothing else but the journal. It is checked when it is
made and again when it is read.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from harness.errors import RunDirectoryError, UsageError
from harness.incidents import DEFAULT, incident, incident_names
from harness.load.schedule import Arrival  # noqa: TC001 - pydantic resolves annotations at run time
from harness.protocols.payload import PayloadSizes  # noqa: TC001 - as Arrival

PLAN_VARIABLE = "LOAD_PLAN_FILE"  # in the environment of the publishers' process
PUBLISHERS_MAX = 64  # one connection and one body in flight each; the scenario file has the same limit
COPIES_MAX = 10  # the scenario file has the same limit
SCHEMES = ("amqp://", "amqps://")
API_SCHEME = "http://"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to publish, where, when, and where to write down what became of it.

    Raises UsageError when it makes no sense.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", allow_inf_nan=False)

    amqp_url: str
    queue: str  # published to by its name through the default exchange; it must exist
    journal_path: (
        Path  # publishes.jsonl; made by the publishers when all of them are connected, so it must not exist before
    )
    start_mono_s: float  # replay time zero on the machine's monotonic clock
    stop_s: float  # replay time: an arrival that was not begun by then never is
    seed: int
    sizes: PayloadSizes
    arrivals: tuple[Arrival, ...]  # sorted by time; see ``schedule.build_schedule``
    publishers: int = 4  # connections, each with one message in flight
    api_url: str | None = None  # of the ingress, where messages go through it; the broker is then its affair
    incident: str = DEFAULT  # whose payload and whose ingress

    def __post_init__(self) -> None:
        if not self.amqp_url.startswith(SCHEMES):
            raise UsageError(f"load plan: amqp_url begins with {self.amqp_url[:8]!r}; use one of {', '.join(SCHEMES)}")
        if self.api_url is not None and not self.api_url.startswith(API_SCHEME):
            raise UsageError(f"load plan: api_url begins with {self.api_url[:8]!r}; use {API_SCHEME}host:port")
        if not self.queue:
            raise UsageError("load plan: queue is empty; name the queue to publish to")
        if not 1 <= self.publishers <= PUBLISHERS_MAX:
            raise UsageError(f"load plan: {self.publishers} publishers; use 1 to {PUBLISHERS_MAX}")
        if self.stop_s <= 0:
            raise UsageError(f"load plan: stop_s is {self.stop_s}; use a replay time after 0")
        if self.incident not in incident_names():
            raise UsageError(f"load plan: no incident {self.incident!r}; there are {', '.join(incident_names())}")
        _check_arrivals(self.arrivals, self.sizes.templates, incident(self.incident).poisons)

    @property
    def stop_mono_s(self) -> float:
        """The deadline on the monotonic clock."""
        return self.start_mono_s + self.stop_s


_PLAN = TypeAdapter(Plan)


def write_plan(path: Path, plan: Plan) -> None:
    """Write ``plan`` whole or not at all, readable by this user alone: it holds the broker's password.

    Raises RunDirectoryError.
    """
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(_PLAN.dump_json(plan, indent=1))
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise RunDirectoryError(f"the load plan {path} can't be written: {error.strerror}") from error


def read_plan(path: Path) -> Plan:
    """Return the plan in ``path``. Raises UsageError (exit 2): which file, which field, what is wrong with it."""
    try:
        return _PLAN.validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"the load plan {path} can't be read: {error.strerror}; {PLAN_VARIABLE} must name one"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]  # the input may hold the password
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise UsageError(f"the load plan {path} is wrong: {field}: {first['msg']}{more}") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _check_arrivals(arrivals: tuple[Arrival, ...], templates: int, poisons: tuple[str, ...]) -> None:
    seen: set[str] = set()
    before_s = 0.0
    for index, arrival in enumerate(arrivals):
        if arrival.intended_s < before_s:
            raise UsageError(
                f"load plan: arrivals[{index}] at {arrival.intended_s} s comes after one at {before_s} s;"
                " sort them by time from 0 on"
            )
        if arrival.message_id in seen:
            raise UsageError(
                f"load plan: arrivals[{index}] repeats the id {arrival.message_id!r}; every message has its own"
            )
        if not 0 <= arrival.template < templates:
            raise UsageError(
                f"load plan: arrivals[{index}] wants template {arrival.template}; the pool has 0 to {templates - 1}"
            )
        if arrival.poison is not None and arrival.poison not in poisons:
            raise UsageError(
                f"load plan: arrivals[{index}] wants the poison {arrival.poison!r};"
                f" there are {', '.join(poisons) or 'none'}"
            )
        if not 1 <= arrival.copies <= COPIES_MAX:
            raise UsageError(f"load plan: arrivals[{index}] wants {arrival.copies} copies; use 1 to {COPIES_MAX}")
        seen.add(arrival.message_id)
        before_s = arrival.intended_s
