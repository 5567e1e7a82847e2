"""What the memory probe takes from the worker's machine: its share of one core at 20 samples a second.

The real probe against a real process in a real cage, started by the real kubelet. The probe measures its own thread;
this benchmark reads what it recorded.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from harness.bench.figure import Aim, Figure, alone
from harness.bench.ground import REPEATS
from harness.errors import PartFailedError
from harness.probes.memory import INTERVAL_S, sampling_memory
from harness.rig.cage import choose_cages
from harness.rig.kubelet import Kubelet, RestartPolicy, WorkerLaunch
from harness.rig.waiting import pause_until, wait_for
from harness.store.writing import TrialFolder

if TYPE_CHECKING:
    from harness.bench.ground import Ground

AIM = Aim("value", "<=", 2.0)
_PROCESS = ("sleep", "300")  # longer than the benchmark; the kubelet ends it
_LIMIT_BYTES = 256 * 2**20
_START_TIMEOUT_S = 10.0
_SAMPLES_SHARE_MIN = (
    0.8  # fewer than this of the samples wanted: the machine was too busy for the figure to mean anything
)


def measure(ground: Ground) -> tuple[Figure, ...]:
    """Return the probe's share of one core in percent. Raises PartFailedError when it did not sample as it should."""
    length_s = ground.amount(full=5, quick=2)
    (ground.folder / "trial" / "logs").mkdir(parents=True)
    folder = TrialFolder(ground.folder / "trial", "sampler", "before")
    cages = choose_cages(ground.scope.run_id)
    env = ground.scope.environment()
    launch = WorkerLaunch(lambda _life: _PROCESS, lambda _life: env, cwd=ground.scope.tmp, logs=folder.logs)
    with Kubelet(
        launch, cages, _LIMIT_BYTES, RestartPolicy(1.0, 0), folder.event, name="sampler", grace_s=1.0
    ) as kubelet:
        wait_for(
            "the sampled process to start", lambda: kubelet.current, timeout_s=_START_TIMEOUT_S, alive=kubelet.death
        )
        for repeat in range(REPEATS):
            ground.tell(f"sampler: repeat {repeat + 1} of {REPEATS}, {length_s} s")
            with sampling_memory(kubelet, folder):
                pause_until(time.monotonic() + length_s)
    shares = core_shares((folder.path / "events.jsonl").read_text(encoding="utf-8"), length_s)
    per_s = round(1 / INTERVAL_S)
    note = f"{per_s} samples/s for {length_s} s, memory limit: {cages.kind}"
    return (alone("memory probe", "% of one core", [share * 100 for share in shares], aim=AIM, note=note),)


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
