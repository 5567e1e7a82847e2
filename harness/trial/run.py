"""One trial, told from rig up to records kept. Branches live here; the helpers are small and do one thing each."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from harness.environment.broker.queue_contents import queues_left
from harness.environment.broker.work_queue import work_queue
from harness.environment.database.database import Database, migrated_database
from harness.environment.database.outage import DatabaseOutage
from harness.environment.dependency import running_dependency
from harness.environment.ingress import ingress
from harness.environment.supervisor import RestartPolicy, Supervisor, WorkerLaunch
from harness.environment.waiting import pause_until, wait_for
from harness.errors import PartFailedError
from harness.faults.context import FaultContext
from harness.load.arrivals import arrivals_of, sizes_of
from harness.load.driver import Load
from harness.load.plan import Plan
from harness.probes.broker_queue import watching_queue
from harness.probes.memory import sampling_memory
from harness.probes.outside_flight import recording_from_outside
from harness.record import Limit
from harness.store.message_files import CALLS, write_outcomes
from harness.store.queue_files import write_queues_left
from harness.timeline.faults_in_force import FaultsInForce
from harness.timeline.phases import NO_LENGTHS_YET, PhaseLengths, Timeline, planned_starts_s
from harness.trial.drain import DrainWatch
from harness.trial.queue_settings import queue_settings
from harness.trial.retry_job import play_retry_job
from harness.trial.subject import (
    QUEUE,
    Endpoints,
    ingress_argv,
    ingress_env,
    migrate_argv,
    retry_argv,
    worker_argv,
    worker_env,
    worker_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.environment.broker.broker import Broker
    from harness.environment.broker.work_queue import WorkQueue
    from harness.environment.database.databases import Databases
    from harness.environment.memory_limit import MemoryLimits
    from harness.environment.proxy.proxy import Proxy
    from harness.environment.run.run_scope import RunScope
    from harness.load.schedule import Arrival
    from harness.narration import Narrator
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
class Site:
    """What all trials of a run stand on."""

    scope: RunScope
    broker: Broker
    proxy: Proxy
    databases: Databases
    memory_limits: MemoryLimits
    root: Path  # the working directory of the parts: the checkout


def run_trial(
    plan: TrialPlan, site: Site, folder: TrialFolder, narrator: Narrator, workload: PhaseLengths = NO_LENGTHS_YET
) -> PhaseLengths:
    """Play one trial from rig up to records kept. What it left is in ``folder``, whether it ended well or not.

    ``workload`` and the return value are ``Timeline.play``'s.
    """
    scenario, scope, vhost = plan.scenario, site.scope, f"{site.scope.run_id}-{plan.folder_name}"
    arrivals = arrivals_of(scenario, planned_starts_s(scenario))
    with (
        work_queue(site.broker, vhost, QUEUE, queue_settings(scenario, site.broker)) as queue,
        site.proxy.link(f"amqp-{plan.folder_name}", site.broker.upstream) as link,
        running_dependency(scope, folder.logs, journal=folder.path / CALLS, seed=scenario.seed) as fake,
        site.databases.fresh(plan.folder_name) as database_url,
    ):
        rabbitmq_url = queue.amqp_url(host=link.host, port=link.port)
        endpoints = _endpoints(folder, database_url, rabbitmq_url, fake.url)
        database = _database(plan, endpoints, folder, site)
        supervisor = _supervisor(plan, site, folder, endpoints)
        with (
            _front_door(plan, site, folder, queue, database, arrivals) as api_url,
            supervisor,
            sampling_memory(supervisor, folder),
            watching_queue(queue, supervisor, folder),
            _outside_recorder(plan, supervisor, folder, scope),
        ):
            folder.start(time.monotonic() + _LEAD_S, planned_messages=len(arrivals), limit=_limit(plan, site))
            with _load(scenario, queue, folder, scope, arrivals, api_url) as load:
                wait_for("the worker to consume", queue.consumers, timeout_s=_WORKER_READY_S, alive=supervisor.death)
                watch = DrainWatch(load, queue, fake, supervisor)
                outage = DatabaseOutage(endpoints.database_url, "conversation_events")
                context = FaultContext(link, site.broker, outage, supervisor, fake, time_scale=scenario.time_scale)
                lengths_s = Timeline(context, folder, narrator, watch.status, watch.over).play(scenario, workload)
                _drain(watch, scenario.drain_at_most, folder, narrator)
                folder.event("load_ended", **asdict(load.summary()))
        _retried(plan, endpoints, database, context, folder, site)
        _keep_the_end(database, queue, folder)
        folder.event("trial_ended")
    return lengths_s


def _endpoints(folder: TrialFolder, database_url: str, rabbitmq_url: str, memory_api_url: str) -> Endpoints:
    return Endpoints(
        rabbitmq_url=rabbitmq_url,
        memory_api_url=memory_api_url,
        database_url=database_url,
        stats_file=folder.path / "worker_stats.jsonl",
        alerts_file=folder.path / "alerts.jsonl",
        flight_folder=folder.path / "flight",
    )


def _database(plan: TrialPlan, endpoints: Endpoints, folder: TrialFolder, site: Site) -> Database:
    log_file = folder.logs / "migrate.log"
    return migrated_database(
        endpoints.database_url, migrate_argv(plan.spec.worker), site.scope.environment(), log_file, site.root
    )


@contextmanager
def _front_door(
    plan: TrialPlan,
    site: Site,
    folder: TrialFolder,
    queue: WorkQueue,
    database: Database,
    arrivals: tuple[Arrival, ...],
) -> Iterator[str | None]:
    """Have the events stored: by the ingress, whose URL is yielded, or all of them ahead of time."""
    if plan.scenario.load.via == "amqp":
        database.seed_pending([arrival.message_id for arrival in arrivals])
        yield None
        return
    ready_file = site.scope.tmp / f"ingress-{plan.folder_name}.json"
    env = site.scope.environment(**ingress_env(queue.amqp_url(), database.url))
    with ingress(ingress_argv(ready_file), env, ready_file, folder.logs / "ingress.log", cwd=site.root) as url:
        yield url


def _supervisor(plan: TrialPlan, site: Site, folder: TrialFolder, endpoints: Endpoints) -> Supervisor:
    scale = plan.scenario.time_scale
    env = site.scope.environment(**worker_env(plan.spec, endpoints, scale))
    captures = folder.path / "memray"
    if plan.profiled:
        captures.mkdir(exist_ok=True)
    launch = WorkerLaunch(
        argv=lambda incarnation: worker_argv(
            plan.spec.worker, captures / f"incarnation-{incarnation}.bin" if plan.profiled else None
        ),
        env=lambda _incarnation: env,
        cwd=worker_folder(plan.spec.worker, site.root),
        logs=folder.logs,
    )
    return Supervisor(
        launch,
        site.memory_limits,
        plan.scenario.memory_limit,
        _restart_policy(plan.scenario),
        folder.event,
        name=plan.folder_name,
        grace_s=_WORKER_GRACE_S,
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


def _outside_recorder(
    plan: TrialPlan, supervisor: Supervisor, folder: TrialFolder, scope: RunScope
) -> AbstractContextManager[None]:
    """Record a command's flight from outside; a preset has its own recorder."""
    if plan.spec.worker.command is None:
        return nullcontext()
    return recording_from_outside(supervisor, folder, scope.environment())


