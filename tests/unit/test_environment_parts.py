"""The look at this machine's parts never raises and always has a remedy for what is missing."""

import pytest

from harness.environment import parts
from harness.environment.parts import Part, find_parts


def test_every_part_is_there_or_has_a_remedy() -> None:
    """A doctor that says "missing" says what to do, too."""
    found = find_parts()
    assert {"Python", "RabbitMQ", "Erlang", "Toxiproxy", "free disk", "free memory"} <= {part.name for part in found}
    assert all(part.found or part.remedy for part in found)


def test_on_an_empty_machine_everything_is_missing_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on PATH, no RabbitMQ: each has its remedy, and nothing is raised."""
    monkeypatch.setattr("shutil.which", lambda _name: None)
    monkeypatch.setattr(parts, "find_server", lambda: None)
    monkeypatch.setattr(parts, "find_toxiproxy", lambda: None)
    monkeypatch.setattr(parts, "find_postgres", lambda: None)
    found = {part.name: part for part in find_parts()}
    assert "apt-get install rabbitmq-server" in found["RabbitMQ"].remedy
    assert found["RabbitMQ"].needed
    assert "go install" in found["Toxiproxy"].remedy
    assert not found["Toxiproxy"].needed
    assert "make test-parts" in found["PostgreSQL"].remedy
    assert not found["PostgreSQL"].needed
    for name in ("RabbitMQ", "Erlang", "Toxiproxy", "PostgreSQL", "Docker engine", "Chromium"):
        assert found[name].found is None, name


def test_a_machine_that_is_too_small_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little room is as good as none, and how much there is is shown."""
    monkeypatch.setattr(parts, "_DISK_NEEDED_BYTES", 2**60)
    monkeypatch.setattr(parts, "_MEMORY_NEEDED_BYTES", 2**60)
    found = {part.name: part for part in find_parts()}
    for name in ("free disk", "free memory"):
        assert found[name].found is None
        assert "GiB" in str(found[name].version)
        assert "a full replay needs" in found[name].remedy


def test_a_look_that_fails_is_reported_and_not_raised() -> None:
    """One broken look does not cost the others."""

    def broken() -> Part:
        raise RuntimeError("boom")

    part = parts._look("Docker engine", broken)
    assert part.found is None
    assert "boom" in part.remedy
