"""Which behaviour of each remedy is in force: presets, mechanisms, options, and the table of them all."""

import pytest

from harness.incidents.pika_mem0 import INCIDENT
from harness.record import Role
from worker_under_test.errors import ConfigurationError
from worker_under_test.remedies import chosen
from worker_under_test.remedies.behaviour import PRESETS, Behaviour


def test_each_preset_is_one_behaviour_throughout() -> None:
    """Guarantees that a preset leaves no remedy to chance."""
    for preset in PRESETS:
        remedies = chosen.choose(preset.name, None, [], [])
        assert {getattr(remedies, name) for name in chosen.names()} == {preset.behaviour}


def test_the_three_vocabularies_are_mapped_in_one_table() -> None:
    """Guarantees the names that users know: of each preset, its behaviour and its role in a comparison."""
    assert [(each.name, each.behaviour.value, each.role) for each in PRESETS] == [
        ("incident", "original", "before"),
        ("postmortem", "reported", "reported"),
        ("fixed", "hardened", "after"),
    ]


def test_the_incident_without_a_mechanism_is_both_of_them() -> None:
    """Guarantees that the default replays what fits the incident best: M1 and M2 together."""
    assert chosen.choose("incident", None, [], []) == chosen.choose("incident", "M1+M2", [], [])


def test_the_harness_knows_the_same_presets_mechanisms_and_roles() -> None:
    """Guarantees that the incident's package and the worker can't drift apart: neither imports the other."""
    assert INCIDENT.presets == tuple(preset.name for preset in PRESETS)
    assert set(INCIDENT.mechanisms) == set(chosen.MECHANISMS)
    assert {preset.role for preset in PRESETS} == {Role.BEFORE, Role.REPORTED, Role.AFTER}


@pytest.mark.parametrize(
    ("mechanism", "prefetch", "retention"),
    [
        ("M0", Behaviour.HARDENED, Behaviour.HARDENED),
        ("M1", Behaviour.ORIGINAL, Behaviour.HARDENED),
        ("M2", Behaviour.HARDENED, Behaviour.ORIGINAL),
        ("M1+M2", Behaviour.ORIGINAL, Behaviour.ORIGINAL),
    ],
)
def test_a_mechanism_changes_its_own_two_remedies_and_no_other(
    mechanism: str, prefetch: Behaviour, retention: Behaviour
) -> None:
    """Guarantees that M0 to M2 differ from the report's configuration in nothing but what they name."""
    remedies = chosen.choose("incident", mechanism, [], [])
    assert remedies.prefetch_in_force is prefetch
    assert remedies.exception_retention is retention
    others = set(chosen.names()) - {"prefetch_in_force", "exception_retention"}
    assert {getattr(remedies, name) for name in others} == {Behaviour.ORIGINAL}


def test_one_remedy_is_added_and_another_left_out() -> None:
    """Guarantees that ``--with`` and ``--without`` change the remedy they name; ``=reported`` asks for the report's."""
    remedies = chosen.choose("fixed", None, ["clean_up=reported"], ["bounded_queue"])
    assert remedies.clean_up is Behaviour.REPORTED
    assert remedies.bounded_queue is Behaviour.ORIGINAL
    assert remedies.timeout_outcome is Behaviour.HARDENED
    assert chosen.choose("incident", "M0", ["timeout_outcome"], []).timeout_outcome is Behaviour.HARDENED


@pytest.mark.parametrize(
    ("preset", "mechanism", "with_", "without", "said"),
    [
        ("broken", None, [], [], "'broken'"),
        ("fixed", "M1", [], [], "--preset incident"),
        ("incident", "M3", [], [], "'M3'"),
        ("fixed", None, ["tea"], [], "'tea'"),
        ("fixed", None, ["clean_up=tea"], [], "clean_up=reported"),
        ("fixed", None, ["clean_up"], ["clean_up"], "twice"),
    ],
)
def test_an_option_that_means_nothing_is_refused_by_name(
    preset: str, mechanism: str | None, with_: list[str], without: list[str], said: str
) -> None:
    """Guarantees that a misspelt remedy never runs as if it had not been asked for."""
    with pytest.raises(ConfigurationError, match=said):
        chosen.choose(preset, mechanism, with_, without)


def test_the_table_holds_every_remedy_once_in_the_order_of_the_fields() -> None:
    """Guarantees that ``remedies`` prints all there is, and that every row says what each preset does."""
    assert tuple(remedy.name for remedy in chosen.ALL) == chosen.names()
    assert all(remedy.does(behaviour) and remedy.asked_for for remedy in chosen.ALL for behaviour in Behaviour)
