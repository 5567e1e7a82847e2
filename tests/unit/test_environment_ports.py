"""Loopback: free ports, and what is on it."""

import socket

import pytest

from harness.environment.ports import free_port, free_ports, is_loopback
from harness.errors import PartFailedError


def test_ports_are_distinct_and_free() -> None:
    """All of them can be listened on at once."""
    ports = free_ports(10)
    assert len(set(ports)) == 10
    listeners = [socket.create_server(("127.0.0.1", port)) for port in ports]
    for listener in listeners:
        listener.close()


def test_one_port_can_be_listened_on() -> None:
    """A single port is a port like the others."""
    with socket.create_server(("127.0.0.1", free_port())):
        pass


@pytest.mark.parametrize("count", [0, 65])
def test_a_number_of_ports_that_makes_no_sense_is_refused(count: int) -> None:
    """A mistake in a caller does not empty the machine of ports."""
    with pytest.raises(ValueError, match=f"{count} ports"):
        free_ports(count)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_is_loopback(host: str) -> None:
    """Names and addresses of loopback, both versions."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "2001:db8::1"])  # noqa: S104 - shown not to be loopback
def test_other_addresses_are_not(host: str) -> None:
    """A wildcard is no loopback, either."""
    assert not is_loopback(host)


def test_a_name_without_an_address_is_said() -> None:
    """An unknown host is neither on this machine nor elsewhere."""
    with pytest.raises(PartFailedError, match=r"no-such-host\.invalid has no address"):
        is_loopback("no-such-host.invalid")
