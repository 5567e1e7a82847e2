"""Toxics are checked before they are sent: Toxiproxy overlooks, guesses, or crashes."""

import pytest

from harness.environment.proxy.toxics import TOXICS, Toxic, check_toxic
from harness.errors import UsageError

GOOD = [
    ("latency", {"latency": 100}),
    ("latency", {"latency": 100, "jitter": 20}),
    ("bandwidth", {"rate": 0}),
    ("timeout", {"timeout": 0}),
    ("reset_peer", {}),
    ("slicer", {"average_size": 100, "size_variation": 99, "delay": 10}),
    ("limit_data", {"bytes": 0}),
    ("slow_close", {"delay": 100}),
]


@pytest.mark.parametrize(("kind", "attributes"), GOOD)
def test_well_formed_toxics_pass(kind: str, attributes: dict[str, int]) -> None:
    """Each type, with what it needs."""
    check_toxic(Toxic("it", kind, "downstream", 1.0, attributes))


def test_every_type_is_tried_above() -> None:
    """A new toxic comes with its test."""
    assert {kind for kind, _ in GOOD} == set(TOXICS)


@pytest.mark.parametrize(
    ("toxic", "said"),
    [
        (Toxic("it", "lightning", "downstream", 1.0), "no type 'lightning'; choose one of latency"),
        (Toxic("it", "latency", "sideways", 1.0, {"latency": 1}), "stream 'sideways'"),
        (Toxic("it", "latency", "upstream", 1.5, {"latency": 1}), "toxicity 1.5"),
        (Toxic("it", "latency", "upstream", 1.0, {"latancy": 1}), "latency has no latancy; it has latency, jitter"),
        (Toxic("it", "latency", "upstream", 1.0, {"jitter": 1}), r"latency needs latency \(in ms\)"),
        (Toxic("it", "bandwidth", "upstream", 1.0), r"bandwidth needs rate \(in kB/s\)"),
        (Toxic("it", "bandwidth", "upstream", 1.0, {"rate": -1}), "rate is -1; it must be a whole number of kB/s"),
        (Toxic("it", "slicer", "upstream", 1.0), "slicer needs average_size"),
        (Toxic("it", "slicer", "upstream", 1.0, {"average_size": 0}), "average_size is 0"),
        (Toxic("it", "slicer", "upstream", 1.0, {"average_size": 5, "size_variation": 5}), "less than average_size"),
        (Toxic("it", "reset_peer", "upstream", 1.0, {"timeout": 60_000}), "0 to 5000"),
        (Toxic("it", "timeout", "upstream", 1.0, {"timeout": True}), "timeout is True"),
    ],
)
def test_a_toxic_that_cannot_mean_what_its_author_thinks_is_refused(toxic: Toxic, said: str) -> None:
    """The message names the value, and what is allowed."""
    with pytest.raises(UsageError, match=said):
        check_toxic(toxic)
