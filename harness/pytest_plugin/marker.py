"""From a marker's arguments to what is to be played and what is expected of it. Starts nothing.

Used by the plugin's hooks. A budget that can't be meant is a UsageError, whose sentence the hook puts after the test's
name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.errors import UsageError
from harness.scenario import Expect, Scenario, find_scenario, load_scenario
from harness.scenario.complaints import complaints
from harness.scenario.overrides import Overrides, overridden

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKER = "memory_budget"
_KEYWORDS = ("scenario", "arm", "rss", "growth", "baseline", "above_baseline", "small")


@dataclass(frozen=True, slots=True)
class MarkedBudget:
    """One marker, understood: the scenario with a single arm, and that arm's expectations those of the marker."""

    scenario: Scenario
    arm: str

    @property
    def play(self) -> str:
        """What has to be played: the same for markers that differ in their expectations only."""
        bare = self.scenario.arms[self.arm].model_copy(update={"expect": Expect()})
        return self.scenario.model_copy(update={"arms": {self.arm: bare}}).model_dump_json(by_alias=True)


def budget_of(arguments: Sequence[Any], keywords: Mapping[str, Any]) -> MarkedBudget:
    """Return what ``@pytest.mark.memory_budget(*arguments, **keywords)`` asks for. Raises UsageError."""
    if len(arguments) != 1:
        raise UsageError(f'give one budget for the peak, as in "375 MiB"; {len(arguments)} were given')
    if unknown := sorted(keywords.keys() - set(_KEYWORDS)):
        raise UsageError(f"there is no argument {unknown[0]!r}; there are {', '.join(_KEYWORDS)}")
    if not isinstance(keywords.get("scenario"), str):
        raise UsageError('name a scenario or its file, as in scenario="incident_1142"')
    whole = load_scenario(find_scenario(keywords["scenario"]))
    arm = _chosen(whole, keywords.get("arm"))
    expected = _expectations(arguments[0], keywords)
    chosen = overridden(whole, Overrides(arms=(arm,)))
    document = chosen.model_dump(mode="json", by_alias=True)
    # Whatever the scenario has the arm for, the marker's worker has to hold: beyond its budget is a failure.
    document["arms"][arm] |= {"role": "after", "expect": expected}
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        raise UsageError("; ".join(complaints(error, Scenario))) from error
    return MarkedBudget(overridden(scenario, Overrides(small=True)) if keywords.get("small") else scenario, arm)


def _expectations(peak: Any, keywords: Mapping[str, Any]) -> dict[str, Any]:
    budget = {"peak_at_most": peak, "rss_at_most": keywords.get("rss")}
    expected: dict[str, Any] = {"never_killed": {}, "memory_budget": budget}
    if (growth := keywords.get("growth")) is not None:
        expected["memory_growth"] = {"per_1000_at_most": growth}
    phase, above = keywords.get("baseline"), keywords.get("above_baseline")
    if (phase is None) != (above is None):
        raise UsageError("baseline (a phase) and above_baseline (a size) belong together; give both or neither")
    if phase is not None:
        expected["returns_to_baseline"] = {"baseline": phase, "above_at_most": above}
    return expected


def _chosen(scenario: Scenario, named: object) -> str:
    """Return the named arm; without a name the one arm of role ``after``: the worker that a budget is for."""
    if isinstance(named, str) and named in scenario.arms:
        return named
    if named is not None:
        raise UsageError(f"arm={named!r}: the scenario {scenario.name} has {', '.join(scenario.arms)}")
    after = [name for name, arm in scenario.arms.items() if arm.role == "after"]
    if len(after) != 1:
        raise UsageError(f"the scenario {scenario.name} has {len(after)} arms of role 'after'; name one with arm=")
    return after[0]
