"""How the dependency behaves: the rules of a phase, and the fault that has it misbehave for a while.

Rules are written in a scenario file, put in force through the dependency's admin API, and read back from it. Durations
are incident time in the file and real time on the wire; bytes are never scaled. The table of modes repeats the fake's,
which this module must not import; a test holds the two together.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.errors import NotEnforceableError
from harness.faults.context import CanMisbehave, FaultContext, Part
from harness.faults.fault import LastingFault
from harness.fields.quantities import parse_duration_s
from harness.fields.strict import DurationS, Fraction, SizeBytes, Strict, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROFILES = ("healthy", "incident")  # the latency profiles that the fake has
ANSWER, REFUSE = "answer", "refuse"
_SHARE_SLACK = 1e-9  # ten shares of 0.1 add up to a little more or less than 1

# For each mode of the fake the fields of a rule that belong to it.
SETTINGS_OF_MODE: dict[str, tuple[str, ...]] = {
    ANSWER: ("latency",),
    "status": ("status", "retry_after"),
    "hang_then_500": ("seconds",),
    "hang_forever": (),
    "drip_headers": ("bytes_per_interval", "interval"),
    "drip_body": ("bytes_per_interval", "interval"),
    "reset_before": (),
    "reset_mid_body": ("after_bytes",),
    "truncated_json": ("after_bytes",),
    "invalid_json": (),
    "wrong_type": ("shape",),
    "endless": ("bytes_per_interval", "interval", "cap", "cap_size"),
    "huge": ("size",),
    REFUSE: (),
}
_MODE_AND_SHARE = frozenset({"mode", "rate"})


class DependencyRule(Strict):
    """What is done to a share of the calls. A setting that is left out is the fake's own default."""

    mode: str
    rate: Fraction = 1.0
    seconds: DurationS | None = None
    latency: str | None = None  # a profile's name, or a duration
    status: Annotated[Whole, Field(ge=400, le=599)] | None = None
    retry_after: DurationS | None = None
    interval: DurationS | None = None
    bytes_per_interval: Annotated[Whole, Field(ge=1, le=2**20)] | None = None
    after_bytes: Annotated[Whole, Field(ge=1, le=200)] | None = None
    cap: DurationS | None = None
    cap_size: SizeBytes | None = None
    size: SizeBytes | None = None
    shape: Literal["fields", "list", "null", "string"] | None = None

    @field_validator("mode")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in SETTINGS_OF_MODE:
            raise ValueError(f"{value!r} is no mode of the dependency; there are {', '.join(SETTINGS_OF_MODE)}")
        return value

    @field_validator("latency")
    @classmethod
    def _profile_or_duration(cls, value: str | None) -> str | None:
        if value is not None and value not in PROFILES:
            try:
                parse_duration_s(value)
            except ValueError as error:
                raise ValueError(f"{value!r} is no profile ({', '.join(PROFILES)}) and no duration (2s)") from error
        return value

    @model_validator(mode="after")
    def _settings_belong_to_the_mode(self) -> Self:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None} - _MODE_AND_SHARE
        if foreign := sorted(given - set(SETTINGS_OF_MODE[self.mode])):
            own = ", ".join(SETTINGS_OF_MODE[self.mode]) or "no setting at all"
            raise ValueError(f"{foreign[0]} is no setting of the mode {self.mode!r}, which has {own}")
        return self

    def as_wire(self, time_scale: float) -> dict[str, Any]:
        """Return the rule without its rate as the admin API takes it: times already real."""
        real_s = {
            "seconds": self.seconds,
            "retry_after_s": self.retry_after,
            "interval_s": self.interval,
            "cap_s": self.cap,
        }
        as_given = {
            "status": self.status,
            "bytes_per_interval": self.bytes_per_interval,
            "after_bytes": self.after_bytes,
            "cap_bytes": self.cap_size,
            "size_bytes": self.size,
            "shape": self.shape,
        }
        wire: dict[str, Any] = {"mode": self.mode}
        wire |= {name: duration_s / time_scale for name, duration_s in real_s.items() if duration_s is not None}
        wire |= {name: value for name, value in as_given.items() if value is not None}
        if self.latency is not None:
            wire["latency"] = _wire_latency(self.latency, time_scale)
        return wire


# What becomes of calls that hang when the rules end. A peer that vanished sends nothing: they stay, until the client
# gives up or the trial ends. A service that was restarted resets them; one that was only slow may answer.
OpenCalls = Literal["stay", "reset", "answer"]


