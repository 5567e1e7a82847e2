"""What became of every message of a trial, and the story of any one of them.

Used by the checkers, the reports and ``harness trace``. Pure functions of a ``TrialRecord``, hence of the run directory
alone. ``account`` closes the ledger; ``story`` tells of one message. Nothing is judged here.
"""

from harness.ledger.account import Account, Message, OutcomeKind, account_of, outcome_of
from harness.ledger.story import Moment, Story, story_of, when

__all__ = [
    "Account",
    "Message",
    "Moment",
    "OutcomeKind",
    "Story",
    "account_of",
    "outcome_of",
    "story_of",
    "when",
]
