"""Which remedies there are, and which behaviour of each is in force: the frozen ``Remedies``, and its options.

``command_line`` makes one from the options; everybody else only reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies import (
    bounded_queue,
    clean_up,
    default_settings,
    exception_retention,
    failure_record,
    idempotent_redelivery,
    other_error_outcome,
    prefetch_in_force,
    retry_limit,
    retry_schedule,
    timeout_outcome,
    total_deadline,
)
from worker_under_test.remedies.behaviour import INCIDENT, PRESETS, Behaviour, Remedy

ALL: tuple[Remedy, ...] = (
    default_settings.MEMORY_API_TIMEOUT,
    total_deadline.REMEDY,
    default_settings.LLM_SWITCH,
    timeout_outcome.REMEDY,
    other_error_outcome.REMEDY,
    clean_up.REMEDY,
    retry_schedule.REMEDY,
    retry_limit.REMEDY,
    bounded_queue.REMEDY,
    prefetch_in_force.REMEDY,
    failure_record.REMEDY,
    idempotent_redelivery.REMEDY,
    exception_retention.REMEDY,
)


@dataclass(frozen=True, slots=True)
class Remedies:
    """The behaviour chosen for each remedy. A field's name is the remedy's."""

    memory_api_timeout: Behaviour
    total_deadline: Behaviour
    llm_switch: Behaviour
    timeout_outcome: Behaviour
    other_error_outcome: Behaviour
    clean_up: Behaviour
    retry_schedule: Behaviour
    retry_limit: Behaviour
    bounded_queue: Behaviour
    prefetch_in_force: Behaviour
    failure_record: Behaviour
    idempotent_redelivery: Behaviour
    exception_retention: Behaviour


def names() -> tuple[str, ...]:
    """Return the names of all remedies."""
    return tuple(field.name for field in fields(Remedies))


BY_PRESET = {preset.name: Remedies(**dict.fromkeys(names(), preset.behaviour)) for preset in PRESETS}

# incident.md, section 8: what was wrong with the worker beyond the report's own list.
MECHANISMS = {
    "M0": {"prefetch_in_force": Behaviour.HARDENED, "exception_retention": Behaviour.HARDENED},
    "M1": {"prefetch_in_force": Behaviour.ORIGINAL, "exception_retention": Behaviour.HARDENED},
    "M2": {"prefetch_in_force": Behaviour.HARDENED, "exception_retention": Behaviour.ORIGINAL},
    "M1+M2": {"prefetch_in_force": Behaviour.ORIGINAL, "exception_retention": Behaviour.ORIGINAL},
}


def choose(preset: str, mechanism: str | None, with_: list[str], without: list[str]) -> Remedies:
    """Return the remedies that the options ask for.

    ``with_`` holds names, hardened by default, or ``name=reported``; ``without`` holds names, which get the original's
    behaviour.

    Raises:
        ConfigurationError: an option names something that does not exist, or contradicts another.
    """
    if preset not in BY_PRESET:
        raise ConfigurationError(f"--preset is {preset!r}; give one of {', '.join(BY_PRESET)}")
    chosen = BY_PRESET[preset]
    if mechanism is not None:
        if preset != INCIDENT.name or mechanism not in MECHANISMS:
            raise ConfigurationError(
                f"--mechanism is {mechanism!r} with --preset {preset}; "
                f"give one of {', '.join(MECHANISMS)}, with --preset {INCIDENT.name}"
            )
        chosen = replace(chosen, **MECHANISMS[mechanism])
    changes: dict[str, Behaviour] = {}
    for option in [*with_, *(f"{name}={Behaviour.ORIGINAL.value}" for name in without)]:
        name, _, wanted = option.partition("=")
        if name not in names():
            raise ConfigurationError(f"{name!r} is not a remedy; give one of {', '.join(names())}")
        if name in changes:
            raise ConfigurationError(f"{name} is named twice by --with and --without; name it once")
        try:
            changes[name] = Behaviour(wanted or Behaviour.HARDENED.value)
        except ValueError:
            known = ", ".join(f"{name}={behaviour.value}" for behaviour in Behaviour)
            raise ConfigurationError(f"{option!r} names no behaviour; give one of {known}") from None
    return replace(chosen, **changes)
