"""The engine knows no incident: none of the incident's words is in ``harness`` or ``reports`` outside its package.

What is allowed is the name of the package, and ``fake_mem0`` where it is started or its source is named.
"""

import re
from pathlib import PurePosixPath

import pytest

from tests.checkout_files import CHECKOUT, checkout_files
from tests.tidy_rules import Source

WORDS = re.compile(r"conversation|mem0|extract_facts|friendship|ten threads", re.IGNORECASE)
ENGINE = ("harness", "reports")
INCIDENTS = PurePosixPath("harness/incidents")
PACKAGE = "pika_mem0"
PROCESS = "fake_mem0"
NAME_THE_PROCESS = {PurePosixPath("harness/environment/dependency.py"), PurePosixPath("harness/matrix/folder.py")}


def words_in(source: Source) -> list[str]:
    """Return where the incident's words stand, one sentence for each line."""
    if source.path.parts[0] not in ENGINE or source.path.is_relative_to(INCIDENTS):
        return []
    allowed = (PACKAGE, PROCESS) if source.path in NAME_THE_PROCESS else (PACKAGE,)
    found = []
    for number, line in enumerate(source.text.splitlines(), start=1):
        rest = re.sub("|".join(allowed), "", line)
        if word := WORDS.search(rest):
            found.append(f"{source.path}:{number} says {word[0]!r}: that is the incident's; put it into {INCIDENTS}")
    return found


def test_the_engine_says_no_word_of_the_incident() -> None:
    """Guarantees the wall between the two layers: a second incident changes no file of the engine."""
    sources = [
        Source(PurePosixPath(path.relative_to(CHECKOUT).as_posix()), path.read_text(encoding="utf-8"))
        for path in checkout_files(CHECKOUT)
        if path.suffix in {".py", ".j2", ".css"}
    ]
    found = [sentence for source in sources for sentence in words_in(source)]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        'KEY = "conversation_id"',
        "# what pika-mem0 answers",
        'PATH = "/extract_facts"',
        "friendship_score = 0",
        '"""Ten threads."""',
        'argv = ("-m", "fake_mem0")',
    ],
)
def test_a_planted_word_is_found(line: str) -> None:
    """Guarantees that the rule turns red, whatever the word's case, in a file of either folder."""
    for path in ("harness/trial/planted.py", "reports/planted.py"):
        (sentence,) = words_in(Source(PurePosixPath(path), f"x = 1\n{line}\n"))
        assert sentence.startswith(f"{path}:2 says")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("harness/incidents/pika_mem0/payload.py", 'KEY = "conversation_id"'),
        ("harness/environment/dependency.py", 'argv = ("-m", "fake_mem0")'),
        ("harness/record/runs.py", 'incident: str = "pika_mem0"'),
        ("tests/unit/test_planted.py", "conversation"),
    ],
)
def test_what_stands_on_its_own_side_is_allowed(path: str, line: str) -> None:
    """Guarantees that the package may say its own words, and that the process may be named where it is started."""
    assert words_in(Source(PurePosixPath(path), line)) == []
