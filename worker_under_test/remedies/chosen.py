"""Which behaviour of each remedy is in force: the frozen ``Remedies``, and the options that choose one.

``command_line`` makes one from the options; everybody else only reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies.behaviour import Behaviour

ORIGINAL, REPORT, HARDENED = Behaviour.ORIGINAL, Behaviour.REPORT, Behaviour.HARDENED


@dataclass(frozen=True, slots=True)
class Remedies:
    """The behaviour chosen for each remedy. A field's name is its module's."""

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


def _all(behaviour: Behaviour) -> Remedies:
    return Remedies(**dict.fromkeys(names(), behaviour))


PRESETS = {"incident": _all(ORIGINAL), "postmortem": _all(REPORT), "fixed": _all(HARDENED)}

# incident.md, section 8: what was wrong with the worker beyond the report's own list.
MECHANISMS = {
    "M0": {"prefetch_in_force": HARDENED, "exception_retention": HARDENED},
    "M1": {"prefetch_in_force": ORIGINAL, "exception_retention": HARDENED},
    "M2": {"prefetch_in_force": HARDENED, "exception_retention": ORIGINAL},
    "M1+M2": {"prefetch_in_force": ORIGINAL, "exception_retention": ORIGINAL},
}


def choose(preset: str, mechanism: str | None, with_: list[str], without: list[str]) -> Remedies:
    """Return the remedies that the options ask for.

    ``with_`` holds names, hardened by default, or ``name=report``; ``without`` holds names, which get the original's
    behaviour.

    Raises:
        ConfigurationError: an option names something that does not exist, or contradicts another.
    """
    if preset not in PRESETS:
        raise ConfigurationError(f"--preset is {preset!r}; give one of {', '.join(PRESETS)}")
    chosen = PRESETS[preset]
    if mechanism is not None:
        if preset != "incident" or mechanism not in MECHANISMS:
            raise ConfigurationError(
                f"--mechanism is {mechanism!r} with --preset {preset}; "
                f"give one of {', '.join(MECHANISMS)}, with --preset incident"
            )
        chosen = replace(chosen, **MECHANISMS[mechanism])
    changes: dict[str, Behaviour] = {}
    for option in [*with_, *(f"{name}=original" for name in without)]:
        name, _, wanted = option.partition("=")
        if name not in names():
            raise ConfigurationError(f"{name!r} is not a remedy; give one of {', '.join(names())}")
        if name in changes:
            raise ConfigurationError(f"{name} is named twice by --with and --without; name it once")
        try:
            changes[name] = Behaviour(wanted or "hardened")
        except ValueError:
            raise ConfigurationError(f"{option!r}: give {name}=original, {name}=report or {name}=hardened") from None
    return replace(chosen, **changes)
