"""Sockets that a service binds, and sockets that are handed down to it."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from shared.contracts.errors import CannotStartError
from shared.lifecycle.listening import INTERNAL, PUBLIC, bind_listener, open_listener
from shared.sandbox import Limits, Sandbox
from tests.support.ipv6 import needs_ipv6

SOCKETS = """
import os
for name in os.listdir("/proc/self/fd"):
    try:
        print(os.readlink("/proc/self/fd/" + name))
    except FileNotFoundError:
        pass
"""


@pytest.fixture
def handed() -> Iterator[int]:
    """The descriptor of a bound socket as a supervisor hands it down: inheritable, not listening yet."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        descriptor = os.dup(bound.fileno())
        os.set_inheritable(descriptor, True)
        yield descriptor


def reached(host: str, listener: socket.socket) -> bool:
    try:
        socket.create_connection((host, listener.getsockname()[1]), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "ipv4", "ipv6"),
    [
        ("127.0.0.1", True, False),
        ("localhost", True, False),
        ("0.0.0.0", True, False),
        pytest.param("::1", False, True, marks=needs_ipv6),
        pytest.param("::", True, True, marks=needs_ipv6),
        pytest.param("0::0", True, True, marks=needs_ipv6),
    ],
)
def test_the_address_decides_who_reaches_it(host: str, ipv4: bool, ipv6: bool) -> None:
    with bind_listener(host, 0) as listener:
        assert (reached("127.0.0.1", listener), reached("::1", listener)) == (ipv4, ipv6)


def test_what_is_handed_down_goes_before_address_and_port(handed: int) -> None:
    with open_listener("no such host", 0, handed, PUBLIC) as listener:
        assert listener.fileno() == handed
        assert reached("127.0.0.1", listener)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the sockets in /proc")
def test_no_child_that_handles_foreign_files_holds_the_socket(handed: int) -> None:
    async def look() -> str:
        program = (sys.executable, "-c", SOCKETS)
        ended = await Sandbox(1).run(program, b"", Limits())
        return ended.output.decode()

    with open_listener("", 0, handed, PUBLIC):
        held = Path(f"/proc/self/fd/{handed}").readlink().name
        # The loop of the services: unlike asyncio's own, it leaves inheritable descriptors open in child processes.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(look())
    assert len(found.split()) >= 3, "not even the standard streams were seen"
    assert held not in found


def test_a_descriptor_that_is_no_bound_socket_is_named() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with socket.socket() as unbound:
        for descriptor in (reading, unbound.fileno()):
            with pytest.raises(
                CannotStartError, match=f"DRAFTLINE_METRICS_FD={descriptor} .*unset DRAFTLINE_METRICS_FD"
            ):
                open_listener("127.0.0.1", 0, descriptor, INTERNAL)
    os.close(reading)
    with pytest.raises(CannotStartError, match=f"DRAFTLINE_LISTEN_FD={reading} .Bad file descriptor"):
        open_listener("127.0.0.1", 0, reading, PUBLIC)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "no such host", "a..b"])
def test_a_wrong_address_is_no_matter_of_the_port(host: str) -> None:
    with pytest.raises(CannotStartError, match="set DRAFTLINE_HOST to an address of this machine"):
        open_listener(host, 0, None, INTERNAL)


@needs_ipv6
def test_a_busy_port_of_ipv6_is_named() -> None:
    with bind_listener("::1", 0) as busy:
        port = busy.getsockname()[1]
        expected = rf"cannot listen on \[::1\]:{port} \(Address already in use\): choose another DRAFTLINE_METRICS_PORT"
        with pytest.raises(CannotStartError, match=expected):
            open_listener("::1", port, None, INTERNAL)
