"""What must not, and what must, stand in this repository's files, each a pure function from a text to its breaches.

Used by ``tests/unit/test_repo_hygiene.py`` alone. A breach is a sentence. Nothing here reads the disk; the one rule
that runs a program, ``shell_errors``, hands the text to bash to parse, and nothing of it is executed.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator

import yaml

FILE_BYTES_MAX = 400 * 1024

# In pieces, so that this file names none of them. Where packages come from is the machine's configuration, not this
# repository's: behind a mirror, a host written down here is a host that can't be reached.
_REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "deb.deb" + "ian.org",
    "security.deb" + "ian.org",
    "proxy.go" + "lang.org",
    "sum.go" + "lang.org",
)
_MACHINE_PATHS = re.compile(r"(?<![\w.$}-])/(?:" + "|".join(("wo" + "rk", "fa" + "rm", "root/\\.py" + "env")) + r")/")
_LOCK_PIN = re.compile(r"[a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,_-]+\])?==\S+(?: ; .+)?")
_LOCK_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_MAKE_TARGET = re.compile(r"\bmake((?: +[A-Za-z_-][\w-]*(?:=(?:\"[^\"]*\"|'[^']*'|\S*))?)+)")
_SHELL_TIMEOUT_S = 10


def registry_hosts(text: str) -> list[str]:
    """No host of a package registry is named."""
    lowered = text.lower()
    return [f"names the package registry {host}" for host in _REGISTRY_HOSTS if host in lowered]


def machine_paths(text: str) -> list[str]:
    """No path of the machine that a file was written on is named."""
    return [f"names the path {found.group()} of one machine" for found in _MACHINE_PATHS.finditer(text)]


def oversize(size_bytes: int) -> list[str]:
    """A tracked file has at most 400 KiB: more is a product or a data set, and every clone carries it for ever."""
    return [f"has {size_bytes} bytes, the limit is {FILE_BYTES_MAX}"] if size_bytes > FILE_BYTES_MAX else []


def lock_breaches(text: str) -> list[str]:
    """Every package of a lock file is pinned and has a hash, and no line says where to get it."""
    return [breach for requirement in _requirements(text) for breach in _requirement_breaches(requirement)]


def make_targets_named(markdown: str) -> set[str]:
    """Return the targets of every ``make …`` that a Markdown text shows as code; prose ("make sure") does not count."""
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", markdown, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    commands = [line.split("#")[0] for block in fenced for line in block.splitlines()]
    commands += re.findall(r"`([^`\n]+)`", prose)
    words = [word for command in commands for found in _MAKE_TARGET.findall(command) for word in found.split()]
    return {word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)}


def make_targets_defined(makefile: str) -> set[str]:
    """Return the targets that a Makefile defines."""
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, flags=re.MULTILINE))


def workflow_breaches(text: str) -> list[str]:
    """A workflow is YAML with jobs; its rights are named, every job has a time limit, every action a version tag."""
    try:
        workflow = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [f"is not YAML: {' '.join(str(error).split())}"]
    if not isinstance(workflow, dict) or not isinstance(workflow.get("jobs"), dict):
        return ["has no jobs"]
    breaches = [] if "permissions" in workflow else ["does not say its permissions: name the least that it needs"]
    for name, job in workflow["jobs"].items():
        if "timeout-minutes" not in job:
            breaches.append(f"job {name} has no timeout-minutes")
        actions = [step["uses"] for step in job.get("steps", []) if "uses" in step]
        breaches += [f"{action} is not pinned by a version tag" for action in actions if not _is_pinned(action)]
    return breaches


def shell_errors(text: str) -> list[str]:
    """A shell script is one that bash can parse."""
    parsed = subprocess.run(
        ["bash", "-n"], input=text, capture_output=True, text=True, timeout=_SHELL_TIMEOUT_S, check=False
    )
    return [] if parsed.returncode == 0 else [parsed.stderr.strip()]


def lenient_script(text: str) -> list[str]:
    """A shell script that is run, not sourced, stops at the first failure, unset variable or broken pipe."""
    runs = text.startswith("#!")
    return ["does not say 'set -euo pipefail'"] if runs and "\nset -euo pipefail\n" not in text else []


def unrunnable(text: str, *, is_executable: bool) -> list[str]:
    """A file that begins with ``#!`` can be run."""
    return ["begins with #! and is not executable"] if text.startswith("#!") and not is_executable else []


def _is_pinned(action: str) -> bool:
    return re.fullmatch(r"[\w./-]+@v\d+(?:\.\d+)*", action) is not None


def _requirements(text: str) -> Iterator[list[str]]:
    """Yield each logical line of a lock file, cut at its continuations; comments and empty lines are left out."""
    parts: list[str] = []
    for line in text.splitlines():
        stripped = line.split(" #")[0].strip()
        if not stripped or stripped.startswith("#"):
            continue
        parts.append(stripped.removesuffix("\\").strip())
        if not stripped.endswith("\\"):
            yield parts
            parts = []
    if parts:
        yield parts


def _requirement_breaches(parts: list[str]) -> Iterable[str]:
    first, hashes = parts[0], parts[1:]
    if not _LOCK_PIN.fullmatch(first):
        yield f"{first!r} is not a package pinned with =="
    elif not hashes:
        yield f"{first!r} has no hash"
    yield from (f"{first!r} has {part!r}, which is no hash" for part in hashes if not _LOCK_HASH.fullmatch(part))
