"""The pool of bodies of one load: templates of an incident's payload, drawn from the seed.

Used by the publishers (``locustfile``), which build the pool when they start. It publishes nothing.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.protocols.payload import Payload, PayloadSizes, Template


def build_pool(payload: Payload, seed: int, sizes: PayloadSizes) -> tuple[Template, ...]:
    """Return ``sizes.templates`` templates: a pure function of its arguments."""
    rng = random.Random(f"{seed}:payload")
    return tuple(payload.template(rng, rng.randint(sizes.min_bytes, sizes.max_bytes)) for _ in range(sizes.templates))
