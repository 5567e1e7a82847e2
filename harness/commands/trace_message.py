"""``harness trace RUN MESSAGE_ID``: everything a stored run knows of one message, in order."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands.steps import options
from harness.commands.steps.output import results
from harness.errors import UsageError
from harness.ledger import account_of, story_of, when
from harness.store import read_run

if TYPE_CHECKING:
    from harness.ledger import Account, Story
    from harness.record import TrialRecord

RUNS = Path("runs")
_CLOSE_MATCHES_MAX = 5

RunName = Annotated[str, typer.Argument(help="A run directory, or its name in runs/: latest.")]
MessageId = Annotated[str, typer.Argument(help="The message's id.")]
Arms = Annotated[list[str] | None, typer.Option("--arm", help="Only in this arm; may be given more than once.")]


def trace_message(run: RunName, message_id: MessageId, arm: Arms = None, as_json: options.Json = False) -> int:
    """Tell one message's story: publish, confirm, calls of the dependency, kills, alerts, its row, dead letters.

    Each line has the incident's time and the replay's seconds. Starts nothing and judges nothing.

    \b
    Examples:
      harness trace latest conv-0000002a-000017
      harness trace runs/20260101T114204Z-incident_1142-4c1f conv-0000002a-000017 --arm incident --json
    """
    path = Path(run) if Path(run).exists() else RUNS / run
    trials = _chosen(read_run(path).trials, arm or [])
    accounts = [(trial, account_of(trial)) for trial in trials]
    stories = [(trial, account, story_of(trial, account, message_id)) for trial, account in accounts]
    found = [(trial, account, story) for trial, account, story in stories if story is not None]
    if not found:
        raise UsageError(_unknown(message_id, [account for _, account in accounts], path))
    if as_json:
        document = {"run": path.resolve().name, "message_id": message_id, "arms": [_plain(*o) for o in found]}
        results().print(json.dumps(document, indent=2, ensure_ascii=False), markup=False)
    else:
        for line in (line for each in found for line in _lines(*each)):
            results().print(line, markup=False)
    return 0


def _chosen(trials: tuple[TrialRecord, ...], arms: list[str]) -> tuple[TrialRecord, ...]:
    names = [trial.arm for trial in trials]
    if strangers := [arm for arm in arms if arm not in names]:
        raise UsageError(f"--arm {strangers[0]}: the run holds {', '.join(names) or 'no arm'}")
    return tuple(trial for trial in trials if not arms or trial.arm in arms)


def _unknown(message_id: str, accounts: list[Account], path: Path) -> str:
    known = sorted({message.message_id for account in accounts for message in account.messages})
    near = difflib.get_close_matches(message_id, known, n=_CLOSE_MATCHES_MAX, cutoff=0.0)
    hint = f"did you mean {', '.join(near)}?" if near else "it knows no message at all"
    return f"{path} knows no message {message_id!r}; {hint}"


def _lines(trial: TrialRecord, account: Account, story: Story) -> list[str]:
    message = story.message
    proof = f"; the ledger proves nothing: {account.unsound[0]}" if account.unsound else ""
    head = f"{trial.arm}: {message.message_id}: {', '.join(story.verdicts)}"
    counts = f"{message.calls} calls of the dependency, {message.side_effects} of them successful"
    moments = [f"  {when(trial, each.t_s):>8}  {each.t_s:9.3f} s  {each.text}" for each in story.moments]
    return [f"{head} ({counts}{proof})", *moments]


def _plain(trial: TrialRecord, account: Account, story: Story) -> dict[str, object]:
    message = story.message
    return {
        "arm": trial.arm,
        "outcome": message.outcome.value,
        "confirmed": message.confirmed,
        "recovered": message.recovered,
        "duplicated": message.duplicated,
        "phantom_success": message.phantom_success,
        "calls": message.calls,
        "side_effects": message.side_effects,
        "unsound": list(account.unsound),
        "moments": [
            {"t_s": round(each.t_s, 4), "incident_time": when(trial, each.t_s), "kind": each.kind, "text": each.text}
            for each in story.moments
        ],
    }
