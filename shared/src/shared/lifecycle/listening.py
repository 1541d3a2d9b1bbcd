"""The sockets that a service listens on.

A service binds its sockets itself, or a supervisor binds them and hands them down as file descriptors. A socket that
is handed down outlives the service: while the service restarts, connections wait in the backlog.
"""

import errno
import os
import socket
from dataclasses import dataclass

from shared.contracts.errors import CannotStartError

BACKLOG = 1024
_WRONG_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class Variables:
    """The environment variables that an operator changes to move one socket of a service."""

    port: str
    descriptor: str


PUBLIC = Variables("PORT", "DRAFTLINE_LISTEN_FD")
INTERNAL = Variables("DRAFTLINE_METRICS_PORT", "DRAFTLINE_METRICS_FD")


def open_listener(host: str, port: int, descriptor: int | None, variables: Variables) -> socket.socket:
    """Return a listening socket: the one handed down as `descriptor`, else a new one on host and port.

    Raises CannotStartError that names the variable to change.
    """
    if descriptor is not None:
        return _adopt(descriptor, variables)
    try:
        return bind_listener(host, port)
    except (OSError, UnicodeError) as error:
        shown = f"[{host}]" if ":" in host else host
        msg = f"cannot listen on {shown}:{port} ({bind_failure(error)}): {_advice(error, variables)}"
        raise CannotStartError(msg) from error


def bind_listener(host: str, port: int) -> socket.socket:
    """Return a new socket that listens on host and port; port 0 lets the kernel choose.

    The address decides between IPv4 and IPv6, a host name means IPv4, and `::` takes both. Raises OSError, or
    UnicodeError for a text that cannot be a host name.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Resolved first, because bind() forgets the zone of an address such as fe80::1%eth0.
    address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][4]
    both = address[0] == "::" and socket.has_dualstack_ipv6()
    return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)


def bind_failure(error: OSError | UnicodeError) -> str:
    """Say why `bind_listener` failed, in the system's words."""
    if isinstance(error, UnicodeError) or error.errno is None:
        return str(error)
    return str(error.strerror) if isinstance(error, socket.gaierror) else os.strerror(error.errno)


def is_wrong_address(error: OSError | UnicodeError) -> bool:
    """Return whether `bind_listener` failed because of the host: another port would not help."""
    return isinstance(error, socket.gaierror | UnicodeError) or error.errno in _WRONG_ADDRESS


def _advice(error: OSError | UnicodeError, variables: Variables) -> str:
    if is_wrong_address(error):
        return "set DRAFTLINE_HOST to an address of this machine"
    if isinstance(error, PermissionError):
        return f"choose a {variables.port} above 1023"
    return f"choose another {variables.port}"


def _adopt(descriptor: int, variables: Variables) -> socket.socket:
    try:
        listener = socket.socket(fileno=descriptor)
        if not _is_bound(listener):
            listener.detach()
            raise OSError(errno.EINVAL, "it is no bound TCP socket")
        # The descriptor was made inheritable for this process. Its own child processes must not hold the socket.
        listener.set_inheritable(False)
        listener.listen(BACKLOG)
    except OSError as error:
        msg = (
            f"cannot listen on the socket handed down as {variables.descriptor}={descriptor} ({error.strerror}): "
            f"hand down a bound TCP socket, or unset {variables.descriptor}"
        )
        raise CannotStartError(msg) from error
    return listener


def _is_bound(candidate: socket.socket) -> bool:
    if candidate.family not in {socket.AF_INET, socket.AF_INET6} or candidate.type != socket.SOCK_STREAM:
        return False
    return bool(candidate.getsockname()[1])
