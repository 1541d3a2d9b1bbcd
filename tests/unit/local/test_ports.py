import socket
from contextlib import closing

import pytest

from deploy.local.errors import LaunchError
from deploy.local.ports import METRICS_PORTS, free_port, is_taken, open_listeners, port_of
from tests.support.ipv6 import needs_ipv6
from tests.support.servers import free_port as port_for_the_gateway


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        pytest.param("::1", marks=needs_ipv6),
        pytest.param("::", marks=needs_ipv6),
    ],
)
def test_all_sockets_listen_at_once_whatever_the_address(host: str) -> None:
    port = port_for_the_gateway()
    with closing(open_listeners(host, port)) as listeners:
        assert port_of(listeners.gateway) == port
        local = "::1" if ":" in host else "127.0.0.1"
        for listener in (listeners.gateway, *listeners.metrics):
            socket.create_connection((local, port_of(listener)), timeout=5).close()


def test_two_launchers_never_get_the_same_port() -> None:
    with (
        closing(open_listeners("127.0.0.1", port_for_the_gateway())) as first,
        closing(open_listeners("127.0.0.1", port_for_the_gateway())) as second,
    ):
        held = [port_of(listener) for each in (first, second) for listener in (each.gateway, *each.metrics)]
    assert len(set(held)) == 8


def test_a_taken_metrics_port_is_replaced_and_the_others_are_the_documented_ones() -> None:
    with closing(open_listeners("127.0.0.1", port_for_the_gateway())) as first:
        taken = {port_of(listener) for listener in first.metrics}
        with closing(open_listeners("127.0.0.1", port_for_the_gateway())) as second:
            replaced = {port_of(listener) for listener in second.metrics}
    assert not replaced & {*METRICS_PORTS, *taken}


def test_an_address_of_another_machine_is_refused_with_the_variable_that_sets_it() -> None:
    with pytest.raises(LaunchError, match=r"on 192\.0\.2\.1 can't be used: .* Set DRAFTLINE_HOST"):
        open_listeners("192.0.2.1", port_for_the_gateway())


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(LaunchError, match=r"Set DRAFTLINE_HOST to an address of this machine"):
        open_listeners("no such host", port_for_the_gateway())


def test_a_free_port_is_taken_once_somebody_listens_there() -> None:
    port = free_port()
    assert not is_taken(port)
    with socket.create_server(("127.0.0.1", port)):
        assert is_taken(port)
    assert not is_taken(port)
