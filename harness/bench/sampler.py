"""What the memory probe takes from the worker's machine: its share of one core at 20 samples a second.

The real probe against a real process in a real memory_limit, started by the real supervisor. The probe measures its
own thread; this benchmark reads what it recorded.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from harness.bench.environment import REPEATS
from harness.bench.figure import Aim, Figure, alone
from harness.environment.memory_limit import choose_memory_limits
from harness.environment.supervisor import RestartPolicy, Supervisor, WorkerLaunch
from harness.errors import PartFailedError
from harness.probes.memory import INTERVAL_S, sampling_memory
from harness.store.writing import TrialFolder
from harness.waiting import pause_until, wait_for

if TYPE_CHECKING:
    from harness.bench.environment import BenchEnvironment

AIM = Aim("value", "<=", 2.0)
_LENGTH = "300"  # seconds, longer than the benchmark; the supervisor ends it
# A worker of one process, and one of twenty, as a prefork pool has them.
_WORKERS = {
    1: ("sleep", _LENGTH),
    20: ("sh", "-c", f"for n in $(seq 19); do sleep {_LENGTH} & done; exec sleep {_LENGTH}"),
}
_LIMIT_BYTES = 256 * 2**20
_START_TIMEOUT_S = 10.0
_SAMPLES_SHARE_MIN = (
    0.8  # fewer than this of the samples wanted: the machine was too busy for the figure to mean anything
)


def measure(environment: BenchEnvironment) -> tuple[Figure, ...]:
    """Return the probe's share of one core in percent, for a worker of one process and for one of twenty.

    Raises PartFailedError when it did not sample as it should.
    """
    return tuple(_measured(environment, processes) for processes in _WORKERS)


def _measured(environment: BenchEnvironment, processes: int) -> Figure:
    length_s = environment.amount(full=5, quick=2)
    path = environment.folder / f"trial-{processes}"
    (path / "logs").mkdir(parents=True)
    folder = TrialFolder(path, "sampler", "before")
    memory_limits = choose_memory_limits(environment.scope.run_id)
    env = environment.scope.environment()
    launch = WorkerLaunch(
        lambda _incarnation: _WORKERS[processes], lambda _incarnation: env, cwd=environment.scope.tmp, logs=folder.logs
    )
    policy = RestartPolicy(1.0, 0)
    with Supervisor(
        launch, memory_limits, _LIMIT_BYTES, policy, folder.event, name=f"sampler-{processes}", grace_s=1.0
    ) as supervisor:
        wait_for(
            "the sampled processes to start",
            lambda: (current := supervisor.current) and len(current.memory_limit.processes()) == processes,
            timeout_s=_START_TIMEOUT_S,
            alive=supervisor.death,
        )
        for repeat in range(REPEATS):
            environment.tell(f"sampler, {processes} processes: repeat {repeat + 1} of {REPEATS}, {length_s} s")
            with sampling_memory(supervisor, folder):
                pause_until(time.monotonic() + length_s)
    shares = core_shares((path / "events.jsonl").read_text(encoding="utf-8"), length_s)
    note = f"{round(1 / INTERVAL_S)} samples/s for {length_s} s, memory limit: {memory_limits.kind}"
    name = f"memory probe, {processes} process{'es' if processes > 1 else ''}"
    return alone(name, "% of one core", [share * 100 for share in shares], aim=AIM, note=note)


def core_shares(events: str, length_s: float) -> list[float]:
    """Return what each sampling recorded of itself, as a share of one core, from a trial's ``events.jsonl``.

    Raises PartFailedError when one took too few samples in ``length_s``.
    """
    ended = [event for event in map(json.loads, events.splitlines()) if event["kind"] == "memory_probe_ended"]
    wanted = length_s / INTERVAL_S
    for event in ended:
        if event["samples"] < _SAMPLES_SHARE_MIN * wanted:
            raise PartFailedError(f"the memory probe took {event['samples']} samples of {wanted:.0f} wanted")
    return [float(event["cpu_share"]) for event in ended]
