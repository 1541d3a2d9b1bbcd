"""Chooses the ports before anything starts."""

import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from deploy.local.errors import LaunchError

LOOPBACK = "127.0.0.1"
METRICS_PORTS = (9100, 9101, 9102)
"""Gateway, outline worker, document worker: the documented ones, where another clone doesn't hold them."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One port for each listener."""

    gateway: int
    valkey: int
    model: int
    metrics: tuple[int, ...]


def choose_ports(host: str, port: int) -> Ports:
    """Check the gateway's port and find free ones for the rest; raises LaunchError if it is taken.

    All are held until the last is chosen, so that no two are the same.
    """
    with ExitStack() as held:
        held.enter_context(_gateway_listener(host, port))
        return Ports(
            gateway=port,
            valkey=_choose(held, 0),
            model=_choose(held, 0),
            metrics=tuple(_choose(held, preferred) for preferred in METRICS_PORTS),
        )


def _gateway_listener(host: str, port: int) -> socket.socket:
    try:
        return _listener(host, port)
    except PermissionError as error:
        msg = f"Port {port} needs rights this user doesn't have. Choose one above 1023, such as PORT=8000."
        raise LaunchError(msg) from error
    except OSError as error:
        msg = (
            f"Port {port} on {host} can't be used: {os.strerror(error.errno) if error.errno else error}. "
            f"Stop what listens there, or choose another port: PORT={port + 1 if port < 65_535 else 8000}."
        )
        raise LaunchError(msg) from error


def _choose(held: ExitStack, preferred: int) -> int:
    try:
        listener = _listener(LOOPBACK, preferred)
    except OSError:
        listener = _listener(LOOPBACK, 0)
    held.enter_context(listener)
    return int(listener.getsockname()[1])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)
