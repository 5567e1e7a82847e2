"""scripts/setup.sh: makes what is missing, re-uses what is there, believes no half-made venv, and says the remedy."""

import fcntl
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.checkout_files import CHECKOUT
from tests.fake_machine import FakeMachine, ended

pytestmark = pytest.mark.timeout(60)

SCRIPT = "setup.sh"
PACKAGES = "pip install --no-input --disable-pip-version-check --require-hashes"
PROJECT = "pip install --no-input --disable-pip-version-check --no-deps --no-build-isolation --editable"


def test_a_first_set_up_installs_and_a_second_one_calls_nothing(tmp_path: Path) -> None:
    """Guarantees that packages, then the project, are installed once, and re-used without calling pip or apt."""
    machine = FakeMachine.make(tmp_path)

    first_code, first_said = machine.run(SCRIPT)
    installs = machine.calls("pip install")
    machine.forget_calls()
    second_code, second_said = machine.run(SCRIPT)

    assert first_code == 0, first_said
    assert [PACKAGES in installs[0], PROJECT in installs[1], len(installs)] == [True, True, 2]
    assert second_code == 0, second_said
    assert not machine.calls("pip")
    assert not machine.calls("venv")
    assert not machine.calls("apt-get")
    assert second_said.splitlines()[-1] == "set-up: everything is in place"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_set_up_ends_pip_and_is_begun_again(tmp_path: Path, number: signal.Signals) -> None:
    """Guarantees that a venv whose packages were cut short is made again, and that pip does not outlive the script."""
    machine = FakeMachine.make(tmp_path)
    os.mkfifo(machine.gate)
    process = machine.start(SCRIPT)
    gate = machine.wait_at_gate()

    process.send_signal(number)
    code, said = ended(process)
    with pytest.raises(BrokenPipeError):
        os.write(gate, b"nobody reads this any more\n")
    os.close(gate)
    machine.gate.unlink()
    machine.forget_calls()
    again, again_said = machine.run(SCRIPT)

    assert code == 128 + number, said
    assert "interrupted" in said
    assert again == 0, again_said
    assert len(machine.calls("-m venv")) == 1
    assert len(machine.calls(PACKAGES)) == 1


def test_a_failed_pip_shows_its_log_and_leaves_no_venv_that_is_believed(tmp_path: Path) -> None:
    """Guarantees that pip's failure is the script's, says where the log is, and that the next run installs again."""
    machine = FakeMachine.make(tmp_path)

    code, said = machine.run(SCRIPT, FAKE_PIP_FAILS="1")
    machine.forget_calls()
    again, _ = machine.run(SCRIPT)

    assert code == 1
    assert str(machine.checkout / ".tools/log/pip-packages.log") in said
    assert again == 0
    assert len(machine.calls(PACKAGES)) == 1


@pytest.mark.parametrize(
    ("changed", "packages", "project"),
    [("requirements.lock", 1, 1), ("pyproject.toml", 0, 1), ("reports/__init__.py", 0, 1), ("README.md", 0, 0)],
)
def test_only_what_a_change_asks_for_is_installed_again(
    tmp_path: Path, changed: str, packages: int, project: int
) -> None:
    """Guarantees that a new lock makes a new venv, a new pyproject or top-level package only the project's install."""
    machine = FakeMachine.make(tmp_path)
    machine.run(SCRIPT)
    machine.forget_calls()
    (machine.checkout / changed).parent.mkdir(exist_ok=True)
    (machine.checkout / changed).write_text("# as it is now\n", encoding="utf-8")

    code, said = machine.run(SCRIPT)

    assert code == 0, said
    assert len(machine.calls("-m venv")) == packages
    assert len(machine.calls(PACKAGES)) == packages
    assert len(machine.calls(PROJECT)) == project


def test_a_checkout_that_was_moved_gets_a_new_venv(tmp_path: Path) -> None:
    """Guarantees that a venv is not believed at a path it was not made for."""
    machine = FakeMachine.make(tmp_path)
    machine.run(SCRIPT)
    machine.forget_calls()
    moved = FakeMachine(machine.root, tmp_path / "moved", machine.programs)
    machine.checkout.rename(moved.checkout)

    code, said = moved.run(SCRIPT)

    assert code == 0, said
    assert len(moved.calls("-m venv")) == 1


def test_a_venv_whose_interpreter_is_gone_is_made_again(tmp_path: Path) -> None:
    """Guarantees that an upgrade of the system's Python, which leaves the venv's link dangling, is noticed."""
    machine = FakeMachine.make(tmp_path)
    machine.run(SCRIPT)
    machine.forget_calls()
    (machine.checkout / ".venv/bin/python").unlink()

    code, said = machine.run(SCRIPT)

    assert code == 0, said
    assert len(machine.calls("-m venv")) == 1


