"""The table that ``python -m worker_under_test remedies`` prints: what the presets do, where the report asks for it.

It imports every remedy, so that the table can't forget one; nothing else needs them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker_under_test.remedies import (
    bounded_queue,
    clean_up,
    exception_retention,
    failure_record,
    idempotent_redelivery,
    llm_switch,
    memory_api_timeout,
    other_error_outcome,
    prefetch_in_force,
    retry_limit,
    retry_schedule,
    timeout_outcome,
    total_deadline,
)

if TYPE_CHECKING:
    from worker_under_test.remedies.behaviour import Remedy

ALL: tuple[Remedy, ...] = (
    memory_api_timeout.REMEDY,
    total_deadline.REMEDY,
    llm_switch.REMEDY,
    timeout_outcome.REMEDY,
    other_error_outcome.REMEDY,
    clean_up.REMEDY,
    retry_schedule.REMEDY,
    retry_limit.REMEDY,
    bounded_queue.REMEDY,
    prefetch_in_force.REMEDY,
    failure_record.REMEDY,
    idempotent_redelivery.REMEDY,
    exception_retention.REMEDY,
)
