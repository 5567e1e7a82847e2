"""Rules from outside: every mistake is told with its field, its value and what is accepted; what is right survives."""

import dataclasses
import importlib
import json
import pkgutil

import pytest

from fake_mem0 import modes, rules_document, settings
from fake_mem0.endpoints import parse_all
from fake_mem0.errors import BadSettingError
from fake_mem0.latency import FixedLatency, ProfileLatency
from fake_mem0.modes import MODES, Refuse
from fake_mem0.modes.answering import Answer, Status
from fake_mem0.modes.hanging import HangThen500
from fake_mem0.rules import Rule, RuleSet
from fake_mem0.rules_document import document, parse_short

FACTS, COMPLETIONS = parse_all(())
EXTRACT_FACTS, CHAT_COMPLETIONS = FACTS.path, COMPLETIONS.path


def parse(document: object) -> RuleSet:
    """Return rules for the endpoints that the fake has by itself."""
    return rules_document.parse(document, {each.path: each.default for each in (FACTS, COMPLETIONS)})


every_mode = pytest.mark.parametrize("name", list(MODES))


def test_the_contracts_example_is_understood() -> None:
    """The document of docs/reference/contracts.md means what it says there."""
    rules = parse(
        {
            "rules": [{"mode": "hang_then_500", "rate": 0.3, "seconds": 3.0}],
            "default": {"mode": "answer", "latency": {"profile": "healthy", "scale": 20}},
            "path": "/extract_facts",
        }
    )
    default = Answer(ProfileLatency("healthy", 20.0))
    assert rules == RuleSet(EXTRACT_FACTS, (Rule(HangThen500(3.0), 0.3),), default)


def test_what_is_left_out_is_a_good_day() -> None:
    """No rules, no default, no path: recovery is one empty document."""
    assert parse({}) == RuleSet(EXTRACT_FACTS, (), Answer(ProfileLatency("healthy", 1.0)))
    assert parse({"path": CHAT_COMPLETIONS}).default == Answer(FixedLatency(0.05))


@every_mode
def test_rules_survive_the_way_out_and_in(name: str) -> None:
    """What GET /modes gives can be PUT again and is the same, for every mode, through real JSON."""
    rules = RuleSet(EXTRACT_FACTS, (Rule(MODES[name](), 1.0),), Answer(FixedLatency(0.1)))
    assert parse(json.loads(json.dumps(document(rules)))) == rules


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([], ["the document is []", "an object"]),
        ({"rule": []}, ["rule is no key", "[]", "rules, default, path"]),
        ({"path": "/nowhere"}, ["path is '/nowhere'", "/extract_facts"]),
        ({"path": ["/extract_facts"]}, ["path is ['/extract_facts']", "/extract_facts"]),
        ({"rules": {"mode": "answer"}}, ["rules is {'mode': 'answer'}", "a list"]),
        ({"rules": [{"mode": "status", "rate": 0}] * 33}, ["rules is", "at most 32"]),
        ({"rules": ["status"]}, ["rules[0] is 'status'", "an object"]),
        ({"rules": [{"rate": 1}]}, ["rules[0].mode is None", "hang_then_500"]),
        ({"rules": [{"mode": "hang", "rate": 1}]}, ["rules[0].mode is 'hang'", "hang_forever"]),
        ({"rules": [{"mode": "status"}]}, ["rules[0].rate is None", "a number from 0 to 1"]),
        ({"rules": [{"mode": "status", "rate": 1.5}]}, ["rules[0].rate is 1.5", "a number from 0 to 1"]),
        ({"rules": [{"mode": "status", "rate": -0.1}]}, ["rules[0].rate is -0.1", "a number from 0 to 1"]),
        ({"rules": [{"mode": "status", "rate": float("nan")}]}, ["rules[0].rate is nan", "from 0 to 1"]),
        ({"rules": [{"mode": "status", "rate": 10**400}]}, ["rules[0].rate is 1000", "from 0 to 1"]),
        ({"rules": [{"mode": "status", "rate": True}]}, ["rules[0].rate is True", "a number from 0 to 1"]),
        ({"rules": [{"mode": "status", "rate": "0.3"}]}, ["rules[0].rate is '0.3'", "a number from 0 to 1"]),
        (
            {"rules": [{"mode": "status", "rate": 0.6}, {"mode": "answer", "rate": 0.6}]},
            ["sum to 1.2", "0.6 + 0.6", "at most 1"],
        ),
        ({"rules": [{"mode": "refuse", "rate": 0.3}]}, ["rules[0].rate is 0.3", "refuse", "1"]),
        (
            {"rules": [{"mode": "status", "rate": 1}, {"mode": "hang_then_500", "rate": 0, "second": 3}]},
            ["rules[1].second is no setting of HangThen500", "3", "seconds"],
        ),
        ({"default": {"mode": "hang_forever", "seconds": 3}}, ["default.seconds", "no setting at all"]),
        ({"default": {"mode": "answer", "rate": 1}}, ["default.rate is no setting of Answer", "latency"]),
        ({"default": {"mode": "hang_then_500", "seconds": -1}}, ["default.seconds is -1", "0 to 86400 s"]),
        ({"default": {"mode": "hang_then_500", "seconds": None}}, ["default.seconds is None", "a number"]),
        ({"default": {"mode": "status", "status": 200}}, ["default.status is 200", "from 400 to 599"]),
        ({"default": {"mode": "status", "status": 500.0}}, ["default.status is 500.0", "a whole number"]),
        ({"default": {"mode": "status", "retry_after_s": "1"}}, ["default.retry_after_s is '1'", "or null"]),
        ({"default": {"mode": "drip_body", "bytes_per_interval": 0}}, ["bytes_per_interval is 0", "from 1"]),
        ({"default": {"mode": "wrong_type", "shape": "tuple"}}, ["shape is 'tuple'", "list, null, string"]),
        ({"default": {"mode": "answer", "latency": 3}}, ["default.latency is 3", '"profile"', '"seconds"']),
        ({"default": {"mode": "answer", "latency": {"profile": "bad"}}}, ["latency.profile is 'bad'", "incident"]),
        ({"default": {"mode": "answer", "latency": {"scale": 0}}}, ["latency.scale is 0", "from 0.001"]),
        (
            {"default": {"mode": "answer", "latency": {"profile": "healthy", "seconds": 1}}},
            ["default.latency has both", '"profile"'],
        ),
        ({"default": {"mode": "answer", "latency": {"seconds": 1, "scale": 2}}}, ["latency.scale is no setting"]),
    ],
)
def test_a_mistake_is_told_with_its_field_its_value_and_what_is_accepted(wrong: object, told: list[str]) -> None:
    """Nothing is corrected or ignored in silence; the sentence is enough to mend the document."""
    with pytest.raises(BadSettingError) as caught:
        parse(wrong)
    for part in told:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("refuse", {"mode": "refuse"}),
        ("hang_then_500:rate=1,seconds=3", {"mode": "hang_then_500", "rate": 1, "seconds": 3}),
        (
            "answer:latency.profile=incident,latency.scale=20",
            {"mode": "answer", "latency": {"profile": "incident", "scale": 20}},
        ),
        ("status:retry_after_s=null,status=429", {"mode": "status", "retry_after_s": None, "status": 429}),
        ("wrong_type:shape=list", {"mode": "wrong_type", "shape": "list"}),
    ],
)
def test_the_short_form_says_the_same_as_json(text: str, meant: object) -> None:
    """The command line's form of a rule is the document's."""
    assert parse_short(text) == meant