def _limit(plan: TrialPlan, site: Site) -> Limit:
    return Limit(
        kind=site.memory_limits.kind, emulated=site.memory_limits.emulated, limit_bytes=plan.scenario.memory_limit
    )


def _load(
    scenario: Scenario,
    queue: WorkQueue,
    folder: TrialFolder,
    scope: RunScope,
    arrivals: tuple[Arrival, ...],
    api_url: str | None,
) -> Load:
    """Publish to the broker or the ingress, past the proxy: a fault on the worker's link must not thin the workload."""
    last_s = arrivals[-1].intended_s if arrivals else 0.0
    plan = Plan(
        amqp_url=queue.amqp_url(),
        queue=queue.name,
        journal_path=folder.path / "publishes.jsonl",
        start_mono_s=folder.start_mono_s,
        stop_s=last_s + scenario.drain_at_most,
        seed=scenario.seed,
        sizes=sizes_of(scenario),
        arrivals=arrivals,
        publishers=scenario.messages.publishers,
        api_url=api_url,
    )
    plan_path = scope.tmp / f"load-{folder.path.name}.json"
    return Load(plan, plan_path=plan_path, log_file=folder.logs / "locust.log", env=scope.environment())


def _retried(
    plan: TrialPlan, endpoints: Endpoints, database: Database, context: FaultContext, folder: TrialFolder, site: Site
) -> None:
    """Play the retry job, with the dependency as the scenario has it then, where the worker has such a job."""
    spec, scenario = plan.spec, plan.scenario
    if not scenario.drain.retry_job or spec.worker.preset is None:
        return
    with FaultsInForce(context, folder) as faults:
        faults.follow("drain.dependency", scenario.drain.dependency)
        play_retry_job(
            lambda now: retry_argv(spec.worker, now),
            site.scope.environment(**worker_env(spec, endpoints, scenario.time_scale)),
            database,
            folder,
            root=site.root,
            limit_s=scenario.drain_at_most,
            jobs=scenario.drain.jobs,
        )


def _keep_the_end(database: Database, queue: WorkQueue, folder: TrialFolder) -> None:
    """Record what the table and the queues hold when no worker is left: the ledger is closed by these two."""
    write_outcomes(folder, database.rows())
    try:
        left = queues_left(queue)
    except PartFailedError as error:
        folder.event("queues_not_read", reason=str(error))
    else:
        write_queues_left(folder, left)


def _drain(watch: DrainWatch, limit_s: float, folder: TrialFolder, narrator: Narrator) -> None:
    """Wait until everything has settled; one that does not end is recorded, not raised: verdicts become unknown."""
    began_mono_s = time.monotonic()
    narrator.milestone("draining: waiting for the queues to empty")
    try:
        wait_for("the queues to be drained", watch.settled, timeout_s=limit_s, interval_s=0.25, alive=watch.hopeless)
        complete = True
    except PartFailedError:
        complete = False
    waited_s = round(time.monotonic() - began_mono_s, 2)
    folder.event("drain_ended", complete=complete, waited_s=waited_s, last_seen=watch.last_seen)
    pause_until(time.monotonic() + _SETTLE_S)
