"""The validated model of a scenario file: what happened, to whom, and what is expected of each.

``load_scenario`` is the one way in; after it everything is frozen and in plain units. It starts nothing and knows no
part of the rig.
"""

from harness.scenario.expectations import Expect
from harness.scenario.fault_schedule import FaultOccurrence, schedule_hash, schedule_of
from harness.scenario.faults import FAULTS, Fault
from harness.scenario.files import find_scenario, list_scenarios, load_scenario
from harness.scenario.model import Arm, Burst, EndsWhen, Mem0Rule, Mem0Rules, Phase, Scenario, WorkerSpec

__all__ = [
    "FAULTS",
    "Arm",
    "Burst",
    "EndsWhen",
    "Expect",
    "Fault",
    "FaultOccurrence",
    "Mem0Rule",
    "Mem0Rules",
    "Phase",
    "Scenario",
    "WorkerSpec",
    "find_scenario",
    "list_scenarios",
    "load_scenario",
    "schedule_hash",
    "schedule_of",
]
