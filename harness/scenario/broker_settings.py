"""What a scenario says of the broker: the kind of the work queue, and the timers and limits that it keeps.

Used by ``harness.scenario.model``; ``harness.trial`` puts it in force. Durations are incident time; the broker gets
real milliseconds.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from harness.fields.strict import DurationS, Strict, Whole

Positive = Annotated[DurationS, Field(gt=0)]


class BrokerSettings(Strict):
    """The field ``broker`` of a scenario. What is left out is the broker's own default, in real time."""

    queue: Literal["classic", "quorum"] = "classic"
    acknowledgement_timeout: Positive | None = None  # RabbitMQ: 30 min, then the channel is closed
    delivery_limit: Annotated[Whole, Field(ge=1)] | None = None  # so often a message is delivered again; then it goes
    message_ttl: Positive | None = None  # of the messages that wait in the work queue

    @model_validator(mode="after")
    def _limit_fits_the_queue(self) -> Self:
        if self.delivery_limit is not None and self.queue != "quorum":
            raise ValueError(
                "delivery_limit: a classic queue delivers again without end; add queue: quorum, or remove the limit"
            )
        return self

    def acknowledgement_timeout_ms(self, time_scale: float) -> int | None:
        """Return the acknowledgement timeout in real milliseconds; None for the broker's default."""
        return _real_ms(self.acknowledgement_timeout, time_scale)

    def policy(self, time_scale: float) -> dict[str, int]:
        """Return the settings of the work queue as a policy of RabbitMQ has them."""
        settings = {"delivery-limit": self.delivery_limit, "message-ttl": _real_ms(self.message_ttl, time_scale)}
        return {name: value for name, value in settings.items() if value is not None}


def _real_ms(incident_s: float | None, time_scale: float) -> int | None:
    return None if incident_s is None else max(1, round(incident_s / time_scale * 1000))
