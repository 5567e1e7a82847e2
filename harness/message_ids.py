"""The ids of the messages that one load publishes: ``<prefix>-<seed as 8 hex digits>-<6 digits>``.

Used by the schedule, which hands the ids out, by the payload, whose bodies leave room for exactly one id, and by the
scenario's model for the bound of a seed. The prefix is the incident's. It draws nothing at random.
"""

from harness.errors import UsageError

SEED_MAX = 2**32 - 1  # eight hex digits: every id has the same length, whatever the seed; the one bound of all seeds
INDEX_MAX = 999_999  # six digits
PREFIX = "msg"  # where an incident has none of its own


def message_id(seed: int, index: int, prefix: str = PREFIX) -> str:
    """Return the id of the ``index``-th message of ``seed``, counted from 0 in the order of arrival.

    It has ``id_bytes(prefix)`` ASCII characters. Raises UsageError when one of the two has no room in the id.
    """
    if not 0 <= seed <= SEED_MAX:
        raise UsageError(f"seed {seed} does not fit a message id: use 0 to {SEED_MAX}")
    if not 0 <= index <= INDEX_MAX:
        raise UsageError(f"message number {index} does not fit a message id: use 0 to {INDEX_MAX}")
    return f"{prefix}-{seed:08x}-{index:06d}"


def id_bytes(prefix: str = PREFIX) -> int:
    """Return the length of every id with that prefix, in bytes."""
    return len(message_id(0, 0, prefix))
