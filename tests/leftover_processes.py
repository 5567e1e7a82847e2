"""Processes that a test session started and did not end: what the guard in ``tests/conftest.py`` looks for.

A process of the harness carries ``HARNESS_RUN_ID`` in its environment. Which session a process belongs to is told by
``HARNESS_TEST_SESSION``, which its children inherit from pytest; a process whose starter passed on no environment is
taken for this session's when it is a child of it or an orphan. It only looks: ending them is the harness's own sweep.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import psutil

RUN_ID = "HARNESS_RUN_ID"
SESSION_ID = "HARNESS_TEST_SESSION"

# A process that was told to end may need a moment to be gone.
_GRACE_S = 2.0


@dataclass(frozen=True)
class Carrier:
    """One live process that carries ``HARNESS_RUN_ID``."""

    pid: int
    started_s: float  # as psutil tells it; with the pid it says which process this is, on no clock of ours
    run_id: str
    session_id: str | None
    is_kin: bool  # a descendant of the process that looks, or an orphan
    command: str


def leftovers(carriers: Iterable[Carrier], session_id: str, before: Collection[tuple[int, float]]) -> list[Carrier]:
    """Return the carriers that this session started: not an earlier one's, and not those of a run beside it.

    ``before`` holds (pid, started_s) of the carriers that were there when the session began.
    """
    return [
        carrier
        for carrier in carriers
        if (carrier.pid, carrier.started_s) not in before
        and (carrier.session_id == session_id or (carrier.session_id is None and carrier.is_kin))
    ]


def account_of(left: Iterable[Carrier]) -> str:
    """Name the processes that were left, one a line."""
    lines = [f"  pid {carrier.pid}, run {carrier.run_id}: {carrier.command}" for carrier in left]
    remedy = "the fixture or the context manager that started each must end it, on failure too"
    return "\n".join([f"{len(lines)} processes of the harness outlived the test session; {remedy}:", *lines])


def live_carriers() -> list[Carrier]:
    """Return the live processes that carry ``HARNESS_RUN_ID`` and that this user may look at."""
    return list(_carriers())


def wait_for_leftovers(session_id: str, before: Collection[tuple[int, float]]) -> list[Carrier]:
    """Return what is left of this session's processes once they have had a few seconds to go."""
    left = leftovers(_carriers(), session_id, before)
    processes = [process for carrier in left for process in _process(carrier.pid)]
    _, alive = psutil.wait_procs(processes, timeout=_GRACE_S)
    alive_pids = {process.pid for process in alive}
    return [carrier for carrier in left if carrier.pid in alive_pids]


def _carriers() -> Iterator[Carrier]:
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if process.status() == psutil.STATUS_ZOMBIE or RUN_ID not in environment:
                continue
            yield Carrier(
                pid=process.pid,
                started_s=process.create_time(),
                run_id=environment[RUN_ID],
                session_id=environment.get(SESSION_ID),
                is_kin=_is_kin(process),
                command=" ".join(process.cmdline())[:200] or process.name(),
            )
        except psutil.Error:
            continue  # gone meanwhile, or another user's: neither is ours


def _is_kin(process: psutil.Process) -> bool:
    ancestors = [ancestor.pid for ancestor in process.parents()]
    return psutil.Process().pid in ancestors or ancestors in ([], [1])


def _process(pid: int) -> Iterator[psutil.Process]:
    try:
        yield psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
