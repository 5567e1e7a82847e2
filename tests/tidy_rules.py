"""The limits on this tree's Python, each a pure function from one source file to the breaches in it.

Used by ``tests/unit/test_tidy.py`` alone. A breach is a sentence: where, what was found, what the limit is. Nothing
here reads the disk, and nothing repeats what ruff checks already, except the line length, which ruff waives for lines
that end in a URL.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# Smoke alarms, not aims: a file is one whole idea, and is never split to please a limit.
SOURCE_FILE_LINES_MAX = 500
TEST_FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60  # from ``def`` to the last line, docstring included, decorators not
LINE_CHARACTERS_MAX = 120

# Names that say nothing of what a file holds, so that anything ends up in it.
EMPTY_NAMES = frozenset({"util", "utils", "common", "helper", "helpers", "core", "misc"})
# Locust patches the whole process with gevent as soon as it is imported; this file runs in a process of its own.
LOCUST_IMPORTER = "harness/load/locustfile.py"
# Who may block a thread for a fixed time, by top-level folder. Everybody else waits for a condition, through
# harness.waiting, or on something that ends early (threading.Event.wait, asyncio.sleep). In folders that
# are not
# named here, reports and tests among them: nobody.
SLEEPERS = {
    "harness": frozenset({"harness/waiting.py"}),
    "worker_under_test": frozenset(
        {
            # The incident itself: the original worker sleeps with the failed call's exception in hand.
            "worker_under_test/remedies/exception_retention.py",
            # Nothing to serve and nothing to wait on: the connection is gone and messages are still in hand.
            "worker_under_test/rabbitmq_consumer.py",
        }
    ),
    "fake_mem0": frozenset[str](),
}
# Pieces, so that this file passes its own rule.
_WAYS_OUT = frozenset({"sk" + "ip", "sk" + "ipif", "x" + "fail", "import" + "orskip"})


@dataclass(frozen=True)
class Source:
    """One Python file: its path relative to the checkout, and its text."""

    path: PurePosixPath
    text: str

    @property
    def is_test(self) -> bool:
        """Whether it lies under tests/, where the longer limit holds."""
        return self.path.parts[0] == "tests"

    @property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, filename=str(self.path))


def long_file(source: Source) -> list[str]:
    """A file is one idea: at most 500 lines, a test file at most 600."""
    limit = TEST_FILE_LINES_MAX if source.is_test else SOURCE_FILE_LINES_MAX
    lines = len(source.text.splitlines())
    return [f"{source.path} has {lines} lines, the limit is {limit}: split it by idea"] if lines > limit else []


def long_functions(source: Source) -> list[str]:
    """A function fits a screen: at most 60 lines."""
    return [
        f"{source.path}:{node.lineno} {node.name} has {lines} lines, the limit is {FUNCTION_LINES_MAX}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def long_lines(source: Source) -> list[str]:
    """A line has at most 120 characters, whatever it ends in. Holds for shell scripts and the Makefile too."""
    return [
        f"{source.path}:{number} has {len(line)} characters, the limit is {LINE_CHARACTERS_MAX}"
        for number, line in enumerate(source.text.splitlines(), start=1)
        if len(line) > LINE_CHARACTERS_MAX
    ]


def missing_docstring(source: Source) -> list[str]:
    """A module opens with what it is, who uses it, and what it does not do.

    That takes more than one sentence, except in tests, whose functions have their own sentences, and in ``__init__``.
    """
    docstring = ast.get_docstring(source.tree)
    if not docstring:
        return [f"{source.path} does not open with a docstring: what it is, who uses it, what it does not do"]
    may_be_short = source.is_test or source.path.stem.startswith("__")
    if not may_be_short and len(re.findall(r"[.:;](?:\s|$)", docstring)) < 2:
        return [f"{source.path}'s docstring is one sentence: say also who uses it, or what it does not do"]
    return []


def stray_locust_import(source: Source) -> list[str]:
    """Locust is imported in one file, because importing it patches the process."""
    if str(source.path) == LOCUST_IMPORTER:
        return []
    return [
        f"{source.path}:{line} imports locust, which only {LOCUST_IMPORTER} may"
        for line, module, _ in _imports(source.tree)
        if module.split(".")[0] == "locust"
    ]


def stray_sleep(source: Source) -> list[str]:
    """Nobody uses ``time.sleep`` but the files named in ``SLEEPERS``: a wait is for a named condition.

    A test may hand it on to what it tests, and may not call it.
    """
    if str(source.path) in SLEEPERS.get(source.path.parts[0], frozenset[str]()):
        return []
    names = _names_of_time(source.tree)
    nodes = list(ast.walk(source.tree))
    if source.is_test:
        nodes = [node.func for node in nodes if isinstance(node, ast.Call)]
    lines = [line for line, module, name in _imports(source.tree) if (module, name) == ("time", "sleep")]
    lines += [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Attribute)
        and node.attr == "sleep"
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    ]
    return [f"{source.path}:{line} uses time.sleep; wait for a named condition instead" for line in sorted(lines)]


def empty_name(source: Source) -> list[str]:
    """No module and no folder has a name that says nothing."""
    return [
        f"{source.path}: {name!r} says nothing of what is in it"
        for name in (*source.path.parts[:-1], source.path.stem)
        if name in EMPTY_NAMES
    ]


def shadowing_name(source: Source) -> list[str]:
    """No module and no folder has the name of one of the standard library's modules."""
    return [
        f"{source.path}: {name!r} is the name of a standard library module"
        for name in (*source.path.parts[:-1], source.path.stem)
        if name in sys.stdlib_module_names
    ]


def way_out_of_a_test(source: Source) -> list[str]:
    """No test is left out or expected to fail: a missing part fails, and its message says the remedy."""
    if not source.is_test:
        return []
    return [
        f"{source.path}:{node.lineno} uses pytest's {node.attr}; let the test fail and say the remedy"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and node.attr in _WAYS_OUT and ast.unparse(node.value).startswith("pytest")
    ]


def repeated_test_names(paths: Sequence[PurePosixPath]) -> list[str]:
    """Test files have names of their own: test folders are not packages, and a failure is found by its file's name."""
    counts = Counter(path.name for path in paths if path.name.startswith("test_"))
    return [f"{name} is the name of {count} test files" for name, count in counts.items() if count > 1]


def _imports(tree: ast.Module) -> Iterator[tuple[int, str, str | None]]:
    """Yield (line, module, name taken from it or None) for every absolute import in the file, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, node.module or "", alias.name) for alias in node.names)


def _names_of_time(tree: ast.Module) -> set[str]:
    """Return the names under which ``import time as …`` makes the module known."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "time"
    }
