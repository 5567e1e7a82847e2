"""The validated model of a scenario file: what happened, to whom, and what is expected of each.

``load_scenario`` is the one way in; after it everything is frozen and in plain units. It starts nothing and knows no
part of a trial.
"""

from harness.faults.dependency import ANSWER, REFUSE, DependencyRule, DependencyRules
from harness.faults.fault import Fault
from harness.faults.registry import FAULTS
from harness.scenario.expectations import Expect
from harness.scenario.fault_schedule import FaultOccurrence, schedule_hash, schedule_of
from harness.scenario.files import find_scenario, list_scenarios, load_scenario
from harness.scenario.model import Arm, Burst, EndsWhen, Phase, Scenario, WorkerSpec

__all__ = [
    "ANSWER",
    "FAULTS",
    "REFUSE",
    "Arm",
    "Burst",
    "DependencyRule",
    "DependencyRules",
    "EndsWhen",
    "Expect",
    "Fault",
    "FaultOccurrence",
    "Phase",
    "Scenario",
    "WorkerSpec",
    "find_scenario",
    "list_scenarios",
    "load_scenario",
    "schedule_hash",
    "schedule_of",
]