def test_two_set_ups_at_once_do_their_work_one_after_the_other(tmp_path: Path) -> None:
    """Guarantees that a second set-up says that it waits, and goes on when the first has let go of the lock."""
    machine = FakeMachine.make(tmp_path)
    (machine.checkout / ".tools").mkdir()
    with (machine.checkout / ".tools/setup.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = machine.start(SCRIPT)
        assert process.stdout is not None
        first_line = process.stdout.readline()
        made_meanwhile = (machine.checkout / ".venv").exists()
    code, said = ended(process)

    assert "another set-up is at work in this checkout" in first_line
    assert not made_meanwhile
    assert code == 0, said


def test_a_checkout_of_another_user_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Guarantees that a lock which can't be written is named with the remedy, as after a set-up with sudo."""
    machine = FakeMachine.make(tmp_path)
    (machine.checkout / ".tools").write_text("a file, so that even root can't write into it\n", encoding="utf-8")

    code, said = machine.run(SCRIPT)

    assert code == 1
    assert said.splitlines() == [
        f"set-up: {machine.checkout}/.tools/setup.lock can't be written by engineer",
        f"set-up: remedy: sudo chown -R engineer {machine.checkout}/.tools",
    ]


@pytest.mark.parametrize(
    ("has_rabbitmq", "has_ensurepip", "packages"),
    [(False, True, "rabbitmq-server"), (True, False, "python3-venv"), (False, False, "rabbitmq-server python3-venv")],
)
def test_missing_debian_packages_are_named_once_or_installed_by_root(
    tmp_path: Path, has_rabbitmq: bool, has_ensurepip: bool, packages: str
) -> None:
    """Guarantees one message with the remedy for an ordinary user, before anything slow; root gets a whole set-up."""
    machine = FakeMachine.make(tmp_path, has_rabbitmq=has_rabbitmq, has_ensurepip=has_ensurepip)

    code, said = machine.run(SCRIPT, FAKE_UID="1000")
    made = (machine.checkout / ".venv").exists()
    root_code, root_said = machine.run(SCRIPT)

    assert (code, made) == (1, False)
    assert said.splitlines() == [
        f"set-up: these Debian packages are missing: {packages}",
        f"set-up: remedy: sudo apt-get install {packages}",
    ]
    assert root_code == 0, root_said
    assert machine.calls(f"--no-install-recommends {packages}")


def test_a_python_that_is_too_old_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Guarantees that the message names the interpreter and how to choose another."""
    machine = FakeMachine.make(tmp_path)

    code, said = machine.run(SCRIPT, FAKE_PYTHON_IS_OLD="1")

    assert code == 1
    assert f"no Python 3.11 or newer was found under PYTHON={machine.programs / 'python-fake'}" in said
    assert "remedy: sudo apt-get install python3 python3-venv" in said


def test_toxiproxy_is_built_once_with_a_recent_go(tmp_path: Path) -> None:
    """Guarantees that the binary lands under its own name, that nothing half-built stays, and that it is re-used."""
    machine = FakeMachine.make(tmp_path)

    code, said = machine.run(SCRIPT, FAKE_GO="1.23.0")
    built = machine.calls("go install")
    machine.forget_calls()
    machine.run(SCRIPT, FAKE_GO="1.23.0")

    assert code == 0, said
    assert built == ["go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"]
    assert os.access(machine.checkout / ".tools/toxiproxy-server", os.X_OK)
    assert not (machine.checkout / ".tools/toxiproxy-build").exists()
    assert not machine.calls("go")


def test_without_a_recent_go_the_embedded_proxy_is_announced(tmp_path: Path) -> None:
    """Guarantees that a missing Toxiproxy does not stop the set-up."""
    machine = FakeMachine.make(tmp_path)

    code, said = machine.run(SCRIPT, FAKE_GO="1.19.8")

    assert code == 0
    assert "the embedded proxy will serve" in said
    assert not machine.calls("go install")


def test_a_build_of_toxiproxy_that_failed_is_not_tried_again_at_once(tmp_path: Path) -> None:
    """Guarantees that a machine without network waits for Go once a day, and is told why and what to do."""
    machine = FakeMachine.make(tmp_path)

    code, said = machine.run(SCRIPT, FAKE_GO="1.26.1", FAKE_GO_FAILS="1")
    machine.forget_calls()
    again, again_said = machine.run(SCRIPT, FAKE_GO="1.26.1")

    assert (code, again) == (0, 0)
    assert "the embedded proxy will serve" in said
    assert not machine.calls("go install")
    assert f"remedy: remove {machine.checkout}/.tools/toxiproxy-build-failed" in again_said


def test_ci_run_refuses_without_root(tmp_path: Path) -> None:
    """Guarantees that .ci/run says at once that it needs root, before it has changed anything."""
    machine = FakeMachine.make(tmp_path)

    result = subprocess.run(
        ["bash", str(CHECKOUT / ".ci/run")],
        env={"PATH": f"{machine.programs}:/usr/bin:/bin", "FAKE_UID": "1000", "FAKE_CALLS": str(tmp_path / "calls")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert result.returncode == 1
    assert "remedy: sudo bash .ci/run" in result.stderr
