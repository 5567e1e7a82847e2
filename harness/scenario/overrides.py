"""What the command line changes in a scenario: arms, mechanism, seed, scale, environment, or a tenth of the bytes.

Used by the commands. Pure; what it returns is a valid scenario again, and loads as itself from the JSON of a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.checkers.check import Shrinks
from harness.errors import UsageError
from harness.incidents import incident
from harness.message_ids import SEED_MAX
from harness.protocols.payload import BODY_BYTES_MIN
from harness.scenario.arms import Arm, check_arm
from harness.scenario.complaints import complaints
from harness.scenario.model import INTERPRETER_BYTES, TIME_SCALE_MAX
from harness.scenario.reported import Reported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.checkers.check import Size
    from harness.protocols.incident import Incident
    from harness.scenario.arms import Role
    from harness.scenario.model import Scenario

SMALL_SHARE = 0.1
# What a worker that has only connected has in use (docs/explanation/memory-attribution.md: 51 MiB of its own pages).
CONNECTED_BYTES = 55 * 2**20


@dataclass(frozen=True, slots=True)
class Overrides:
    """The changes asked for; None and empty leave the scenario as it is. Named arms outweigh roles."""

    arms: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    mechanism: str | None = None
    seed: int | None = None
    time_scale: float | None = None
    env: tuple[tuple[str, str], ...] = ()  # for every arm's worker, beside or instead of the scenario's
    small: bool = False


def overridden(scenario: Scenario, overrides: Overrides) -> Scenario:
    """Return ``scenario`` with the changes. Raises UsageError for a change that makes no sense."""
    changes: dict[str, Any] = {}
    facts = incident(scenario.incident)
    if names := overrides.arms or tuple(name for name, arm in scenario.arms.items() if arm.role in overrides.roles):
        changes["arms"] = _chosen_arms(scenario, names)
    if overrides.mechanism is not None:
        changes["arms"] = _with_mechanism(changes.get("arms", scenario.arms), overrides.mechanism, facts)
    if overrides.env:
        changes["arms"] = _with_env(changes.get("arms", scenario.arms), dict(overrides.env), facts)
    if overrides.seed is not None:
        if not 0 <= overrides.seed <= SEED_MAX:
            raise UsageError(f"--seed {overrides.seed}: use a whole number from 0 to {SEED_MAX}")
        changes["seed"] = overrides.seed
    if overrides.time_scale is not None:
        if not 0 < overrides.time_scale <= TIME_SCALE_MAX:
            raise UsageError(f"--time-scale {overrides.time_scale:g}: use a number above 0, up to {TIME_SCALE_MAX}")
        changes["time_scale"] = overrides.time_scale
    changed = scenario.model_copy(update=changes)
    return small(changed) if overrides.small else changed


def small(scenario: Scenario) -> Scenario:
    """Return the same workload with a tenth of the bytes.

    The interpreter's own bytes stay, so budgets shrink above them only; a message keeps at least a kilobyte. A
    limit that somebody has to die of shrinks above what a worker really has before its first message: a budget may
    grant it more, but then a tenth of the workload would no longer fill it.
    """
    sizes = scenario.messages
    messages = sizes.model_copy(
        update={
            "size_min": max(BODY_BYTES_MIN, int(sizes.size_min * SMALL_SHARE)),
            "size_max": max(BODY_BYTES_MIN, int(sizes.size_max * SMALL_SHARE)),
        }
    )
    arms = {name: _small_arm(arm) for name, arm in scenario.arms.items()}
    return scenario.model_copy(
        update={
            "messages": messages,
            "memory_limit": scenario.memory_limit.model_copy(
                update={"size": _shrunk_limit(scenario.limit_bytes, arms)}
            ),
            "arms": arms,
            "reported": Reported(),  # the report's megabytes are those of whole messages
        }
    )


def _small_arm(arm: Arm) -> Arm:
    """Return the arm with the thresholds of a tenth of the bytes, as each check's traits say."""
    expected = {check.key for check, _ in arm.expect.expected}
    changes: dict[str, Any] = {}
    for check, thresholds in arm.expect.expected:
        if expected & {*check.small_without}:
            changes[check.key] = None
            continue
        sizes = {size: getattr(thresholds, size.field) for size in check.sizes}
        shrunk = {size.field: _shrunk_size(size, found) for size, found in sizes.items() if found is not None}
        changes[check.key] = thresholds.model_copy(update=shrunk)
    return arm.model_copy(update={"expect": arm.expect.changed(**changes)})


def _shrunk_size(size: Size, size_bytes: int) -> int:
    return _shrunk(size_bytes) if size.shrinks is Shrinks.ABOVE_INTERPRETER else math.ceil(size_bytes * SMALL_SHARE)


def _shrunk_limit(limit_bytes: int, arms: Mapping[str, Arm]) -> int:
    """Return the limit of a tenth of the workload; ``arms`` have shrunk already, and no budget may lie above it."""
    if not any(arm.expect.reaches_limit for arm in arms.values()):
        return _shrunk(limit_bytes)
    budgets = [size_bytes for arm in arms.values() for _, size_bytes in arm.expect.sizes_bytes]
    shrunk = CONNECTED_BYTES + math.ceil((limit_bytes - CONNECTED_BYTES) * SMALL_SHARE)
    return max(shrunk, INTERPRETER_BYTES + 1, *budgets)


def _shrunk(size_bytes: int) -> int:
    """Return a limit or a budget for a tenth of the bytes; one that is within the interpreter's own stays."""
    above = size_bytes - INTERPRETER_BYTES
    return INTERPRETER_BYTES + math.ceil(above * SMALL_SHARE) if above > 0 else size_bytes


def _chosen_arms(scenario: Scenario, names: tuple[str, ...]) -> dict[str, Arm]:
    """Return the named arms; a comparison with an arm that is left out is left out too."""
    if unknown := [name for name in names if name not in scenario.arms]:
        raise UsageError(f"--arm {unknown[0]}: the scenario {scenario.name} has {', '.join(scenario.arms)}")
    chosen = {name: arm for name, arm in scenario.arms.items() if name in names}
    for name, arm in chosen.items():
        alone = {check.key: None for check, other in arm.expect.comparisons if other not in chosen}
        chosen[name] = arm.model_copy(update={"expect": arm.expect.changed(**alone)})
    return chosen


def _with_mechanism(arms: dict[str, Arm], mechanism: str, facts: Incident) -> dict[str, Arm]:
    if mechanism not in facts.mechanisms:
        raise UsageError(f"--mechanism {mechanism}: there are {', '.join(facts.mechanisms) or 'none'}")
    changed = {
        name: arm.model_copy(update={"worker": arm.worker.model_copy(update={"mechanism": mechanism})})
        for name, arm in arms.items()
        if arm.worker.preset == facts.mechanism_preset
    }
    if not changed:
        raise UsageError(f"--mechanism {mechanism}: no arm of this scenario runs the preset {facts.mechanism_preset!r}")
    return {**arms, **changed}


def _with_env(arms: dict[str, Arm], env: dict[str, str], facts: Incident) -> dict[str, Arm]:
    changed = {}
    for name, arm in arms.items():
        document = arm.model_dump(mode="json", by_alias=True)
        document["env"] |= env
        try:
            changed[name] = Arm.model_validate(document)
            check_arm(changed[name], facts)
        except ValidationError as error:
            raise UsageError(f"--env: arms.{name}: {'; '.join(complaints(error, Arm))}") from error
        except ValueError as error:
            raise UsageError(f"--env: arms.{name}: {error}") from error
    return changed
