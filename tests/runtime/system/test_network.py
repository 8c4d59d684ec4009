"""Addresses by which other computers reach this one."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from photoseek.system import network


def test_addresses_are_of_interfaces_of_this_computer() -> None:
    found = network.interface_addresses()
    assert len(found) == len(set(found))
    for address in found:
        assert not ip_address(address).is_loopback
        with socket.socket() as probe:
            probe.bind((address, 0))  # refused unless an interface has this address


def test_what_no_other_computer_can_reach_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    interfaces = ["127.0.0.1", "172.17.0.1", "169.254.7.7", "192.168.1.20"]
    monkeypatch.setattr(network, "_route_address", lambda: iter(["192.168.1.20"]))
    monkeypatch.setattr(network, "_addresses_of_interfaces", lambda: iter(interfaces))
    assert network.interface_addresses() == ["192.168.1.20", "172.17.0.1"]


def test_a_computer_without_a_network_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unconnected(socket.socket):
        def connect(self, _: object) -> None:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(network.socket, "socket", Unconnected)
    assert list(network._route_address()) == []
