"""The launcher's sockets, and the ports of the servers that bind their own.

The launcher binds the sockets of the services once, holds them for its whole life and hands them down. Nobody can take
one of them between its choice and its use, or while a service is started again.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from deploy.local.errors import LaunchError
from shared.lifecycle.listening import bind_failure, bind_listener, is_wrong_address

LOOPBACK = "127.0.0.1"
METRICS_PORTS = (9100, 9101, 9102)
"""Gateway, outline worker, document worker: the documented ones, where another clone doesn't hold them."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listening sockets of the services."""

    gateway: socket.socket
    metrics: tuple[socket.socket, ...]
    """Gateway, outline worker, document worker."""

    def close(self) -> None:
        """Refuse new connections, as far as no service holds the socket."""
        for listener in (self.gateway, *self.metrics):
            listener.close()


def open_listeners(host: str, port: int) -> Listeners:
    """Bind the sockets of all services; raises LaunchError if the gateway's port can't be used."""
    return Listeners(_gateway_listener(host, port), tuple(_metrics_listeners(host)))


def port_of(listener: socket.socket) -> int:
    """Return the port that a listener is bound to."""
    return int(listener.getsockname()[1])


def free_port() -> int:
    """Return a loopback port that was free a moment ago, for a server that can't be handed a socket."""
    with bind_listener(LOOPBACK, 0) as listener:
        return port_of(listener)


def is_taken(port: int) -> bool:
    """Return whether a server could not listen on this loopback port now."""
    try:
        bind_listener(LOOPBACK, port).close()
    except OSError:
        return True
    return False


def _gateway_listener(host: str, port: int) -> socket.socket:
    try:
        return bind_listener(host, port)
    except PermissionError as error:
        msg = f"Port {port} needs rights this user doesn't have. Choose one above 1023, such as PORT=8000."
        raise LaunchError(msg) from error
    except (OSError, UnicodeError) as error:
        what = f"Port {port} on {host} can't be used: {bind_failure(error)}."
        if is_wrong_address(error):
            msg = f"{what} Set DRAFTLINE_HOST to an address of this machine, such as {LOOPBACK}."
        else:
            other = port + 1 if port < 65_535 else 8000
            msg = f"{what} Stop what listens there, or choose another port: PORT={other}."
        raise LaunchError(msg) from error


def _metrics_listeners(host: str) -> Iterator[socket.socket]:
    for preferred in METRICS_PORTS:
        try:
            yield bind_listener(host, preferred)
        except OSError:
            yield bind_listener(host, 0)
