"""What the command line may change in a scenario, and that the result is a scenario which loads as itself."""

import math
from pathlib import Path

import pytest

from harness.commands.steps.options import _kept, _variable
from harness.errors import UsageError
from harness.incidents import incident
from harness.protocols.payload import BODY_BYTES_MIN
from harness.scenario import Scenario, load_scenario
from harness.scenario.model import INTERPRETER_BYTES
from harness.scenario.overrides import CONNECTED_BYTES, Overrides, overridden
from tests.scenario_documents import document, scenario_of

MIB = 2**20


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """The drill."""
    return scenario_of(tmp_path)


def stored(scenario: Scenario, folder: Path) -> Scenario:
    """Return what a run would read back of ``scenario``."""
    path = folder / "scenario.json"
    path.write_text(scenario.model_dump_json(indent=2, by_alias=True), encoding="utf-8")
    return load_scenario(path)


ALL_OVERRIDES = [
    Overrides(),
    Overrides(arms=("fixed",)),
    Overrides(arms=("incident",)),
    Overrides(arms=("fixed", "incident", "fixed")),
    *(Overrides(mechanism=mechanism) for mechanism in incident().mechanisms),
    Overrides(seed=0),
    Overrides(seed=2**32 - 1),
    Overrides(time_scale=0.1),
    Overrides(time_scale=1 / 3),
    Overrides(env=(("MALLOC_ARENA_MAX", "2"), ("EMPTY", ""))),
    Overrides(small=True),
    Overrides(arms=("incident",), mechanism="M0", seed=99, time_scale=60, small=True),
]


@pytest.mark.parametrize("overrides", ALL_OVERRIDES, ids=str)
def test_what_was_overridden_loads_as_itself(scenario: Scenario, overrides: Overrides, tmp_path: Path) -> None:
    """Guarantees that a stored run is judged by the scenario that was played, not by a near one."""
    changed = overridden(scenario, overrides)

    assert stored(changed, tmp_path) == changed


def test_nothing_asked_for_changes_nothing(scenario: Scenario) -> None:
    """Guarantees the file's own values."""
    assert overridden(scenario, Overrides()) == scenario


def test_seed_and_scale_are_replaced(scenario: Scenario) -> None:
    """Guarantees the two numbers."""
    changed = overridden(scenario, Overrides(seed=99, time_scale=40))

    assert (changed.seed, changed.time_scale) == (99, 40)
    assert changed.timeline == scenario.timeline


def test_an_arm_that_is_left_out_takes_the_comparison_with_it_along(scenario: Scenario) -> None:
    """Guarantees that an arm is not judged against one that was never played; its other expectations stay."""
    changed = overridden(scenario, Overrides(arms=("fixed",)))

    assert list(changed.arms) == ["fixed"]
    assert changed.arms["fixed"].expect.throughput is None
    assert changed.arms["fixed"].expect.memory_budget is not None
    assert scenario.arms["fixed"].expect.throughput is not None


def test_roles_choose_the_arms_where_none_is_named(tmp_path: Path) -> None:
    """Guarantees that a command can leave the report's own fix out, and that naming an arm outweighs its role."""
    data = document()
    data["arms"]["postmortem"] = {"role": "reported", "worker": {"preset": "postmortem"}}
    three = scenario_of(tmp_path, **data)

    assert list(overridden(three, Overrides()).arms) == ["incident", "fixed", "postmortem"]
    assert list(overridden(three, Overrides(roles=("before", "after"))).arms) == ["incident", "fixed"]
    named = Overrides(arms=("postmortem",), roles=("before", "after"))
    assert list(overridden(three, named).arms) == ["postmortem"]


def test_the_mechanism_changes_the_incident_alone(scenario: Scenario) -> None:
    """Guarantees that the fixed worker stays what it is."""
    changed = overridden(scenario, Overrides(mechanism="M0"))

    assert changed.arms["incident"].worker.mechanism == "M0"
    assert changed.arms["fixed"] == scenario.arms["fixed"]
    assert list(changed.arms) == list(scenario.arms)


def test_a_variable_reaches_every_arm_beside_its_own_and_instead_of_its_own(scenario: Scenario) -> None:
    """Guarantees what a question about the allocator needs: the same workload, with another environment."""
    arms = overridden(scenario, Overrides(env=(("A", "1"), ("LLM_ANALYSIS_ENABLED", "false")))).arms
    assert {name: arm.env for name, arm in arms.items()} == {
        name: {**scenario.arms[name].env, "A": "1", "LLM_ANALYSIS_ENABLED": "false"} for name in scenario.arms
    }


def test_a_variable_is_a_name_and_a_value() -> None:
    """Guarantees that a value may hold an equals sign or nothing, and that a lone name is refused with the form."""
    assert _variable("A=b=c") == ("A", "b=c")
    assert _variable("A=") == ("A", "")
    with pytest.raises(UsageError, match="--env FOO: write NAME=VALUE"):
        _variable("FOO")


