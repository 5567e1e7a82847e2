"""The memory limit around the worker.

A cgroup of either version where one can be made, else a watchdog that is labelled as an emulation. ``choose_cages``
looks once what this machine can do, and proves it by OOM-killing a canary; ``CageMaker.open`` then makes one cage for
each life.
"""

from harness.rig.cage.base import Cage, CageReading
from harness.rig.cage.canary import CanaryResult, prove
from harness.rig.cage.chooser import CageMaker, choose_cages

__all__ = ["Cage", "CageMaker", "CageReading", "CanaryResult", "choose_cages", "prove"]
