"""How pika-mem0 behaves in a phase: rules as a scenario file writes them, and as fake_mem0's admin API takes them.

Used by ``harness.scenario.model``; ``harness.faults`` puts the rules in force. Durations are incident time here and
real time on the wire; bytes are never scaled. The table of modes repeats fake_mem0's, which this module must not
import; a test holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.scenario.quantities import parse_duration_s
from harness.scenario.strict import DurationS, Fraction, SizeBytes, Strict, Whole

PROFILES = ("healthy", "incident")  # the latency profiles that fake_mem0 has
ANSWER, REFUSE = "answer", "refuse"
_SHARE_SLACK = 1e-9  # ten shares of 0.1 add up to a little more or less than 1

# For each mode of fake_mem0 the fields of a rule that belong to it.
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


class Mem0Rule(Strict):
    """What fake_mem0 does to a share of the calls. A setting that is left out is fake_mem0's own default."""

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
            raise ValueError(f"{value!r} is no mode of pika-mem0; there are {', '.join(SETTINGS_OF_MODE)}")
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
        """Return the rule without its rate as fake_mem0's admin API takes it: times already real."""
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


class Mem0Rules(Strict):
    """The rules in force in a phase: the first whose share the call falls in, else the default."""

    default: Mem0Rule = Mem0Rule(mode="answer", latency="healthy")
    rules: tuple[Mem0Rule, ...] = ()

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
        """Return the rules, without the default, as fake_mem0's admin API takes them: times already real."""
        return [{**rule.as_wire(time_scale), "rate": rule.rate} for rule in self.rules]

    @property
    def summary(self) -> str:
        """The rules in a few words: ``hang_then_500 12%; else answer``."""
        return "; ".join([*(f"{rule.mode} {rule.rate * 100:g}%" for rule in self.rules), f"else {self.default.mode}"])

    @property
    def faulty_modes(self) -> frozenset[str]:
        """The modes that these rules apply to some call and that are not plain answers."""
        return self._modes_in_force - {ANSWER}

    @property
    def answers_nobody(self) -> bool:
        """True when no call at all meets a plain answer."""
        return ANSWER not in self._modes_in_force

    @property
    def _modes_in_force(self) -> frozenset[str]:
        named = [rule.mode for rule in self.rules if rule.rate > 0]
        leftover = sum(rule.rate for rule in self.rules) < 1 - _SHARE_SLACK
        return frozenset([*named, self.default.mode] if leftover else named)


def _wire_latency(latency: str, time_scale: float) -> dict[str, Any]:
    if latency in PROFILES:
        return {"profile": latency, "scale": time_scale}
    return {"seconds": parse_duration_s(latency) / time_scale}
