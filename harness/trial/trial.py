"""One trial, from its parts made to its records kept. Used by the campaign.

``Trial`` owns queue, link, dependency, outcome store, worker and folder, and reads as four verbs: ``prepare``, ``run``,
``drain``, ``collect``. It judges nothing.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from harness.environment.broker.queue_contents import queues_left
from harness.environment.broker.work_queue import work_queue
from harness.environment.database.outage import DatabaseOutage
from harness.environment.dependency import running_dependency
from harness.environment.supervisor import RestartPolicy, Supervisor, WorkerLaunch
from harness.errors import PartFailedError
from harness.faults.context import FaultContext
from harness.incidents import incident, ingress_of, outcomes_of, worker_of
from harness.load.arrivals import arrivals_of, sizes_of
from harness.load.driver import Load
from harness.load.plan import Plan
from harness.probes.broker_queue import watching_queue
from harness.probes.memory import sampling_memory
from harness.probes.outside_flight import recording_from_outside
from harness.protocols.outcome_store import NoOutcomeStore
from harness.protocols.worker import Endpoints
from harness.record import KillScope, Limit
from harness.store.message_files import CALLS, write_outcomes
from harness.store.queue_files import write_queues_left
from harness.timeline.faults_in_force import FaultsInForce
from harness.timeline.phases import NO_LENGTHS_YET, PhaseLengths, Timeline, planned_starts_s
from harness.trial.drain import DrainWatch
from harness.trial.queue_settings import queue_settings
from harness.trial.retry_job import play_retry_job
from harness.trial.worker_program import name_captures, worker_argv, worker_env, worker_folder
from harness.waiting import pause_until, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.environment.broker.broker import Broker
    from harness.environment.broker.work_queue import WorkQueue
    from harness.environment.database.databases import Databases
    from harness.environment.dependency import Dependency
    from harness.environment.memory_limit import MemoryLimits
    from harness.environment.proxy.proxy import Proxy
    from harness.environment.run.run_scope import RunScope
    from harness.narration import Narrator
    from harness.protocols.outcome_store import OutcomeStore
    from harness.scenario import Arm, Scenario
    from harness.store import TrialFolder

_WORKER_READY_S = 60.0
_SETTLE_S = 2.5  # what "memory at the end" is read from, once everything is drained
_LEAD_S = 5.0  # to replay time zero: meanwhile the worker and the publishers start, side by side
_BACKOFF_MAX_S = 300.0  # incident time; the kubelet waits no longer between two starts
_BACKOFF_RESET_S = 600.0  # incident time; after running so long a worker counts as new, for the kubelet too
_WORKER_GRACE_S = 5.0  # after a drain the worker is idle; more than enough to close its connections


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """What is to be tried."""

    arm: str  # the arm of the scenario
    folder_name: str  # the arm's name, or that of its profiled twin
    scenario: Scenario
    profiled: bool = False

    @property
    def spec(self) -> Arm:
        """The arm as the scenario has it."""
        return self.scenario.arms[self.arm]

    @property
    def role(self) -> str:
        """The arm's role, or ``profiled``."""
        return "profiled" if self.profiled else self.spec.role


@dataclass(frozen=True, slots=True)
class Environment:
    """What all trials of a run share."""

    scope: RunScope
    broker: Broker
    proxy: Proxy
    databases: Databases
    memory_limits: MemoryLimits
    root: Path  # the working directory of the parts: the checkout


@dataclass(frozen=True, slots=True)
class Prepared:
    """The parts of one trial: made, and nothing published yet."""

    queue: WorkQueue
    dependency: Dependency
    endpoints: Endpoints
    outcomes: OutcomeStore
    supervisor: Supervisor
    faults: FaultContext


@dataclass(frozen=True, slots=True)
class Running:
    """A worker that consumes, and publishers at work."""

    load: Load
    watch: DrainWatch
    timeline: Timeline


