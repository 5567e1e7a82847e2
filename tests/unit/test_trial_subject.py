"""Which command a worker is: memray goes between an interpreter and what it runs, and nowhere else."""

from pathlib import Path

import pytest

from harness.trial.subject import under_memray

CAPTURE = Path("life-0.bin")
MEMRAY = ("-m", "memray", "run", "--quiet", "--force", "--output", "life-0.bin")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("python3", "-P", "-m", "worker", "--x"), ("python3", "-P", *MEMRAY, "-m", "worker", "--x")),
        (("/venv/bin/python", "worker.py", "-m"), ("/venv/bin/python", *MEMRAY, "worker.py", "-m")),
        (("python3",), ("python3", *MEMRAY)),
        (("./worker", "--port", "1"), ("./worker", "--port", "1")),
    ],
    ids=["module", "script", "nothing to run", "no interpreter"],
)
def test_a_command_is_profiled_where_it_is_an_interpreter(command: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Guarantees that a team's own Python worker can be profiled, and that another program still runs as it is."""
    assert under_memray(command, CAPTURE) == expected