@pytest.mark.parametrize(
    "text",
    ["status:rate", "status:=3", "answer:latency.=3", "status:rate=1,rate=0", "answer:latency=1,latency.scale=2"],
)
def test_a_short_form_that_is_no_setting_is_told(text: str) -> None:
    """The sentence shows the piece that is wrong and the form that is right."""
    with pytest.raises(BadSettingError, match=r"accepted: (name=value|each setting once)"):
        parse_short(text)


def test_only_refuse_shuts_the_port_as_a_rule_or_as_the_default() -> None:
    """The listening socket is closed for no other mode."""
    assert RuleSet(EXTRACT_FACTS, (), Refuse()).shuts_port
    assert RuleSet(EXTRACT_FACTS, (Rule(Refuse(), 1.0),), Answer()).shuts_port
    assert not RuleSet(EXTRACT_FACTS, (Rule(Status(), 1.0),), Answer()).shuts_port


def test_every_class_of_the_folder_is_a_mode_of_the_table() -> None:
    """A mode that was written and not entered in the table would be unreachable."""
    written = {
        each
        for found in pkgutil.iter_modules(modes.__path__)
        for each in vars(importlib.import_module(f"fake_mem0.modes.{found.name}")).values()
        if hasattr(each, "meet") and dataclasses.is_dataclass(each) and each.__module__.startswith(modes.__name__)
    }
    assert written == set(MODES.values())


@every_mode
def test_every_mode_is_frozen_says_what_it_does_and_states_its_units(name: str) -> None:
    """What ``fake_mem0 modes`` prints is complete: a sentence, and for each setting its meaning, unit and limits."""
    mode = MODES[name]()
    assert (MODES[name].__doc__ or "").splitlines()[0].endswith(".")
    for setting, default, about in settings.described(MODES[name]):
        assert about.meaning
        assert about.accepted
        assert about.unit == "s" if setting.endswith(("_s", "seconds")) else about.unit != "s"
        assert setting == "latency" or about.read(default, setting) == default, "a default is accepted itself"
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(mode, setting, default)
