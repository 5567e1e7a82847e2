"""The command line: puts the verbs together. Each verb is a file of this folder."""

from __future__ import annotations

import typer

from harness.commands import (
    bench,
    check,
    doctor,
    gate,
    gate_power,
    history,
    list_scenarios,
    postmortem,
    report,
    reproduce,
    run,
    trace_message,
    validate,
    verify,
)

app = typer.Typer(
    name="harness",
    help="Replays the 11:42 out-of-memory incident against a RabbitMQ worker, and proves or refutes its fix.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 pass, 1 fail, 2 usage or bad scenario, 3 unknown, 4 harness broken, 5 refused target,"
    " 130/143 interrupted.",
)
for verb in (reproduce, run, check, report, postmortem, validate, doctor, bench, verify, gate, history):
    app.command()(getattr(verb, verb.__name__.rpartition(".")[2]))
app.command("gate-power")(gate_power.gate_power)
app.command("trace")(trace_message.trace_message)
app.command("list")(list_scenarios.list_scenarios)