class Trial:
    """One trial. What it left is in ``folder``, whether it ended well or not."""

    def __init__(self, plan: TrialPlan, environment: Environment, folder: TrialFolder, narrator: Narrator) -> None:
        self._plan = plan
        self._scenario = plan.scenario
        self._incident = incident(plan.scenario.incident)
        self._environment = environment
        self._folder = folder
        self._narrator = narrator
        self._arrivals = arrivals_of(plan.scenario, planned_starts_s(plan.scenario))

    def play(self, workload: PhaseLengths = NO_LENGTHS_YET) -> PhaseLengths:
        """Play the trial. ``workload`` and the return value are ``Timeline.play``'s."""
        with self.prepare() as prepared:
            with self.run(prepared) as running:
                lengths_s = running.timeline.play(self._scenario, workload)
                self.drain(running)
            self.collect(prepared)
        return lengths_s

    @contextmanager
    def prepare(self) -> Iterator[Prepared]:
        """Make queue, link, dependency and outcome store, and a supervisor that starts nothing yet."""
        scope, folder, name = self._environment.scope, self._folder, self._plan.folder_name
        broker = self._environment.broker
        with (
            work_queue(
                broker, f"{scope.run_id}-{name}", self._incident.queue, queue_settings(self._scenario, broker)
            ) as queue,
            self._environment.proxy.link(f"amqp-{name}", broker.upstream) as link,
            running_dependency(
                scope,
                folder.logs,
                journal=folder.path / CALLS,
                seed=self._scenario.seed,
                endpoints=self._incident.endpoints,
            ) as dependency,
            self._environment.databases.fresh(name) as database_url,
        ):
            endpoints = Endpoints(
                broker_url=queue.amqp_url(host=link.host, port=link.port),
                queue=queue.name,
                dependency_url=dependency.url,
                database_url=database_url,
                stats_file=folder.path / "worker_stats.jsonl",
                alerts_file=folder.path / "alerts.jsonl",
                flight_folder=folder.path / "flight",
            )
            outcomes = self._outcome_store(database_url)
            supervisor = self._supervisor(endpoints)
            database = None if outcomes.table is None else DatabaseOutage(database_url, outcomes.table)
            faults = FaultContext(link, broker, database, supervisor, dependency, time_scale=self._scenario.time_scale)
            yield Prepared(queue, dependency, endpoints, outcomes, supervisor, faults)

    @contextmanager
    def run(self, prepared: Prepared) -> Iterator[Running]:
        """Start worker, probes and publishers; within the context the worker consumes. Then all of them are ended."""
        folder, queue, supervisor = self._folder, prepared.queue, prepared.supervisor
        with (
            self._way_in(prepared) as api_url,
            supervisor,
            sampling_memory(supervisor, folder),
            watching_queue(queue, supervisor, folder),
            self._outside_recorder(supervisor),
        ):
            folder.start(
                time.monotonic() + _LEAD_S,
                planned_messages=len(self._arrivals),
                limit=self._limit(),
            )
            with self._load(queue, api_url) as load:
                wait_for("the worker to consume", queue.consumers, timeout_s=_WORKER_READY_S, alive=supervisor.death)
                watch = DrainWatch(load, queue, prepared.dependency, supervisor)
                yield Running(load, watch, Timeline(prepared.faults, folder, self._narrator, watch.status, watch.over))

    def drain(self, running: Running) -> None:
        """Wait until everything has settled; one that does not end is recorded, not raised: verdicts become unknown."""
        began_mono_s = time.monotonic()
        self._narrator.milestone("draining: waiting for the queues to empty")
        watch = running.watch
        limit_s = self._scenario.drain_at_most
        try:
            wait_for("the queues to be drained", watch.settled, timeout_s=limit_s, alive=watch.hopeless)
            complete = True
        except PartFailedError:
            complete = False
        waited_s = round(time.monotonic() - began_mono_s, 2)
        self._folder.event("drain_ended", complete=complete, waited_s=waited_s, last_seen=watch.last_seen)
        pause_until(time.monotonic() + _SETTLE_S)
        self._folder.event("load_ended", **asdict(running.load.summary()))

    def collect(self, prepared: Prepared) -> None:
        """Play the retry job where the scenario has one, then record what store and queues hold: the ledger's end."""
        folder = self._folder
        self._retry(prepared)
        if self._plan.profiled:
            name_captures(folder.path / "memray")
        write_outcomes(folder, prepared.outcomes.outcomes() if prepared.outcomes.is_readable else None)
        try:
            left = queues_left(prepared.queue, self._incident.id_key)
        except PartFailedError as error:
            folder.event("queues_not_read", reason=str(error))
        else:
            write_queues_left(folder, left)
        folder.event("trial_ended")

    def _outcome_store(self, url: str) -> OutcomeStore:
        if not self._incident.has_outcomes:
            return NoOutcomeStore()
        return outcomes_of(self._incident.name)(
            url,
            self._plan.spec.worker,
            self._environment.scope.environment(),
            self._folder.logs / "migrate.log",
            cwd=self._environment.root,
        )

    def _supervisor(self, endpoints: Endpoints) -> Supervisor:
        plan, scale = self._plan, self._scenario.time_scale
        env = self._environment.scope.environment(**worker_env(plan.spec, self._incident.name, endpoints, scale))
        captures = self._folder.path / "memray"
        if plan.profiled:
            captures.mkdir(exist_ok=True)

        def argv(incarnation: int) -> tuple[str, ...]:
            capture = captures / f"incarnation-{incarnation}.bin" if plan.profiled else None
            return worker_argv(plan.spec.worker, self._incident.name, capture)

        return Supervisor(
            WorkerLaunch(
                argv=argv,
                env=lambda _incarnation: env,
                cwd=worker_folder(plan.spec.worker, self._environment.root),
                logs=self._folder.logs,
            ),
            self._environment.memory_limits,
            self._scenario.limit_bytes,
            _restart_policy(self._scenario),
            self._folder.event,
            name=plan.folder_name,
            grace_s=_WORKER_GRACE_S,
            kills=self._scenario.memory_limit.kills,
        )

    @contextmanager
    def _way_in(self, prepared: Prepared) -> Iterator[str | None]:
        """Have the messages expected: by the ingress, whose URL is yielded, or all of them ahead of time."""
        if self._scenario.load.via == "amqp":
            prepared.outcomes.expect([arrival.message_id for arrival in self._arrivals])
            yield None
            return
        scope, root, name = self._environment.scope, self._environment.root, self._plan.folder_name
        with ingress_of(self._incident.name).running(
            _past_the_proxy(prepared),
            scope.environment(),
            scope.tmp / f"ingress-{name}.json",
            self._folder.logs / "ingress.log",
            cwd=root,
        ) as url:
            yield url

    def _outside_recorder(self, supervisor: Supervisor) -> AbstractContextManager[None]:
        """Record a command's flight from outside; a preset has its own recorder."""
        if self._plan.spec.worker.command is None:
            return nullcontext()
        return recording_from_outside(supervisor, self._folder, self._environment.scope.environment())

    def _limit(self) -> Limit:
        limits, wanted = self._environment.memory_limits, self._scenario.memory_limit
        scope_emulated = wanted.kills is KillScope.CONTAINER and not limits.kills_containers
        return Limit(limits.kind, limits.emulated, wanted.size, wanted.kills, scope_emulated)

    def _load(self, queue: WorkQueue, api_url: str | None) -> Load:
        """Publish to the broker or the ingress, past the proxy: a fault on the worker's link must not thin the load."""
        folder, scenario, scope = self._folder, self._scenario, self._environment.scope
        last_s = self._arrivals[-1].intended_s if self._arrivals else 0.0
        plan = Plan(
            amqp_url=queue.amqp_url(),
            queue=queue.name,
            journal_path=folder.path / "publishes.jsonl",
            start_mono_s=folder.start_mono_s,
            stop_s=last_s + scenario.drain_at_most,
            seed=scenario.seed,
            sizes=sizes_of(scenario),
            arrivals=self._arrivals,
            publishers=scenario.messages.publishers,
            api_url=api_url,
            incident=self._incident.name,
        )
        plan_path = scope.tmp / f"load-{folder.path.name}.json"
        return Load(plan, plan_path=plan_path, log_file=folder.logs / "locust.log", env=scope.environment())

    def _retry(self, prepared: Prepared) -> None:
        """Play the retry job, with the dependency as the scenario has it then, where the worker has such a job."""
        spec, scenario = self._plan.spec, self._scenario
        if not scenario.drain.retry_job or spec.worker.preset is None:
            return
        variables = worker_env(spec, self._incident.name, prepared.endpoints, scenario.time_scale)
        with FaultsInForce(prepared.faults, self._folder) as faults:
            faults.follow("drain.dependency", scenario.drain.dependency)
            play_retry_job(
                lambda now: worker_of(self._incident.name).retry_argv(spec.worker, now),
                self._environment.scope.environment(**variables),
                prepared.outcomes,
                self._folder,
                root=self._environment.root,
                limit_s=scenario.drain_at_most,
                jobs=scenario.drain.jobs,
            )


def _restart_policy(scenario: Scenario) -> RestartPolicy:
    """Return the kubelet's policy, its times divided by the scenario's scale."""
    restarts, scale = scenario.restarts, scenario.time_scale
    return RestartPolicy(
        backoff_s=restarts.backoff / scale,
        restarts_max=restarts.limit,
        backoff_max_s=max(restarts.backoff, _BACKOFF_MAX_S) / scale,
        reset_after_s=_BACKOFF_RESET_S / scale,
    )


def _past_the_proxy(prepared: Prepared) -> Endpoints:
    """Return the endpoints with the broker's own address, for who is no worker."""
    return replace(prepared.endpoints, broker_url=prepared.queue.amqp_url())
