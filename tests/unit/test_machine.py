"""What the manifest says of the machine: always an answer, also where there is nothing to be found."""

import platform
from pathlib import Path

import pytest

from harness.machine import checkout, machine_facts, package_versions


def test_the_checkout_is_the_folder_of_this_tree() -> None:
    """Guarantees the working directory of every part."""
    assert (checkout() / "harness" / "machine.py").is_file()


def test_versions_name_the_parts_that_shape_a_result() -> None:
    """Guarantees Python, the client libraries and the harness's own commit in every manifest."""
    versions = package_versions()

    assert versions["Python"] == platform.python_version()
    assert versions["pika"][0].isdecimal()
    assert versions["harness"]


def test_facts_name_kernel_cores_and_memory() -> None:
    """Guarantees what a measured second has to be read beside."""
    facts = machine_facts()

    assert facts["kernel"] == platform.release()
    assert int(facts["cores"]) >= 1
    assert facts["memory"].endswith(" GiB")
    assert facts["processor"]


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Guarantees a manifest on a machine without git, and for a tree that is no checkout."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert package_versions()["harness"] == "unknown"


def test_a_package_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarantees a word instead of an error for a part that a subject does without."""
    monkeypatch.setattr("harness.machine._PACKAGES", ("no-such-package-here",))
    assert package_versions()["no-such-package-here"] == "not installed"
