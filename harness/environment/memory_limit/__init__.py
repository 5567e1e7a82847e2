"""The memory limit around the worker.

A cgroup of either version where one can be made, else a watchdog that is labelled as an emulation.
``choose_memory_limits`` looks once what this machine can do, and proves it by OOM-killing a canary;
``MemoryLimits.open`` then makes one memory_limit for each incarnation.
"""

from harness.environment.memory_limit.base import LimitReading, MemoryLimit
from harness.environment.memory_limit.canary import CanaryResult, prove
from harness.environment.memory_limit.chooser import MemoryLimits, choose_memory_limits

__all__ = ["CanaryResult", "LimitReading", "MemoryLimit", "MemoryLimits", "choose_memory_limits", "prove"]
