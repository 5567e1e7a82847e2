"""The limits this tree keeps on its own Python: lengths, names, docstrings, who may sleep and who may import locust.

Each limit is checked on the whole tree, and shown to turn red on a planted sample. The rules themselves are in
``tests/tidy_rules.py``.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from tests import tidy_rules
from tests.checkout_files import CHECKOUT, checkout_files
from tests.tidy_rules import Source

Rule = Callable[[Source], list[str]]

_LONG_DOCSTRING = '"""What it is. What it is not."""\n'

# Each rule beside a file that breaks it: a path and a text.
RULES: list[tuple[Rule, str, str]] = [
    (tidy_rules.long_file, "harness/planted.py", "x = 1\n" * 501),
    (tidy_rules.long_file, "tests/unit/test_planted.py", "x = 1\n" * 601),
    (tidy_rules.long_functions, "harness/planted.py", "def f():\n" + "    x = 1\n" * 60),
    (tidy_rules.long_functions, "harness/planted.py", "class A:\n    async def f(self):\n" + "        x = 1\n" * 60),
    (tidy_rules.long_lines, "harness/planted.py", "# https://" + "x" * 111),
    (tidy_rules.missing_docstring, "harness/planted.py", "x = 1\n"),
    (tidy_rules.missing_docstring, "harness/planted.py", '"""One sentence."""\n'),
    (tidy_rules.missing_docstring, "tests/unit/test_planted.py", "x = 1\n"),
    (tidy_rules.stray_locust_import, "harness/load/driver.py", "def f():\n    from locust.env import Environment\n"),
    (tidy_rules.stray_locust_import, "tests/unit/test_planted.py", "import locust as load\n"),
    (tidy_rules.stray_sleep, "harness/trial/planted.py", "import time\ntime.sleep(1)\n"),
    (tidy_rules.stray_sleep, "harness/trial/planted.py", "from time import sleep\nsleep(1)\n"),
    (tidy_rules.stray_sleep, "harness/load/planted.py", "import time\nPublisher(sleep=time.sleep)\n"),
    (tidy_rules.stray_sleep, "reports/planted.py", "import time as t\nt.sleep(1)\n"),
    (tidy_rules.stray_sleep, "tests/unit/test_planted.py", "import time\ntime.sleep(1)\n"),
    (tidy_rules.empty_name, "harness/util.py", ""),
    (tidy_rules.empty_name, "harness/common/clock.py", ""),
    (tidy_rules.shadowing_name, "harness/queue.py", ""),
    (tidy_rules.shadowing_name, "harness/signal/planted.py", ""),
    (tidy_rules.way_out_of_a_test, "tests/unit/test_planted.py", "import pytest\npytest.sk" + "ip('no broker')\n"),
    (tidy_rules.way_out_of_a_test, "tests/unit/test_planted.py", "@pytest.mark.x" + "fail\ndef test_x(): ...\n"),
]
# What stands next to a limit and is allowed.
ALLOWED: list[tuple[Rule, str, str]] = [
    (tidy_rules.long_file, "harness/planted.py", "x = 1\n" * 500),
    (tidy_rules.long_file, "tests/unit/test_planted.py", "x = 1\n" * 600),
    (tidy_rules.long_functions, "harness/planted.py", "@decorated\ndef f():\n" + "    x = 1\n" * 59),
    (tidy_rules.long_lines, "harness/planted.py", "x" * 120),
    (tidy_rules.missing_docstring, "harness/planted.py", _LONG_DOCSTRING),
    (tidy_rules.missing_docstring, "harness/__init__.py", '"""One sentence."""\n'),
    (tidy_rules.stray_locust_import, "harness/load/locustfile.py", "from locust import User\n"),
    (tidy_rules.stray_sleep, "harness/waiting.py", "import time\ntime.sleep(1)\n"),
    (tidy_rules.stray_sleep, "tests/unit/test_planted.py", "import time\nPublisher(sleep=time.sleep)\n"),
    (tidy_rules.stray_sleep, "fake_mem0/planted.py", "import asyncio\nawait asyncio.sleep(1)\n"),
    (tidy_rules.empty_name, "harness/waiting.py", ""),
    (tidy_rules.shadowing_name, "harness/clock.py", ""),
    (tidy_rules.way_out_of_a_test, "tests/unit/test_planted.py", "@pytest.mark.docker\ndef test_x(): ...\n"),
]


def name_of(value: object) -> str:
    """Name a case by its rule and its path, not by the text planted."""
    if isinstance(value, str):
        return value if value.endswith(".py") else ""
    return str(getattr(value, "__name__", value))


def sources(root: Path, *suffixes: str) -> list[Source]:
    """Read the files of the tree that end in one of ``suffixes``."""
    return [
        Source(PurePosixPath(path.relative_to(root).as_posix()), path.read_text(encoding="utf-8"))
        for path in checkout_files(root)
        if path.name.endswith(suffixes)
    ]


@pytest.mark.parametrize("rule", list(dict.fromkeys(rule for rule, _, _ in RULES)), ids=name_of)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    """Guarantees that no Python file of this checkout breaks the rule."""
    breaches = [breach for source in sources(CHECKOUT, ".py") for breach in rule(source)]

    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(("rule", "path", "text"), RULES, ids=name_of)
def test_the_rule_turns_red_on_a_planted_file(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    """Guarantees that a file which breaks the rule is found, and named, when it lies in a tree."""
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(text, encoding="utf-8")

    breaches = [breach for source in sources(tmp_path, ".py") for breach in rule(source)]

    assert len(breaches) == 1
    assert breaches[0].startswith(path)


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED, ids=name_of)
def test_the_rule_allows_what_stands_just_inside_it(rule: Rule, path: str, text: str) -> None:
    """Guarantees that the limits are the ones written down: one line less, or the one allowed file, is no breach."""
    assert rule(Source(PurePosixPath(path), text)) == []


def test_scripts_keep_the_line_length_too() -> None:
    """Guarantees that shell scripts and the Makefile have no line over 120 characters."""
    breaches = [
        breach for source in sources(CHECKOUT, ".sh", "Makefile", ".ci/run") for breach in tidy_rules.long_lines(source)
    ]

    assert not breaches, "\n".join(breaches)


def test_test_files_have_names_of_their_own() -> None:
    """Guarantees that no two test files share a name."""
    assert tidy_rules.repeated_test_names([source.path for source in sources(CHECKOUT, ".py")]) == []


def test_two_test_files_of_one_name_are_found() -> None:
    """Guarantees that a second file of a name turns the rule above red."""
    paths = [PurePosixPath("tests/unit/test_a.py"), PurePosixPath("tests/integration/test_a.py")]

    assert tidy_rules.repeated_test_names(paths) == ["test_a.py is the name of 2 test files"]


def test_a_tree_without_git_is_listed_by_the_same_rules(tmp_path: Path) -> None:
    """Guarantees that an unpacked archive is checked like a clone: what .gitignore names is left out."""
    (tmp_path / ".gitignore").write_text("runs/\n", encoding="utf-8")
    (tmp_path / "kept.py").write_text("", encoding="utf-8")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "made.py").write_text("", encoding="utf-8")

    assert [path.name for path in checkout_files(tmp_path)] == [".gitignore", "kept.py"]
