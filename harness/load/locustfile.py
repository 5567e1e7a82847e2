"""The publishers' process: Locust Users that publish the plan's arrivals at their intended times.

The only file that imports locust. Started by ``driver`` as ``python -m locust -f`` this file, with ``LOAD_PLAN_FILE``
in its environment; nobody imports it, because importing locust monkey-patches the process with gevent. It ends by
itself: when the schedule is exhausted, or at the plan's deadline.

The load is an open loop: all Users take arrivals from one schedule, wait for their intended time and not for one
another, and response times are measured from the intended time. With every User busy the next message is late, and
the journal says by how much.

Exit codes: 0 also when messages failed (the journal has them; the driver passes --exit-code-on-error 0); 2 for a bad
plan; 4 for a broker that can't be reached at the start, and for an error of this file.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent.event  # type: ignore[import-untyped]
from locust import User, constant, events, task
from locust.exception import StopUser

from harness.errors import HarnessError, PartFailedError, UsageError
from harness.incidents import ingress_of, payload_of
from harness.load.payload import build_pool
from harness.load.plan import PLAN_VARIABLE, Plan, read_plan
from harness.load.publisher import RECONNECT_INTERVAL_S, Publisher
from harness.store.publish_journal import JournalWriter, PublishLine

if TYPE_CHECKING:
    from locust.env import Environment

    from harness.load.schedule import Arrival
    from harness.protocols.ingress import Publishing

CLOSE_TIMEOUT_S = 2.0  # a broker that is down or blocked answers no goodbye; nothing depends on it
HALT_INTERVAL_S = RECONNECT_INTERVAL_S  # how often a User that waits looks whether its arrival is still wanted
DEADLINE_MARGIN_S = 2 * HALT_INTERVAL_S  # past the deadline idle Users have stopped; what is left is in flight

log = logging.getLogger("harness.load")


class PublishFailedError(Exception):
    """A message was not confirmed; for Locust's own statistics."""


class Workload:
    """What all Users share: the plan, the bodies, the arrivals nobody has taken yet, the connections and the journal.

    Raises PartFailedError when the broker can't be reached, RunDirectoryError when the journal can't be made.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.payload = payload_of(plan.incident)
        self.pool = build_pool(self.payload, plan.seed, plan.sizes)
        self.over_mono_s = plan.stop_mono_s  # no publish is begun from then on; ``halt`` brings it forward
        self.ended = gevent.event.Event()  # every User has stopped
        self._users_left = plan.publishers
        self._arrivals = iter(plan.arrivals)
        self._publishers = [_publisher(plan, number) for number in range(1, plan.publishers + 1)]
        for publisher in self._publishers:
            problem = publisher.connect()
            if problem is not None:
                target = "broker" if plan.api_url is None else "ingress"
                raise PartFailedError(f"the publishers need the {target} at the start: {problem}")
        self.journal = JournalWriter(plan.journal_path)  # last: that it exists tells the driver that all are connected

    def take_publisher(self) -> Publishing:
        """Return a connection that no other User has."""
        return self._publishers.pop()

    def take_arrival(self) -> Arrival | None:
        """Return the next arrival, which nobody else gets; None when there is none left, or none is wanted any more."""
        return None if self.is_over() else next(self._arrivals, None)

    def body_of(self, arrival: Arrival) -> bytes:
        """Return the body that the plan wants at this arrival."""
        if arrival.poison is not None:
            return self.payload.poison(arrival.poison, arrival.message_id)
        return self.pool[arrival.template].body(arrival.message_id)

    def is_over(self) -> bool:
        """Say whether the deadline has come."""
        return time.monotonic() >= self.over_mono_s

    def halt(self) -> None:
        """Let no further publish begin."""
        self.over_mono_s = min(self.over_mono_s, time.monotonic())

    def leave(self) -> None:
        """Count one User out; the last one ends the workload."""
        self._users_left -= 1
        if self._users_left == 0:
            self.ended.set()


def _publisher(plan: Plan, number: int) -> Publishing:
    """Return one connection by the way that the plan's messages take."""
    if plan.api_url is not None:
        return ingress_of(plan.incident).publisher(plan.api_url, gevent.sleep)
    return Publisher(plan.amqp_url, plan.queue, name=f"harness publisher {number}", sleep=gevent.sleep)


