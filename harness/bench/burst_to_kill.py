"""The time from the burst to the OOM kill, against the time that the wire alone needs for the same bytes.

The arm ``incident`` of the scenario is played for real, up to its first kill. The first floor is a bare consumer that
drains as many messages of the same sizes from a queue that holds them already, on a node of the same kind; the second
drains them while they are published, at the scenario's own pace, as the incident's worker has to. The second carries
the aim: no worker can hold messages before they are sent. What lies above it is the proxy on the path, the worker's own
work for each message, and the kernel's reclaim.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from harness.bench import raw_pika
from harness.bench.environment import MEGABYTE, REPEATS, SEED
from harness.bench.figure import Aim, Figure, compared
from harness.bench.flow import published_and_drained
from harness.bench.recorder_cost import recorder_figure
from harness.campaign import Order, run_campaign
from harness.environment.broker.broker import broker
from harness.environment.broker.work_queue import work_queue
from harness.errors import ScenarioError
from harness.incidents import incident, payload_of
from harness.judging.metrics import figures
from harness.load.payload import build_pool
from harness.load.schedule import ArrivalPhase, Burst, build_schedule
from harness.options import Options
from harness.protocols.payload import PayloadSizes
from harness.record.flight import Flight
from harness.scenario import Burst as BurstOfPhase
from harness.scenario import Expect, Scenario, find_scenario, load_scenario
from harness.scenario.overrides import Overrides, overridden
from harness.store import read_run
from harness.store.flight_files import read_flight

if TYPE_CHECKING:
    from pathlib import Path

    from harness.bench.environment import BenchEnvironment
    from harness.environment.broker.broker import Broker
    from harness.load.schedule import Arrival
    from harness.protocols.payload import Template
    from harness.record import TrialRecord, WorkerGauge

AIM = Aim("ratio", "<=", 1.5)
SCENARIO, ARM = str(incident().scenario), "incident"
_NAME = "burst to first OOM kill"
_FLOW = "published, drained at once"
_MESSAGES_MAX = 2_000  # the limit of 3000 MiB holds less than a thousand bodies
_KILL_TIMEOUT_S = 60.0  # from the burst's last message; reclaim alone may take half of it
_WARM_UP_MESSAGES = 30


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the broker handed to the worker between the burst's beginning and the kill."""

    messages: int
    body_bytes: float  # on average

    @property
    def size_bytes(self) -> float:
        """All of it."""
        return self.messages * self.body_bytes


