"""What this repository may hold: no registry host, no machine's path, whole hashes, small files, scripts that parse.

Each rule is checked on the tracked files, and shown to turn red on a planted sample. The rules themselves are in
``tests/hygiene_rules.py``.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import hygiene_rules
from tests.checkout_files import CHECKOUT, checkout_files

TextRule = Callable[[str], list[str]]

HASH = "--hash=sha256:" + "0" * 64
WORKFLOW = "permissions: {}\njobs:\n  test:\n    timeout-minutes: 5\n    steps: [{uses: actions/checkout@v4}]\n"
SCRIPT = "#!/usr/bin/env bash\nset -euo pipefail\necho done\n"


def any_file(_: Path, text: str) -> bool:
    """Every tracked file, whatever it is."""
    return "\0" not in text


def lock_file(path: Path, _: str) -> bool:
    """The locked requirements."""
    return path.name == "requirements.lock"


def workflow(path: Path, _: str) -> bool:
    """A workflow of the hosted CI."""
    return path.parent.name == "workflows"


def shell_script(path: Path, text: str) -> bool:
    """A script for bash, whether its name says so or its first line."""
    first_line = text.split("\n", 1)[0]
    return path.suffix == ".sh" or (first_line.startswith("#!") and first_line.endswith("sh"))


# Each rule, the files it is for, and a text that breaks it.
RULES: list[tuple[TextRule, Callable[[Path, str], bool], str, str]] = [
    (hygiene_rules.registry_hosts, any_file, "notes.md", "see https://files.Python" + "Hosted.org/x\n"),
    (hygiene_rules.registry_hosts, any_file, "requirements.lock", "--index-url https://py" + "pi.org/simple\n"),
    (hygiene_rules.registry_hosts, any_file, "sources.list", "deb http://deb.deb" + "ian.org/debian trixie main\n"),
    (hygiene_rules.machine_paths, any_file, "notes.md", "run it in /wo" + "rk/main\n"),
    (hygiene_rules.machine_paths, any_file, "planted.py", "ROOT = '/fa" + "rm/'\n"),
    (hygiene_rules.lock_breaches, lock_file, "requirements.lock", "pika==1.4.0\n    # via x\n"),
    (hygiene_rules.lock_breaches, lock_file, "requirements.lock", f"pika>=1.4.0 \\\n    {HASH}\n"),
    (hygiene_rules.lock_breaches, lock_file, "requirements.lock", f"pika==1.4.0 \\\n    {HASH[:-1]}\n"),
    (hygiene_rules.lock_breaches, lock_file, "requirements.lock", f"--find-links x\npika==1.4.0 \\\n    {HASH}\n"),
    (hygiene_rules.workflow_breaches, workflow, ".github/workflows/ci.yml", "jobs: [unclosed\n"),
    (hygiene_rules.workflow_breaches, workflow, ".github/workflows/ci.yml", "name: ci\n"),
    (hygiene_rules.workflow_breaches, workflow, ".github/workflows/ci.yml", WORKFLOW.replace("permissions", "rights")),
    (hygiene_rules.workflow_breaches, workflow, ".github/workflows/ci.yml", WORKFLOW.replace("timeout-", "limit-")),
    (hygiene_rules.workflow_breaches, workflow, ".github/workflows/ci.yml", WORKFLOW.replace("@v4", "@main")),
    (hygiene_rules.shell_errors, shell_script, "planted.sh", "if true; then\n"),
    (hygiene_rules.lenient_script, shell_script, "planted", "#!/bin/bash\nset -e\n"),
]
ALLOWED: list[tuple[TextRule, str]] = [
    (hygiene_rules.registry_hosts, "apt-get install docker.io; go install github.com/Shopify/toxiproxy\n"),
    (hygiene_rules.machine_paths, "net/work/queue, $HOME/work/ and ./work/ are nobody's machine\n"),
    (hygiene_rules.lock_breaches, f"# a comment\ntyper[all]==0.12 ; os_name == 'nt' \\\n    {HASH} \\\n    {HASH}\n"),
    (hygiene_rules.workflow_breaches, WORKFLOW),
    (hygiene_rules.shell_errors, SCRIPT),
    (hygiene_rules.lenient_script, SCRIPT),
    (hygiene_rules.lenient_script, "# sourced by others\n"),
]


def breaches_in(root: Path, rule: TextRule, concerns: Callable[[Path, str], bool]) -> list[str]:
    """Apply a rule to the files under ``root`` that it is for; each breach begins with the file's path."""
    texts = [(path, path.read_text(encoding="utf-8", errors="replace")) for path in checkout_files(root)]
    return [
        f"{path.relative_to(root)} {breach}" for path, text in texts if concerns(path, text) for breach in rule(text)
    ]


