"""Finds every fault in the modules of its kin, and knows which settings belong to which name.

``harness.scenario.model`` validates a phase's faults by ``AnyFault``, ``harness.timeline`` puts them in force by
``put_in_force``. A class with the field ``fault`` in one of the modules below is a fault; nothing else is to be done
to add one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union, get_args

from pydantic import Discriminator, Tag

from harness.errors import NotEnforceableError
from harness.faults import broker, database, dependency, link, worker
from harness.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from types import ModuleType

    from harness.faults.context import FaultContext, Part

_REMEDIES: Mapping[Part, str] = {
    "link": "remove the fault",
    "broker": "leave --broker-url out, so that the harness starts a broker of its own, or remove the fault",
    "database": "use a worker whose database the harness makes, or remove the fault",
    "worker": "remove the fault",
    "dependency": "remove the fault",
}
_KINS = (link, broker, database, worker, dependency)


def _faults_of(kin: ModuleType) -> dict[str, type[Fault]]:
    """Return the faults that ``kin`` defines, by name, in the order in which it does."""
    return {
        get_args(each.model_fields["fault"].annotation)[0]: each
        for each in vars(kin).values()
        if isinstance(each, type)
        and issubclass(each, Fault)
        and each.__module__ == kin.__name__
        and each.model_fields["fault"].annotation is not str
    }


FAULTS: Mapping[str, type[Fault]] = {name: model for kin in _KINS for name, model in _faults_of(kin).items()}


def _name_of(value: object) -> str:
    return str(value.get("fault") if isinstance(value, dict) else getattr(value, "fault", None))


if TYPE_CHECKING:
    AnyFault = Fault
else:
    # A union of all of them, distinguished by the field ``fault``: pydantic then says what is wrong in the fault's own
    # words.
    AnyFault = Annotated[
        Union[tuple(Annotated[model, Tag(name)] for name, model in FAULTS.items())],  # noqa: UP007
        Discriminator(
            _name_of,
            custom_error_type="unknown_fault",
            custom_error_message="'fault' must name a fault; `harness list --faults` prints them with their settings",
        ),
    ]


def put_in_force(fault: Fault, context: FaultContext) -> AbstractContextManager[str]:
    """Return the context in which ``fault`` is in force. Raises NotEnforceableError where its part can't do it."""
    if (reason := lacking(fault, getattr(context, fault.part))) is not None:
        raise NotEnforceableError(reason)
    return fault.in_force(context)


def lacking(fault: Fault, part: object) -> str | None:
    """Return why ``part``, or a part of that class, can't suffer ``fault``; None where it can."""
    able = issubclass(part, fault.needs) if isinstance(part, type) else isinstance(part, fault.needs)
    if able:
        return None
    needed = " ".join(str(fault.needs.__doc__).split()).rstrip(".")
    return f"{fault.fault} needs {needed[0].lower()}{needed[1:]}; {_REMEDIES[fault.part]}"
