"""``harness run SCENARIO``: play a scenario, judge it, write the report."""

from __future__ import annotations

from harness.commands.steps.options import TYPED, order_of, takes
from harness.commands.steps.playing import play_and_judge
from harness.options import Options


@takes(Options, TYPED, required=("scenario",))
def run(options: Options) -> int:
    """Play a scenario's arms, one after the other, and judge them.

    \b
    Examples:
      harness run incident_1142
      harness run incident_1142 --mechanism M0            (exit 3: the report's configuration as written does not die)
      harness run scenarios/incident_1142.yaml --arm fixed --seed 7 --dry-run
      harness run incident_1142 --small --database postgres --broker-image rabbitmq:4-management
    """
    return play_and_judge(order_of(options))