class DependencyRules(Strict):
    """The rules in force in a phase: the first whose share the call falls in, else the default."""

    open_calls: OpenCalls = "stay"

    default: DependencyRule = DependencyRule(mode="answer", latency="healthy")
    rules: tuple[DependencyRule, ...] = ()

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        total = sum(rule.rate for rule in self.rules)
        if total > 1 + _SHARE_SLACK:
            raise ValueError(f"the rates of the rules add up to {total:g}; at most 1 (100 %) is possible")
        if partial := [rule.rate for rule in self.rules if rule.mode == REFUSE and rule.rate != 1]:
            raise ValueError(f"refuse has the rate {partial[0]:g}; a shut port is shut for everybody: use 1 (100 %)")
        if self.default.rate != 1:
            raise ValueError("the default takes what the rules leave; its rate is not for you to say: remove it")
        return self

    def rules_on_the_wire(self, time_scale: float) -> list[dict[str, Any]]:
        """Return the rules, without the default, as the admin API takes them: times already real."""
        return [{**rule.as_wire(time_scale), "rate": rule.rate} for rule in self.rules]

    @property
    def summary(self) -> str:
        """The rules in a few words: ``hang_then_500 12%; else answer``."""
        return "; ".join([*(f"{rule.mode} {rule.rate * 100:g}%" for rule in self.rules), f"else {self.default.mode}"])

    @property
    def faulty_modes(self) -> frozenset[str]:
        """The modes that these rules apply to some call and that are not plain answers."""
        return frozenset(self.faulty_shares)

    @property
    def faulty_shares(self) -> Mapping[str, float]:
        """The share of the calls that each faulty mode meets, above 0."""
        return {mode: share for mode, share in self._shares.items() if mode != ANSWER}

    @property
    def answers_nobody(self) -> bool:
        """True when no call at all meets a plain answer."""
        return ANSWER not in self._shares

    @property
    def _shares(self) -> Mapping[str, float]:
        shares: dict[str, float] = {}
        for rule in self.rules:
            shares[rule.mode] = shares.get(rule.mode, 0.0) + rule.rate
        left = 1 - sum(shares.values())
        if left > _SHARE_SLACK:
            shares[self.default.mode] = shares.get(self.default.mode, 0.0) + left
        return {mode: share for mode, share in shares.items() if share > 0}


def _wire_latency(latency: str, time_scale: float) -> dict[str, Any]:
    if latency in PROFILES:
        return {"profile": latency, "scale": time_scale}
    return {"seconds": parse_duration_s(latency) / time_scale}


class DependencyMisbehaves(LastingFault):
    """The dependency follows these rules for a while, then those that were in force before."""

    part: ClassVar[Part] = "dependency"
    needs: ClassVar[type] = CanMisbehave
    fault: Literal["dependency_misbehaves"]
    default: DependencyRule = DependencyRule(mode=ANSWER, latency="healthy")
    rules: tuple[DependencyRule, ...] = ()
    open_calls: OpenCalls = "stay"

    @model_validator(mode="after")
    def _are_rules(self) -> Self:
        self.as_rules()
        return self

    def as_rules(self) -> DependencyRules:
        """Return the same as a phase would have it. Raises ValueError where they are no rules."""
        return DependencyRules(default=self.default, rules=self.rules, open_calls=self.open_calls)

    @property
    def settings(self) -> str:
        """The rules in a few words."""
        return self.as_rules().summary

    @contextmanager
    def in_force(self, context: FaultContext) -> Iterator[str]:
        """Put the rules in force; healed, the former ones are, and calls that hang end as ``open_calls`` says."""
        dependency: CanMisbehave = context.dependency
        before = dependency.rules()
        try:
            yield put_rules(dependency, self.as_rules(), context.time_scale)
        finally:
            _put(dependency, before["rules"], before["default"])
            end_open_calls(dependency, self.open_calls)


def put_rules(dependency: CanMisbehave, rules: DependencyRules, time_scale: float) -> str:
    """Put ``rules`` in force, and return how that was seen.

    Raises NotEnforceableError when the dependency does not report them as they are.
    """
    _put(dependency, rules.rules_on_the_wire(time_scale), rules.default.as_wire(time_scale))
    return f"the dependency reports {rules.summary}"


def end_open_calls(dependency: CanMisbehave, how: OpenCalls) -> None:
    """Have the calls that hang now end as ``how`` says: not at all, with a reset, or with a good answer."""
    if how != "stay":
        dependency.release(how)


def _put(dependency: CanMisbehave, rules: Sequence[Mapping[str, Any]], default: Mapping[str, Any]) -> None:
    dependency.put_rules(rules, default)
    reported = dependency.rules()
    in_force = [*reported["rules"], reported["default"]]
    for wanted, found in zip_longest([*rules, default], in_force):
        if wanted is None or found is None or not _holds(wanted, found):
            raise NotEnforceableError(f"the dependency was to follow {wanted or 'nothing more'} and reports {found}")


def _holds(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Say whether each setting that was wanted is in force; the fake reports its own defaults beside them."""
    return all(name in found and found[name] == value for name, value in wanted.items())
