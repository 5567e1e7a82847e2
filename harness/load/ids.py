"""The names of the conversations that one load publishes: ``conv-<seed as 8 hex digits>-<6 digits>``.

Used by the schedule, which hands the names out, and by the payload, whose bodies leave room for exactly one name. It
draws nothing at random.
"""

from harness.errors import UsageError

SEED_MAX = 2**32 - 1  # eight hex digits: every name has the same length, whatever the seed
INDEX_MAX = 999_999  # six digits
ID_BYTES = len("conv-00000000-000000")


def message_id(seed: int, index: int) -> str:
    """Return the name of the ``index``-th conversation of ``seed``, counted from 0 in the order of arrival.

    It has ``ID_BYTES`` ASCII characters. Raises UsageError when one of the two has no room in the name.
    """
    if not 0 <= seed <= SEED_MAX:
        raise UsageError(f"seed {seed} does not fit a message id: use 0 to {SEED_MAX}")
    if not 0 <= index <= INDEX_MAX:
        raise UsageError(f"conversation number {index} does not fit a message id: use 0 to {INDEX_MAX}")
    return f"conv-{seed:08x}-{index:06d}"
