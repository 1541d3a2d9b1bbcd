import socket

import pytest

from deploy.local.errors import LaunchError
from deploy.local.ports import choose_ports
from tests.unit.local.conftest import free_port


def test_all_ports_differ_even_where_the_documented_ones_are_taken() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)):
        ports = choose_ports("127.0.0.1", port)
    chosen = [ports.gateway, ports.valkey, ports.model, *ports.metrics]
    assert len(set(chosen)) == 6
    assert ports.gateway == port


def test_a_taken_metrics_port_is_replaced() -> None:
    first = choose_ports("127.0.0.1", free_port())
    with socket.create_server(("127.0.0.1", first.metrics[0])):
        second = choose_ports("127.0.0.1", free_port())
    assert first.metrics[0] not in second.metrics


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(LaunchError, match=r"on 192\.0\.2\.1 can't be used"):
        choose_ports("192.0.2.1", free_port())