def measure(environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Return seconds and MB/s until the kill against the bare drain's. Raises HarnessError when a part broke.

    A worker that was not killed, or that does not say how much it was given, leaves a figure without a value: that is
    no fault of a part.
    """
    scenario = scenario_until_the_kill()
    command = ("harness", "bench", "--only", "burst_to_kill", *(("--quick",) if environment.quick else ()))
    path = run_campaign(Order(scenario, Options(runs_dir=environment.folder), command), environment.narrator)
    run = read_run(path)
    trial = run.trial(ARM)
    kill_s = figures(run, scenario).get(f"{ARM}.burst_to_first_kill_s")
    delivered = delivered_until_kill(trial, kill_s, scenario) if trial is not None and kill_s is not None else None
    if kill_s is None or delivered is None:
        why = "no OOM kill was recorded" if kill_s is None else "the worker did not say how many messages it was given"
        return (Figure(_NAME, "s", None, aim=AIM, note=f"{why}; see {environment.folder.name}"),)
    floor, flow = _floors(environment, delivered, scenario)
    rate = delivered.size_bytes / kill_s / MEGABYTE
    note = f"{delivered.messages} messages, {delivered.size_bytes / MEGABYTE:.0f} MB"
    return (
        compared(_NAME, "s", [kill_s], [each.took_s for each in floor], against="raw pika drain", note=note),
        compared(_NAME, "s", [kill_s], [each.took_s for each in flow], against=_FLOW, aim=AIM, note=note),
        compared(
            "delivered until the kill",
            "MB/s",
            [rate],
            [each.bytes_per_s / MEGABYTE for each in floor],
            against="raw pika drain",
            note=note,
        ),
        recorder_figure(_flight(path, trial)),
    )


def _flight(run: Path, trial: TrialRecord | None) -> Flight:
    if trial is None or not trial.incarnations:
        return Flight()
    return read_flight(run / "trials" / trial.arm / "flight", trial.incarnations[0].pid, trial.start_mono_s)


def scenario_until_the_kill() -> Scenario:
    """Return the incident's one arm with the timeline up to the burst's last message, one kill and no restart.

    What comes later can't change when the first kill falls. Raises ScenarioError for a scenario without a burst.
    """
    scenario = overridden(load_scenario(find_scenario(SCENARIO)), Overrides(arms=(ARM,)))
    arm = scenario.arms[ARM].model_copy(
        update={"expect": Expect.model_validate({"oom_killed": {"kills": 1, "restarts": 0}})}
    )
    for at, phase in enumerate(scenario.timeline):
        if isinstance(phase.arrivals, BurstOfPhase):
            last = phase.model_copy(update={"to": phase.from_ + phase.arrivals.over, "ends_when": None})
            return scenario.model_copy(
                update={
                    "timeline": (*scenario.timeline[:at], last),
                    "restarts": scenario.restarts.model_copy(update={"limit": 0}),
                    "drain_at_most": _KILL_TIMEOUT_S,
                    "arms": {ARM: arm},
                }
            )
    raise ScenarioError(f"the scenario {SCENARIO} has no burst, and burst_to_kill measures the time from one")


def delivered_until_kill(trial: TrialRecord, burst_to_kill_s: float, scenario: Scenario) -> Delivered | None:
    """Return what the worker was given from the burst to the kill, by its own gauges; None where it wrote none.

    The worker writes ten gauges a second, so the last tenth before the kill may be missing from the count.
    """
    bursts = {phase.phase for phase in scenario.timeline if isinstance(phase.arrivals, BurstOfPhase)}
    began_s = next(span.start_s for span in trial.phases if span.name in bursts)
    killed_s = began_s + burst_to_kill_s
    born_s = max(
        (incarnation.started_s for incarnation in trial.incarnations if incarnation.started_s < killed_s), default=0.0
    )
    alive = [gauge for gauge in trial.gauges if born_s <= gauge.t_s <= killed_s]
    if not alive or not trial.publishes:
        return None
    before = [gauge for gauge in alive if gauge.t_s <= began_s]
    messages = _taken(alive[-1]) - (_taken(before[-1]) if before else 0)
    body_bytes = fmean(publish.size_bytes for publish in trial.publishes)
    return Delivered(messages, body_bytes) if messages > 0 else None


def _taken(gauge: WorkerGauge) -> int:
    """Return how many deliveries the worker has had: those it still holds, and those it has given back or finished."""
    finished = gauge.acked + gauge.nacked_requeue + gauge.nacked_dropped
    return gauge.executor_queue + gauge.in_flight + finished


def _floors(
    environment: BenchEnvironment, delivered: Delivered, scenario: Scenario
) -> tuple[list[raw_pika.Transfer], list[raw_pika.Transfer]]:
    """Return the repeats of the two floors, interleaved."""
    sizes = PayloadSizes(scenario.messages.size_min, scenario.messages.size_max)
    count = min(delivered.messages, _MESSAGES_MAX)
    prefix = incident(scenario.incident).id_prefix
    arrivals = build_schedule(
        [ArrivalPhase("floor", 0.0, 1.0, Burst(count, 0.0))], seed=SEED, sizes=sizes, id_prefix=prefix
    )
    pool = build_pool(payload_of(scenario.incident), SEED, sizes)
    repeats = environment.amount(full=REPEATS, quick=1)
    publishers, over_s = scenario.messages.publishers, burst_length_s(scenario)
    paced = build_schedule(
        [ArrivalPhase("flow", 0.0, over_s, Burst(count, over_s))], seed=SEED, sizes=sizes, id_prefix=prefix
    )
    drained, flowing = [], []
    with broker(environment.scope, environment.logs) as node:
        _drained(environment, node, arrivals[:_WARM_UP_MESSAGES], pool, "warm-up")
        for repeat in range(repeats):
            environment.tell(f"burst_to_kill: floor, repeat {repeat + 1} of {repeats}, {count} messages")
            drained.append(_drained(environment, node, arrivals, pool, f"floor-{repeat}"))
            flowing.append(published_and_drained(environment, node, paced, sizes, publishers, f"flow-{repeat}"))
    return drained, flowing


def burst_length_s(scenario: Scenario) -> float:
    """Return how long the scenario's burst is offered, in real seconds."""
    return next(
        phase.arrivals.over / scenario.scale_of(phase)
        for phase in scenario.timeline
        if isinstance(phase.arrivals, BurstOfPhase)
    )


def _drained(
    environment: BenchEnvironment, node: Broker, arrivals: tuple[Arrival, ...], pool: tuple[Template, ...], name: str
) -> raw_pika.Transfer:
    """Fill a queue, wait until all is in it, and return what draining it took."""
    with work_queue(node, f"{environment.scope.run_id}-{name}", "bench") as queue:
        raw_pika.publish(queue.amqp_url(), queue.name, arrivals, pool, confirms=False)
        raw_pika.wait_until_filled(queue, len(arrivals))
        return raw_pika.drain(queue.amqp_url(), queue.name, len(arrivals))