@pytest.mark.parametrize(
    ("rule", "concerns"),
    list({rule: concerns for rule, concerns, _, _ in RULES}.items()),
    ids=lambda value: value.__name__,
)
def test_the_repository_keeps_the_rule(rule: TextRule, concerns: Callable[[Path, str], bool]) -> None:
    """Guarantees that no tracked file breaks the rule, and that there is a file it is for."""
    concerned = [
        path for path in checkout_files() if concerns(path, path.read_text(encoding="utf-8", errors="replace"))
    ]

    breaches = breaches_in(CHECKOUT, rule, concerns)

    assert concerned
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(("rule", "concerns", "name", "text"), RULES)
def test_the_rule_turns_red_on_a_planted_file(
    tmp_path: Path, rule: TextRule, concerns: Callable[[Path, str], bool], name: str, text: str
) -> None:
    """Guarantees that a file which breaks the rule is found, and named, when it lies in a tree."""
    planted = tmp_path / name
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text, encoding="utf-8")

    breaches = breaches_in(tmp_path, rule, concerns)

    assert len(breaches) == 1
    assert breaches[0].startswith(name)


@pytest.mark.parametrize(("rule", "text"), ALLOWED)
def test_the_rule_allows_what_is_no_breach(rule: TextRule, text: str) -> None:
    """Guarantees that a rule finds what it is for, and not its neighbours."""
    assert rule(text) == []


def test_no_tracked_file_is_large() -> None:
    """Guarantees that no tracked file is over 400 KiB, and that one byte more would be found."""
    breaches = [
        f"{path} {breach}" for path in checkout_files() for breach in hygiene_rules.oversize(path.stat().st_size)
    ]

    assert not breaches, "\n".join(breaches)
    assert hygiene_rules.oversize(400 * 1024) == []
    assert hygiene_rules.oversize(400 * 1024 + 1) == ["has 409601 bytes, the limit is 409600"]


def test_every_script_that_names_its_interpreter_can_be_run() -> None:
    """Guarantees that a file which begins with #! is executable, and that one which is not would be found."""
    breaches = [
        f"{path} {breach}"
        for path in checkout_files()
        for breach in hygiene_rules.unrunnable(
            path.read_text(encoding="utf-8", errors="replace"), is_executable=os.access(path, os.X_OK)
        )
    ]

    assert not breaches, "\n".join(breaches)
    assert hygiene_rules.unrunnable(SCRIPT, is_executable=False) == ["begins with #! and is not executable"]


def test_every_make_target_that_a_page_shows_exists() -> None:
    """Guarantees that a reader who copies a make command from README or docs finds its target."""
    defined = hygiene_rules.make_targets_defined((CHECKOUT / "Makefile").read_text(encoding="utf-8"))
    pages = [path for path in checkout_files() if path.suffix == ".md"]

    unknown = {
        str(page.relative_to(CHECKOUT)): missing
        for page in pages
        if (missing := hygiene_rules.make_targets_named(page.read_text(encoding="utf-8")) - defined)
    }

    assert pages
    assert unknown == {}


def test_a_make_target_is_found_in_code_and_not_in_prose() -> None:
    """Guarantees that a target shown inline, in a block or after another one is seen, and that prose is not."""
    page = (
        'We make sure of it: `make test ARGS="-k broker"`.\n```sh\nmake setup && sudo make parts  # make it so\n```\n'
    )

    assert hygiene_rules.make_targets_named(page) == {"test", "setup", "parts"}
    assert hygiene_rules.make_targets_defined("BIN := x\nsetup: ## y\nlock clean\ntest: setup\n") == {"setup", "test"}
