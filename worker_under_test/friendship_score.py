"""The friendship score: how close a child and the robot are, from 0 to 100.

The processing service computes it after the memory API has answered. It stands in for the original's formula, at the
same cost. It needs counts of the conversation, not the conversation itself, so that no log has to be kept for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_USER_TURNS_FOR_FULL_SCORE = 1000
_CHARACTERS_PER_TURN_FOR_FULL_SCORE = 4000


@dataclass(slots=True)
class ConversationTally:
    """The counts of a conversation log that the score needs, taken row by row."""

    rows: int = 0
    user_turns: int = 0
    user_characters: int = 0

    def count(self, role: str, content: str) -> None:
        """Count one row."""
        self.rows += 1
        if role == "user":
            self.user_turns += 1
            self.user_characters += len(content)


def calculate_friendship_score(tally: ConversationTally, facts_count: int) -> float:
    """Return the score, 0 to 100.

    Half depends on how often the child spoke, a quarter on how much, a quarter on how many facts were extracted.
    """
    often = min(1.0, math.log1p(tally.user_turns) / math.log1p(_USER_TURNS_FOR_FULL_SCORE))
    at_length = min(1.0, tally.user_characters / max(1, tally.user_turns) / _CHARACTERS_PER_TURN_FOR_FULL_SCORE)
    learnt = 1 - math.exp(-facts_count / 4)
    return round(100 * (0.5 * often + 0.25 * at_length + 0.25 * learnt), 2)