def test_a_variable_that_is_a_secret_is_not_stored_with_the_command() -> None:
    """Guarantees that the manifest's command line shows names, and no value of a key."""
    assert _kept("GROQ_API_KEY=s3cret") == "GROQ_API_KEY=***"
    assert _kept("--env=GROQ_API_KEY=s3cret") == "--env=GROQ_API_KEY=***"
    assert _kept("MALLOC_ARENA_MAX=2") == "MALLOC_ARENA_MAX=2"
    assert _kept("amqp://me:s3cret@host/v?heartbeat=9") == "amqp://me:***@host/v?heartbeat=9"
    assert _kept("--profile") == "--profile"


def test_small_is_a_tenth_of_the_bytes_above_the_interpreters_own(scenario: Scenario) -> None:
    """Guarantees the arithmetic of --small: messages a tenth, budgets a tenth above 90 MiB, the report left out.

    The limit, which the arm ``incident`` has to die of, is a tenth above what a worker really has.
    """
    changed = overridden(scenario, Overrides(small=True))

    assert (changed.messages.size_min, changed.messages.size_max) == (100_000, 200_000)
    assert changed.limit_bytes == CONNECTED_BYTES + math.ceil((1000 * MIB - CONNECTED_BYTES) / 10)
    budget = changed.arms["fixed"].expect.memory_budget
    assert budget is not None
    assert budget.peak_at_most == INTERPRETER_BYTES + 31 * MIB
    assert changed.arms["incident"].expect.returns_to_healthy is None
    growth, baseline = changed.arms["fixed"].expect.memory_growth, changed.arms["fixed"].expect.returns_to_baseline
    assert growth is not None
    assert growth.per_1000_at_most == 10 * MIB
    assert baseline is not None
    assert baseline.above_at_most == 2 * MIB
    assert changed.reported.points == ()
    assert changed.arms["incident"].expect.fidelity is None
    assert changed.arms["incident"].expect.oom_killed is not None
    survivors = overridden(scenario, Overrides(arms=("fixed",), small=True))
    assert survivors.limit_bytes == INTERPRETER_BYTES + 91 * MIB  # nobody has to die of it


def test_small_messages_keep_a_conversation_and_small_budgets_the_interpreter(tmp_path: Path) -> None:
    """Guarantees that a tenth of something small is still a valid scenario, which a stored run must be."""
    data = document(messages={"size_min": "1 KiB", "size_max": "2 KiB"}, memory_limit="91 MiB")
    data["arms"]["fixed"]["expect"]["memory_budget"] = {"peak_at_most": "40 MiB", "rss_at_most": "91 MiB"}
    data["arms"]["fixed"]["expect"]["hung_calls_budget"] = {"peak_at_most": "91 MiB"}
    data["arms"]["incident"]["expect"]["returns_to_healthy"] = {"at_most": "91 MiB"}
    data["arms"]["fixed"]["expect"]["returns_to_healthy"] = {"at_most": "91 MiB"}
    changed = overridden(scenario_of(tmp_path, **data), Overrides(small=True))

    assert (changed.messages.size_min, changed.messages.size_max) == (BODY_BYTES_MIN, BODY_BYTES_MIN)
    assert changed.limit_bytes > INTERPRETER_BYTES
    budget = changed.arms["fixed"].expect.memory_budget
    assert budget is not None
    assert budget.peak_at_most == 40 * MIB
    healthy = changed.arms["fixed"].expect.returns_to_healthy
    assert healthy is not None
    assert budget.rss_at_most == healthy.at_most == INTERPRETER_BYTES + -(-MIB // 10)
    assert stored(changed, tmp_path) == changed


ERRORS = [
    (Overrides(arms=("broken",)), "--arm broken: the scenario drill has incident, fixed"),
    (Overrides(mechanism="M9"), "--mechanism M9: there are M0, M1, M2, M1\\+M2"),
    (Overrides(arms=("fixed",), mechanism="M0"), "no arm of this scenario runs the preset 'incident'"),
    (Overrides(time_scale=0), "--time-scale 0: use a number above 0, up to 3600"),
    (Overrides(time_scale=-1), "--time-scale -1"),
    (Overrides(time_scale=3601), "--time-scale 3601"),
    (Overrides(time_scale=float("nan")), "--time-scale nan"),
    (Overrides(seed=-1), "--seed -1: use a whole number from 0"),
    (Overrides(seed=2**63), "--seed 9223372036854775808"),
    (Overrides(env=(("DATABASE_URL", "x"),)), "--env: arms.incident: .*DATABASE_URL is set by the harness itself"),
    (Overrides(env=(("2ND", "x"),)), "--env: arms.incident: env.2ND"),
]


@pytest.mark.parametrize(("overrides", "said"), ERRORS, ids=[said[:25] for _, said in ERRORS])
def test_a_change_that_makes_no_sense_is_a_usage_error(scenario: Scenario, overrides: Overrides, said: str) -> None:
    """Guarantees exit 2 with the option, the value and what is possible."""
    with pytest.raises(UsageError, match=said):
        overridden(scenario, overrides)
