"""Takes no notice of SIGTERM: it is killed when its grace is over."""

from worker_under_test import command_line

SCENARIO = "stopped"
CAUGHT_BY = "gentle end"


def mutate() -> None:
    """Install no handler that ends it."""
    import signal  # noqa: PLC0415

    def deaf(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    command_line._stop_on_signals = deaf
