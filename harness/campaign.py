"""A run: the shared parts are started once, then each arm goes through its trial, in order.

Used by the commands; prints nothing itself. Before anything is started, what dead runs left behind is swept; afterwards
a census proves that nothing of this one remains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.environment.broker.broker import Broker, OwnBroker, broker, external_broker
from harness.environment.database.databases import databases
from harness.environment.memory_limit import choose_memory_limits
from harness.environment.proxy.proxy import proxy
from harness.environment.run.census import census
from harness.environment.run.run_scope import RunScope
from harness.environment.run.sweep import sweep_dead_runs
from harness.errors import HarnessError
from harness.incidents import incident
from harness.machine import checkout, machine_facts, package_versions
from harness.record import Manifest, ReportedMetric, ReportedPoint, profiled
from harness.scenario import schedule_hash, schedule_of
from harness.scenario.redacted import without_secrets
from harness.store import create_run
from harness.timeline.faults_in_force import check_abilities
from harness.timeline.phases import NO_LENGTHS_YET
from harness.trial import Environment, Trial, TrialPlan

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from harness.environment.proxy.proxy import Proxy
    from harness.narration import Narrator
    from harness.options import Options
    from harness.scenario import Scenario
    from harness.store import RunFolder


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be played: a scenario with all that the options change in it, and the options themselves."""

    scenario: Scenario
    options: Options
    command: tuple[str, ...]  # how to get the same again

    def plans(self) -> tuple[TrialPlan, ...]:
        """Return the trials in order: each arm once, then each arm's profiled twin."""
        arms = tuple(self.scenario.arms)
        plain = tuple(TrialPlan(arm, arm, self.scenario) for arm in arms)
        twins = tuple(TrialPlan(arm, profiled(arm), self.scenario, profiled=True) for arm in arms)
        return plain + (twins if self.options.profile else ())


# Which trials come next, one after another: given the run directory, in which those before it are on record.
Schedule = Callable[[Path], Iterable[TrialPlan]]


def run_campaign(order: Order, narrator: Narrator, schedule: Schedule | None = None) -> Path:
    """Play all trials of ``order``, or those of ``schedule`` in their place, and return the run directory.

    Raises HarnessError; what was recorded until then is kept.
    """
    check_abilities(order.scenario, {"broker": OwnBroker if order.options.broker_url is None else Broker})
    swept = sweep_dead_runs()
    if swept.runs:
        narrator.milestone(swept.text)
    folder = create_run(order.options.runs_dir.absolute(), order.scenario.name)
    narrator.milestone(f"run {folder.run_id}")
    with RunScope(folder.run_id) as scope:
        memory_limits = choose_memory_limits(scope.run_id, order.options.limit)
        narrator.milestone(
            f"memory limit: {memory_limits.kind}"
            + (" (emulated)" if memory_limits.emulated else ", a canary was OOM-killed")
        )
        manifest = _manifest(order, folder)
        recorded = without_secrets(order.scenario).model_dump_json(indent=2, by_alias=True)
        folder.write_manifest(manifest, recorded)
        logs = folder.path / "logs"
        with (
            _the_broker(order, scope, logs) as the_broker,
            _the_proxy(order.options, scope, logs) as the_proxy,
            databases(order.options.database, scope, logs, allow_target=order.options.allow_target) as the_databases,
        ):
            parts = {
                "RabbitMQ": the_broker.versions.rabbitmq,
                "Erlang": the_broker.versions.erlang,
                "proxy": f"{the_proxy.kind} {the_proxy.version}".strip(),
                "database": the_databases.version,
            }
            manifest = replace(manifest, versions={**manifest.versions, **parts})
            folder.write_manifest(manifest, recorded)
            environment = Environment(scope, the_broker, the_proxy, the_databases, memory_limits, checkout())
            workload = NO_LENGTHS_YET
            for plan in order.plans() if schedule is None else schedule(folder.path):
                narrator.milestone(f"arm {plan.folder_name}")
                makes_the_workload = plan.spec.role == "before"
                trial_folder = folder.trial(plan.folder_name, plan.role)
                trial = Trial(plan, environment, trial_folder, narrator)
                lengths_s = trial.play(NO_LENGTHS_YET if makes_the_workload else workload)
                workload = lengths_s if makes_the_workload else workload
    _prove_clean(folder)
    return folder.path


def _the_broker(order: Order, scope: RunScope, logs: Path) -> AbstractContextManager[Broker]:
    options, settings = order.options, order.scenario.broker
    if options.broker_url is not None:
        port = options.management_port
        return external_broker(options.broker_url, allow_target=options.allow_target, management_port=port)
    timeout_ms = settings.acknowledgement_timeout_ms(order.scenario.time_scale)
    if options.broker_image is None:
        return broker(scope, logs, options.broker_timeout_s, timeout_ms)
    # Imported where a container is named: Docker's client takes a third of a second, and is not everybody's.
    from harness.environment.container.containers import broker_container  # noqa: PLC0415

    return broker_container(scope, logs, options.broker_image, options.broker_timeout_s, timeout_ms)


def _the_proxy(options: Options, scope: RunScope, logs: Path) -> AbstractContextManager[Proxy]:
    if options.proxy_image is None:
        return proxy(scope, logs)
    from harness.environment.container.containers import proxy_container  # noqa: PLC0415 - as for the broker

    return proxy_container(scope, logs, options.proxy_image)


def _prove_clean(folder: RunFolder) -> None:
    left = census(folder.run_id)
    if not left.clean:
        raise HarnessError(f"the run left something behind: {left}; the next start sweeps it")


def _manifest(order: Order, folder: RunFolder) -> Manifest:
    scenario = order.scenario
    return Manifest(
        run_id=folder.run_id,
        scenario=scenario.name,
        claim=scenario.claim,
        seed=scenario.seed,
        time_scale=scenario.time_scale,
        started_utc=folder.started_utc,
        command=order.command,
        versions=package_versions(),
        machine=machine_facts(),
        limit_bytes=scenario.limit_bytes,
        incident=scenario.incident,
        id_key=incident(scenario.incident).id_key,
        reported_points=tuple(
            ReportedPoint(point.at, point.memory_min, point.memory_max, point.queue, point.exceptions)
            for point in scenario.reported.points
        ),
        reported_metrics=tuple(
            ReportedMetric(metric.metric, metric.before, metric.after) for metric in scenario.reported.metrics
        ),
        fault_schedule=schedule_hash(schedule_of(scenario)),
    )
