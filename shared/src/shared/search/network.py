"""Connections to checked addresses: between the check and the connection nobody resolves a name again."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore2

from shared.search.addresses import is_public

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError where it has none."""


class FetchRefusedError(Exception):
    """A page is not fetched; ``reason`` says why, as a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def system_resolver(host: str, port: int) -> list[str]:
    """The machine's own; it reads numbers in all their spellings, too, such as ``0x7f.1`` and ``2130706433``."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Resolves a host once, refuses it if any of its addresses is not public, and connects to one of those addresses.
    The name stays what the server is asked for and what its certificate is held against.
    """

    def __init__(
        self, resolve: Resolver, sockets: httpcore2.AsyncNetworkBackend | None = None, *, private_hosts: bool
    ) -> None:
        self._resolve = resolve
        self._private_hosts = private_hosts
        self._sockets = sockets or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._checked(host, port)
        *others, last = addresses
        for address in others:
            try:
                return await self._sockets.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._sockets.connect_tcp(last, port, timeout, local_address, socket_options)

    async def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(await self._resolve(host, port))
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            msg = f"The host {host} has no address."
            raise FetchRefusedError(msg)
        if not self._private_hosts and not all(map(is_public, addresses)):
            msg = f"The host {host} is not on the public internet."
            raise FetchRefusedError(msg)
        return addresses
