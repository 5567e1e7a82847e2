"""scripts/test_parts.sh and `make test`: the README's second command needs no other command before it."""

import subprocess
from pathlib import Path

import pytest

from tests.checkout_files import CHECKOUT
from tests.fake_machine import FakeMachine

pytestmark = pytest.mark.timeout(60)

SCRIPT = "test_parts.sh"


def test_root_gets_every_package_that_tests_need_and_set_up_would_miss_next(tmp_path: Path) -> None:
    """Guarantees one installation, which holds set-up's own packages too, on a machine with nothing but Python."""
    machine = FakeMachine.make(tmp_path, has_rabbitmq=False, has_ensurepip=False)

    code, said = machine.run(SCRIPT)

    (installation,) = machine.calls("apt-get -o Acquire::Retries=3")[1:]
    assert code == 0, said
    assert {"rabbitmq-server", "postgresql", "fonts-dejavu-core", "python3-venv"} <= set(installation.split())


def test_an_ordinary_user_gets_one_message_with_the_remedy(tmp_path: Path) -> None:
    """Guarantees that all that is missing is named at once, that nothing is installed, and that the exit code is 1."""
    machine = FakeMachine.make(tmp_path, has_rabbitmq=False, has_ensurepip=False)

    code, said = machine.run(SCRIPT, FAKE_UID="1000")

    missing, remedy = said.splitlines()
    packages = missing.removeprefix("set-up: these Debian packages are missing: ")
    assert code == 1
    assert {"rabbitmq-server", "postgresql", "fonts-dejavu-core", "python3-venv"} <= set(packages.split())
    assert remedy == f"set-up: remedy: sudo apt-get install {packages}"
    assert not machine.calls("apt-get")


def test_make_test_installs_before_any_check_or_test_and_ci_prepares_nothing() -> None:
    """Guarantees the order of `make test`, and that .ci/run calls it and no script of its own."""
    plan = subprocess.run(
        ["make", "--dry-run", "test"], cwd=CHECKOUT, capture_output=True, text=True, timeout=30, check=True
    ).stdout
    ci = (CHECKOUT / ".ci/run").read_text(encoding="utf-8")

    steps = [
        plan.index(step) for step in ("scripts/test_parts.sh", "scripts/setup.sh", "ruff check", "scripts/test.sh")
    ]
    assert steps == sorted(steps)
    assert "make test" in ci
    assert "scripts/" not in ci
