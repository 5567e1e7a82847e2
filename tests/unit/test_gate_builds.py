"""What a gate compares: builds, stored baselines, and everything that is refused before anything is started."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.commands.steps.gate_options import GateOptions
from harness.errors import UsageError
from harness.gate import baseline as baselines
from harness.gate import builds
from harness.gate.play import GateOrder
from harness.machine import checkout
from harness.record.gate import BASELINE, CANDIDATE, Repeat
from harness.scenario import Scenario, find_scenario, load_scenario

REPEATS = tuple(Repeat(BASELINE, {"peak": 88.0 + number}) for number in range(3))


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """The gate's own scenario."""
    return load_scenario(find_scenario("memory_gate"))


@pytest.fixture
def stored(tmp_path: Path, scenario: Scenario) -> Path:
    """A baseline of this machine, as a file."""
    path = tmp_path / "gate.json"
    made = baselines.of_repeats("commit 0123", scenario, REPEATS, baselines.facts())
    path.write_text(baselines.rendered(made))
    return path


def order(tmp_path: Path, **changes: Any) -> GateOrder:
    """Return the order of these options."""
    return GateOptions(runs_dir=tmp_path, **changes).order()


class TestBuilds:
    """A commit, this tree, a command."""

    def test_a_commit_is_unpacked_once_and_run_from_there(self, tmp_path: Path) -> None:
        """Guarantees that build A is that commit's worker and no other: the working directory is off the path."""
        found = order(tmp_path, against="HEAD")
        arm = found.scenario.arms[BASELINE]
        modules = Path(arm.env["PYTHONPATH"])
        assert modules.parent == tmp_path / "builds"
        said = subprocess.run(
            [sys.executable, "-P", "-c", "import worker_under_test; print(worker_under_test.__file__)"],
            env={"PYTHONPATH": str(modules)},
            cwd=checkout(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert Path(said.stdout.strip()).is_relative_to(modules)
        assert arm.worker.command == (sys.executable, "-P", "-m", "worker_under_test", "--preset", "fixed")
        assert arm.env["MALLOC_ARENA_MAX"] == "2"
        before = modules.stat().st_mtime_ns
        order(tmp_path, against="HEAD")
        assert modules.stat().st_mtime_ns == before
        assert [path.name for path in modules.parent.iterdir()] == [modules.name]

    def test_build_b_is_this_tree_with_its_changes(self, tmp_path: Path) -> None:
        """Guarantees that what is not committed is measured too."""
        assert order(tmp_path, against="HEAD").scenario.arms[CANDIDATE].env["PYTHONPATH"] == str(checkout())

    def test_builds_may_be_any_command(self, tmp_path: Path) -> None:
        """Guarantees that two programs of a user's own can be compared."""
        found = order(tmp_path, worker_a="python 'old one.py'", worker_b="python new.py --fast")
        assert found.scenario.arms[BASELINE].worker.command == ("python", "old one.py")
        assert found.scenario.arms[CANDIDATE].worker.command == ("python", "new.py", "--fast")
        assert "PYTHONPATH" not in found.scenario.arms[BASELINE].env

    def test_auto_is_a_commit_of_this_checkout(self) -> None:
        """Guarantees that a gate without options has something to compare with."""
        assert builds.chosen_ref("v1.2") == "v1.2"
        assert builds.chosen_ref(builds.AUTO)


class TestStoredBaseline:
    """A file, or the run directory of a gate."""

    def test_its_repeats_are_build_a(self, tmp_path: Path, stored: Path) -> None:
        """Guarantees that only the candidate is played against it."""
        found = order(tmp_path, baseline=stored)
        assert found.stored == REPEATS
        assert list(found.scenario.arms) == [CANDIDATE]

    def test_a_run_directory_is_one_too(self, tmp_path: Path, stored: Path) -> None:
        """Guarantees --baseline RUN."""
        stored.rename(tmp_path / "baseline.json")
        assert order(tmp_path, baseline=tmp_path).stored == REPEATS

    @pytest.mark.parametrize("fact", ["cores", "kernel", "cgroup", "CPython", "libc"])
    def test_one_of_another_machine_is_refused_and_the_difference_said(
        self, tmp_path: Path, stored: Path, fact: str
    ) -> None:
        """Guarantees exit 2, with what differs: a difference between machines is no difference between builds."""
        document = json.loads(stored.read_text())
        here = document["machine"][fact]
        document["machine"][fact] = "another"
        stored.write_text(json.dumps(document))
        with pytest.raises(
            UsageError, match=f"another machine: {fact} another, here {here}; measure one here"
        ) as caught:
            order(tmp_path, baseline=stored)
        assert caught.value.exit_code == 2

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"scenario_digest": "0"}, "the baseline is of another memory_gate than this memory_gate"),
            ({"repeats": [{"peak": 88.0}]}, "holds 1 repeats; 3 are needed"),
            ({"schema_version": 2}, "its schema_version is 2, not 1"),
            ({"repeats": [{"peak": "many"}] * 3}, "not a baseline"),
            ({"machine": None}, "not a baseline"),
        ],
        ids=["another workload", "too few", "a later form", "no figures", "no machine"],
    )
    def test_one_that_says_nothing_is_refused(
        self, tmp_path: Path, stored: Path, change: dict[str, Any], said: str
    ) -> None:
        """Guarantees that no baseline is compared with what it is not the baseline of."""
        stored.write_text(json.dumps({**json.loads(stored.read_text()), **change}))
        with pytest.raises(UsageError, match=said):
            order(tmp_path, baseline=stored)

    def test_a_file_that_is_not_there_is_said_with_the_remedy(self, tmp_path: Path) -> None:
        """Guarantees the way to get one."""
        with pytest.raises(UsageError, match="No such file or directory; harness gate --save-baseline FILE"):
            order(tmp_path, baseline=tmp_path / "none.json")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"against": "no-such-ref"}, "--against no-such-ref: no such commit"),
        ({"against": "HEAD", "worker_a": "x"}, "--against and --worker-a: build A is one of them"),
        ({"worker_a": "'"}, "--worker-a"),
        ({"worker_b": " "}, "--worker-b: give the worker's command line"),
        ({"effect": "5"}, "--effect: '5' is not a share"),
        ({"growth_effect": "5"}, "--growth-effect: '5' is not a size"),
        ({"find": "2%"}, "a rise within --effect 3% is let pass"),
        ({"power": 1.0}, "--power 1: give a number between 0 and 1"),
        ({"repeats": 2}, "--repeats 2: give 3 to 100"),
        ({"limit": "cgroup-v3"}, "--limit cgroup-v3: there are auto"),
        ({"scenario": "incident_1142"}, "a gate's scenario has one arm"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """Guarantees exit 2 with the option, its value and the remedy, before anything is started."""
    with pytest.raises(UsageError, match=said):
        order(
            tmp_path, **{"worker_a": "python a.py", **({"worker_a": None} if "against" in changes else {}), **changes}
        )


OWN = """
name: own_builds
claim: A worker of one's own is compared with another build of it.
memory_limit: 500 MiB
messages: {size_min: 10 kB, size_max: 20 kB}
timeline:
  - {phase: load, from: "11:00:00", to: "11:01:00", arrivals: 60/min, dependency: {default: {mode: answer}}}
arms:
  mine:
    role: after
    worker: {command: ["{python}", old.py], env: {TENANT: acme}}
    timers: {TIMEOUT: 20s}
    expect: {never_killed: {}}
"""


class TestOwnWorkers:
    """Builds of a worker that nobody here wrote."""

    def test_folder_environment_timers_and_expectations_are_the_scenarios(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guarantees that two commands run where the scenario's own does, with what it has, wherever one is."""
        (tmp_path / "own.yaml").write_text(OWN)
        monkeypatch.chdir("/")
        found = order(
            tmp_path, scenario=str(tmp_path / "own.yaml"), worker_a="{python} old.py", worker_b="{python} new.py"
        )

        for name, program in ((BASELINE, "old.py"), (CANDIDATE, "new.py")):
            arm = found.scenario.arms[name]
            assert (arm.worker.command, arm.worker.folder) == (("{python}", program), str(tmp_path))
            assert (arm.worker.env, arm.timers) == ({"TENANT": "acme"}, {"TIMEOUT": 20.0})
            assert (arm.expect.never_killed is not None, arm.expect.all_answered) == (True, None)

    def test_without_a_worker_b_it_is_the_scenarios_own(self, tmp_path: Path) -> None:
        """Guarantees that a command is not taken for a module of the checkout."""
        (tmp_path / "own.yaml").write_text(OWN)
        found = order(tmp_path, scenario=str(tmp_path / "own.yaml"), worker_a="{python} older.py")

        assert found.candidate.label == "the scenario's own worker"
        assert found.scenario.arms[CANDIDATE].worker.command == ("{python}", "old.py")
        assert "PYTHONPATH" not in found.scenario.arms[CANDIDATE].env

    def test_the_default_workload_asks_of_commands_what_can_be_seen_from_outside(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guarantees the example of --help: no call hangs, no table is read, and the folder is the one of the shell."""
        monkeypatch.chdir(tmp_path)
        found = order(tmp_path, worker_a="{python} old.py", worker_b="{python} old.py").scenario
        arm = found.arms[CANDIDATE]

        assert arm.worker.folder == str(tmp_path)
        assert {check.key for check, _ in arm.expect.expected} == {"never_killed", "all_answered"}
        assert not any(phase.dependency.faulty_modes for phase in found.timeline if phase.dependency)

    def test_a_command_that_cannot_be_started_is_refused(self, tmp_path: Path) -> None:
        """Guarantees exit 2 before anything is started."""
        with pytest.raises(UsageError, match="no-such-program"):
            order(tmp_path, worker_a="no-such-program", worker_b="{python} new.py")

    def test_a_commit_of_a_command_is_refused(self, tmp_path: Path) -> None:
        """Guarantees that a scenario of one's own is not compared with a commit of this checkout's worker."""
        (tmp_path / "own.yaml").write_text(OWN)
        with pytest.raises(UsageError, match="give --worker-a"):
            order(tmp_path, scenario=str(tmp_path / "own.yaml"))
