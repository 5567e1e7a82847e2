"""The files of this checkout that are, or are about to be, tracked by git: what the tidy and hygiene tests read.

It runs git and reads the disk; it judges nothing. A tree that came without its ``.git`` is listed by the same rules,
from ``.gitignore``.
"""

import subprocess
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

_LIST = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
_GIT_TIMEOUT_S = 30


def checkout_files(root: Path = CHECKOUT) -> list[Path]:
    """Return the files under ``root`` that git does not ignore, as absolute paths, sorted.

    Needs git itself: without it the answer would depend on what happens to lie around, so FileNotFoundError says so.
    """
    listed = _git(root, *_LIST)
    if listed.returncode != 0:
        with tempfile.TemporaryDirectory() as empty_repository:
            _git(root, "init", "--quiet", "--bare", empty_repository).check_returncode()
            listed = _git(root, f"--git-dir={empty_repository}", f"--work-tree={root}", "-c", "core.bare=false", *_LIST)
            listed.check_returncode()
    paths = [root / name for name in listed.stdout.split("\0") if name]
    return sorted({path for path in paths if path.is_file() and not path.is_symlink()})


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        msg = "git is needed to tell this tree's files from what was made in it; remedy: sudo apt-get install git"
        raise FileNotFoundError(msg) from error