class PublishingUser(User):
    """One connection: takes an arrival, waits for its time, publishes it, writes down what became of it."""

    wait_time = constant(0)  # arrivals set the pace
    workload: Workload
    publisher: Publishing

    def on_start(self) -> None:
        """Take one of the connections."""
        self.publisher = self.workload.take_publisher()

    def on_stop(self) -> None:
        """Close the connection, if the broker is there to answer."""
        with gevent.Timeout(CLOSE_TIMEOUT_S, exception=False):
            self.publisher.close()
        self.workload.leave()

    @task
    def publish_next(self) -> None:
        """Publish the next arrival; stop when there is none, or when the deadline comes first."""
        arrival = self.workload.take_arrival()
        if arrival is None:
            raise StopUser
        body = self.workload.body_of(arrival)
        intended_mono_s = self.workload.plan.start_mono_s + arrival.intended_s
        while (now_mono_s := time.monotonic()) < intended_mono_s and not self.workload.is_over():
            self.publisher.wait_until(min(intended_mono_s, self.workload.over_mono_s, now_mono_s + HALT_INTERVAL_S))
        if self.workload.is_over():
            raise StopUser
        self._publish(arrival, body, intended_mono_s)

    def _publish(self, arrival: Arrival, body: bytes, intended_mono_s: float) -> None:
        attempt = PublishLine(
            message_id=arrival.message_id,
            intended_mono_s=intended_mono_s,
            sent_mono_s=time.monotonic(),
            confirmed_mono_s=None,
            size_bytes=len(body),
            error=None,
        )
        self.workload.journal.write(attempt)
        error = None
        for _ in range(arrival.copies):
            error = self.publisher.publish(arrival.message_id, body) or error
        ended_mono_s = time.monotonic()
        self.workload.journal.write(attempt.ended(confirmed_mono_s=None if error else ended_mono_s, error=error))
        self.environment.events.request.fire(
            request_type="publish",
            name=self.workload.plan.queue,
            response_time=(ended_mono_s - intended_mono_s) * 1000,
            response_length=len(body),
            exception=PublishFailedError(error) if error else None,
            context={},
        )


@events.init.add_listener  # type: ignore[untyped-decorator]
def prepare(environment: Environment, **_: Any) -> None:
    """Read the plan, build the bodies, connect; as many Users as the plan has publishers.

    Exits when one of them fails: an exception in a Locust listener would go by as a line of log.
    """
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # every failure is in the journal, with its message
    try:
        plan_file = os.environ.get(PLAN_VARIABLE)
        if plan_file is None:
            raise UsageError(f"{PLAN_VARIABLE} is not set; it must name a load plan (harness.load.plan)")
        plan = read_plan(Path(plan_file))
        PublishingUser.workload = Workload(plan)
    except HarnessError as error:
        log.error("%s", error)  # noqa: TRY400 - the sentence is the whole story
        sys.exit(error.exit_code)
    environment.events.user_error.add_listener(partial(give_up, environment))  # type: ignore[no-untyped-call]
    options: Any = environment.parsed_options
    options.num_users = plan.publishers
    options.spawn_rate = plan.publishers  # a second: all at once


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def watch(environment: Environment, **_: Any) -> None:
    """Quit when every User has stopped, or at the deadline: --stop-timeout then bounds what is in flight."""

    def quit_at_the_end() -> None:
        workload = PublishingUser.workload
        has_ended = workload.ended.wait(timeout=workload.plan.stop_mono_s + DEADLINE_MARGIN_S - time.monotonic())
        log.info("every publisher has stopped" if has_ended else "the deadline has come with publishes in flight")
        _quit(environment)

    gevent.spawn(quit_at_the_end)


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def halt(**_: Any) -> None:
    """On SIGTERM: Users that wait for an arrival stop waiting."""
    PublishingUser.workload.halt()


def give_up(environment: Environment, exception: Exception, **_: Any) -> None:
    """Quit with exit code 4: a publish that failed is no exception here; this is an error of ours, or a full disk.

    Registered by ``prepare``, because the event names a User or a TaskSet, and only the first has an environment.
    """
    PublishingUser.workload.halt()
    if environment.process_exit_code is None:
        log.error("the publishers break off: %r", exception)
        environment.process_exit_code = HarnessError.exit_code
        gevent.spawn(_quit, environment)


def _quit(environment: Environment) -> None:
    PublishingUser.workload.halt()
    if environment.runner is not None:
        environment.runner.quit()
