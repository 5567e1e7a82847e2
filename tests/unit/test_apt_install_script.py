"""scripts/apt_install.sh: packages are installed, their services never start, the machine's own policy is put back."""

import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_machine import FakeMachine, ended

pytestmark = pytest.mark.timeout(60)

SCRIPT = "apt_install.sh"
OWN_POLICY = "#!/bin/sh\n# the machine's own\nexit 0\n"


def no_policy(_: Path) -> None:
    """The machine had none."""


def a_policy_of_its_own(policy: Path) -> None:
    """The machine had one, with a mode of its own."""
    policy.write_text(OWN_POLICY, encoding="utf-8")
    policy.chmod(0o744)


def a_link(policy: Path) -> None:
    """The machine had a link to nothing yet."""
    policy.symlink_to("/etc/alternatives/policy-rc.d")


def state_of(policy: Path) -> tuple[object, ...]:
    """All that could differ after a change: the folder's listing, and the file's inode, mode, time and text."""
    entries = sorted(path.name for path in policy.parent.iterdir())
    if not policy.is_symlink() and not policy.exists():
        return (entries,)
    status = policy.lstat()
    text = policy.readlink() if policy.is_symlink() else policy.read_text(encoding="utf-8")
    return entries, status.st_ino, status.st_mode, status.st_mtime_ns, text


BEFORE = pytest.mark.parametrize("lay_policy", [no_policy, a_policy_of_its_own, a_link])


@BEFORE
def test_no_service_may_start_while_packages_are_installed(tmp_path: Path, lay_policy: Callable[[Path], None]) -> None:
    """Guarantees that policy-rc.d answers 101 during the installation, and is as it was before after it."""
    machine = FakeMachine.make(tmp_path, has_rabbitmq=False)
    lay_policy(machine.policy)
    before = state_of(machine.policy)

    code, said = machine.run(SCRIPT, "rabbitmq-server")

    assert code == 0, said
    assert machine.calls("policy-rc.d answers") == ["policy-rc.d answers 101"]
    assert machine.calls("install --yes --no-install-recommends rabbitmq-server")
    assert state_of(machine.policy) == before


@BEFORE
def test_the_policy_is_put_back_when_apt_fails(tmp_path: Path, lay_policy: Callable[[Path], None]) -> None:
    """Guarantees that a failed installation leaves no policy behind, and shows the last 20 lines of apt's log."""
    machine = FakeMachine.make(tmp_path)
    lay_policy(machine.policy)
    before = state_of(machine.policy)

    code, said = machine.run(SCRIPT, "chromium", FAKE_APT_FAILS="1")

    assert code == 100
    assert state_of(machine.policy) == before
    assert "apt-get's line 11\n" in said
    assert "apt-get's line 10\n" not in said
    assert str(machine.checkout / ".tools/log/apt-install.log") in said


@BEFORE
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_obeyed_once_apt_is_done_and_the_policy_is_put_back(
    tmp_path: Path, lay_policy: Callable[[Path], None], number: signal.Signals
) -> None:
    """Guarantees that an interrupted script keeps the guard until apt has ended, then puts the policy back."""
    machine = FakeMachine.make(tmp_path)
    lay_policy(machine.policy)
    before = state_of(machine.policy)
    os.mkfifo(machine.gate)
    process = machine.start(SCRIPT, "chromium")
    gate = machine.wait_at_gate()

    process.send_signal(number)
    during = machine.policy.read_text(encoding="utf-8")
    os.close(gate)
    code, said = ended(process)

    assert "exit 101" in during
    assert code == 128 + number, said
    assert state_of(machine.policy) == before


@BEFORE
def test_what_a_killed_installation_left_is_put_back_by_the_next(
    tmp_path: Path, lay_policy: Callable[[Path], None]
) -> None:
    """Guarantees that SIGKILL costs the machine its policy only until the next installation, which waits for apt."""
    machine = FakeMachine.make(tmp_path)
    lay_policy(machine.policy)
    before = state_of(machine.policy)
    os.mkfifo(machine.gate)
    process = machine.start(SCRIPT, "chromium")
    gate = machine.wait_at_gate()
    process.kill()
    process.wait()
    assert state_of(machine.policy) != before
    machine.gate.unlink()
    os.close(gate)
    ended(process)

    code, said = machine.run(SCRIPT, "chromium")

    assert code == 0, said
    assert machine.calls("policy-rc.d answers") == ["policy-rc.d answers 101"] * 2
    assert state_of(machine.policy) == before


def test_a_service_that_came_with_a_package_is_disabled(tmp_path: Path) -> None:
    """Guarantees that the system's RabbitMQ does not start at the next boot either; older units are left alone."""
    machine = FakeMachine.make(tmp_path, has_rabbitmq=False)
    units = machine.root / "lib/systemd/system"
    units.mkdir(parents=True)
    (units / "postgresql.service").touch()

    code, said = machine.run(SCRIPT, "rabbitmq-server")

    assert code == 0, said
    assert machine.calls("systemctl") == ["systemctl disable rabbitmq-server.service"]
    assert "rabbitmq-server.service is left stopped and disabled" in said


def test_two_checkouts_install_one_after_the_other(tmp_path: Path) -> None:
    """Guarantees that the guard of one installation is never taken away while another one needs it."""
    machine = FakeMachine.make(tmp_path)
    lock_file = machine.root / "run/lock/incident-harness-apt.lock"
    lock_file.parent.mkdir(parents=True)
    with lock_file.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = machine.start(SCRIPT, "chromium")
        assert process.stdout is not None
        first_line = process.stdout.readline()
        calls_meanwhile = machine.calls("apt-get")
    code, said = ended(process)

    assert "another checkout is installing packages; waiting for it" in first_line
    assert calls_meanwhile == []
    assert code == 0, said


def test_without_root_it_says_what_to_install(tmp_path: Path) -> None:
    """Guarantees one clear message with the remedy, and that nothing was tried."""
    machine = FakeMachine.make(tmp_path)

    code, said = machine.run(SCRIPT, "chromium", "postgresql", FAKE_UID="1000", FAKE_INSTALLED="postgresql")

    assert code == 1
    assert said.splitlines() == [
        "set-up: these Debian packages are missing: chromium",
        "set-up: remedy: sudo apt-get install chromium",
    ]
    assert not machine.calls("apt-get")


def test_packages_that_are_installed_are_left_alone(tmp_path: Path) -> None:
    """Guarantees that a second run calls apt no more, so that it also works without network and without root."""
    machine = FakeMachine.make(tmp_path)

    code, said = machine.run(SCRIPT, "chromium", "postgresql", FAKE_UID="1000", FAKE_INSTALLED="chromium postgresql")

    assert (code, said) == (0, "")
    assert not machine.calls("apt-get")
