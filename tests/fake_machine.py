"""A machine made of a few small programs, for the tests of the set-up scripts: apt-get, dpkg-query, id, Python and Go.

The scripts run unchanged, in a checkout of their own, with these programs first on PATH and the machine's own files
under a temporary root. Nothing is installed, and nothing outside the temporary directory is touched. Each program notes
how it was called.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.checkout_files import CHECKOUT

_RUN_TIMEOUT_S = 60

# What they all begin with: note the call, and stop at the gate when the test has asked for it. A gate is a named pipe:
# the test's opening it for writing succeeds once the program is there, and its closing it lets the program go on.
_PREAMBLE = """#!/bin/bash
printf '%s %s\\n' "$(basename "$0")" "$*" >>"$FAKE_CALLS"
stop_at_gate() { [ ! -p "$FAKE_GATE" ] || read -r _ <"$FAKE_GATE"; }
"""
_PROGRAMS = {
    "id": '[ "$1" = -u ] && echo "${FAKE_UID:-0}" || echo engineer',
    "dpkg-query": 'case " $FAKE_INSTALLED " in *" ${*: -1} "*) echo installed ;; *) exit 1 ;; esac',
    "systemctl": "exit 0",
    "apt-get": """
[[ " $* " == *" install "* ]] || exit 0
"$SETUP_MACHINE_ROOT/usr/sbin/policy-rc.d"; echo "policy-rc.d answers $?" >>"$FAKE_CALLS"
stop_at_gate
for line in {1..30}; do echo "apt-get's line $line"; done
[ -z "$FAKE_APT_FAILS" ] || exit 100
install -D /bin/true "$SETUP_MACHINE_ROOT/usr/lib/rabbitmq/bin/rabbitmq-server"
install -D /dev/null "$SETUP_MACHINE_ROOT/lib/systemd/system/rabbitmq-server.service"
touch "$SETUP_MACHINE_ROOT/ensurepip"
""",
    "python-fake": """
case "$*" in
    *version_info*) exit "${FAKE_PYTHON_IS_OLD:-0}" ;;
    *ensurepip*) [ -e "$SETUP_MACHINE_ROOT/ensurepip" ] ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *"pip install"*) stop_at_gate; [ -z "$FAKE_PIP_FAILS" ] ;;
esac
""",
    "go": """
[ "$1" = version ] && { echo "go version go${FAKE_GO:-1.19.8} linux/amd64"; exit; }
[ -z "$FAKE_GO_FAILS" ] || exit 1
install -D /bin/true "$GOBIN/server"
""",
}


@dataclass(frozen=True)
class FakeMachine:
    """One machine: ``root`` holds its files, ``checkout`` the scripts under test."""

    root: Path
    checkout: Path
    programs: Path

    @staticmethod
    def make(directory: Path, *, has_rabbitmq: bool = True, has_ensurepip: bool = True) -> "FakeMachine":
        """Lay the machine out under ``directory``, with a copy of this tree's scripts and a project to install."""
        machine = FakeMachine(directory / "machine", directory / "checkout", directory / "programs")
        for folder in (machine.policy.parent, machine.checkout / "harness", machine.programs):
            folder.mkdir(parents=True)
        shutil.copytree(CHECKOUT / "scripts", machine.checkout / "scripts")
        for name in ("requirements.lock", "pyproject.toml", "harness/__init__.py"):
            (machine.checkout / name).write_text("# as it was first\n", encoding="utf-8")
        for name, body in _PROGRAMS.items():
            program = machine.programs / name
            program.write_text(_PREAMBLE + body, encoding="utf-8")
            program.chmod(0o755)
        if has_rabbitmq:
            server = machine.root / "usr/lib/rabbitmq/bin/rabbitmq-server"
            server.parent.mkdir(parents=True)
            server.symlink_to("/bin/true")
        if has_ensurepip:
            (machine.root / "ensurepip").touch()
        return machine

    @property
    def policy(self) -> Path:
        """Where Debian asks whether a service may be started."""
        return self.root / "usr/sbin/policy-rc.d"

    @property
    def gate(self) -> Path:
        """Once made with ``os.mkfifo``, the place where apt-get and pip stop until the test lets them go on."""
        return self.root / "gate"

    def calls(self, of: str = "") -> list[str]:
        """Return how the programs were called since the last ``forget_calls``; those lines that hold ``of``."""
        noted = self.root / "calls"
        lines = noted.read_text(encoding="utf-8").splitlines() if noted.exists() else []
        return [line for line in lines if of in line]

    def forget_calls(self) -> None:
        """Begin the list of calls again."""
        (self.root / "calls").unlink(missing_ok=True)

    def start(self, script: str, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start one of the scripts; both its streams come as one text on stdout."""
        environment = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(self.root),
            "PYTHON": str(self.programs / "python-fake"),
            "SETUP_MACHINE_ROOT": str(self.root),
            "FAKE_CALLS": str(self.root / "calls"),
            "FAKE_GATE": str(self.gate),
        }
        return subprocess.Popen(
            # A test run in the background of a shell has SIGINT ignored, and its children would inherit that.
            ["env", "--default-signal=INT", "bash", str(self.checkout / "scripts" / script), *arguments],
            env=environment | settings,
            cwd=self.checkout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script: str, *arguments: str, **settings: str) -> tuple[int, str]:
        """Run one of the scripts to its end; return its exit code and what it said."""
        return ended(self.start(script, *arguments, **settings))

    def wait_at_gate(self) -> int:
        """Block until a program stands at the gate; return the descriptor whose closing lets it go on."""
        return os.open(self.gate, os.O_WRONLY)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a script that was started; return its exit code and what it said."""
    said, _ = process.communicate(timeout=_RUN_TIMEOUT_S)
    return process.returncode, said
