"""A TCP proxy in front of a Redis, whose link can be slowed, cut, or made to lose the reply to one command.

A black hole keeps what it swallowed and delivers it when it heals, as TCP does: a command whose sender has long given
up may still be carried out.
"""

import asyncio
import hashlib
import random
from collections.abc import Callable
from types import TracebackType
from typing import Self

import hiredis

from shared.redis.lua_source import source

Command = list[bytes]
CHUNK_BYTES = 65_536


def named(name: str) -> Callable[[Command], bool]:
    """Matches a Redis command by its name."""
    wanted = name.upper().encode()
    return lambda command: command[0].upper() == wanted


def script(name: str) -> Callable[[Command], bool]:
    """Matches a call of one of our scripts."""
    sha = hashlib.sha1(source(name).encode()).hexdigest().encode()
    return lambda command: command[0].upper() == b"EVALSHA" and command[1] == sha


class _Drop:
    """The replies to the next commands that match are to be lost."""

    def __init__(self, matches: Callable[[Command], bool], times: int) -> None:
        self.matches = matches
        self.left = times


class Proxy:
    """Passes bytes between clients and a local server while its block runs."""

    def __init__(self, port: int, seed: int = 0) -> None:
        self._upstream = port
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._delay = (0.0, 0.0)
        self._refusing = False
        self._drops: list[_Drop] = []
        self._holds: list[Callable[[Command], bool]] = []
        self.dropped = 0
        """Replies lost so far."""
        self.accepted = 0
        """Connections taken so far."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.heal()
        while self._links:
            self.reset()
            await asyncio.wait([link.served for link in self._links])

    @property
    def port(self) -> int:
        assert self._server is not None
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def heal(self) -> None:
        """Pass everything from now on, what was held back first."""
        self._delay = (0.0, 0.0)
        self._refusing = False
        self._drops.clear()
        self._holds.clear()
        self._open.set()

    def delay(self, least: float, most: float | None = None) -> None:
        """Hold every piece back for a random time in seconds, in each direction; the order stays."""
        self._delay = (least, least if most is None else most)

    def black_hole(self) -> None:
        """Swallow everything without a word; new connections are taken and hear nothing."""
        self._open.clear()

    def reset(self) -> None:
        """Cut the connections there are; new ones pass."""
        for link in self._links:
            link.abort()

    def cut(self) -> None:
        """Cut the connections there are and refuse new ones."""
        self._refusing = True
        self.reset()

    def drop_reply(self, matches: Callable[[Command], bool], times: int = 1) -> None:
        """Let the next matching commands through to the server, and cut the connection instead of their replies."""
        self._drops.append(_Drop(matches, times))

    def hold(self, matches: Callable[[Command], bool]) -> None:
        """Become a black hole at the next matching command, which is the first to be swallowed."""
        self._holds.append(matches)

    def retarget(self, port: int) -> None:
        """Cut the connections there are and lead new ones to another local server."""
        self._upstream = port
        self.reset()

    async def passage(self) -> None:
        """Wait as long as the link makes a piece wait."""
        least, most = self._delay
        if most:
            await asyncio.sleep(self._random.uniform(least, most))
        await self._open.wait()

    def loses_reply(self, command: Command) -> bool:
        """Whether the reply to this command is to be lost; counts it."""
        for drop in self._drops:
            if drop.left and drop.matches(command):
                drop.left -= 1
                self.dropped += 1
                return True
        return False

    def taken(self, command: Command) -> None:
        """Note a command on its way to the server."""
        if any(matches(command) for matches in self._holds):
            self._holds.clear()
            self.black_hole()

    async def opened(self) -> None:
        """Wait while the link is a black hole."""
        await self._open.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            if self._refusing:
                raise ConnectionRefusedError
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, (reader, writer), (upstream_reader, upstream_writer))
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)
            link.served.set_result(None)


class _Link:
    """One client's connection and its counterpart to the server."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client_reader, self._client_writer = client
        self._server_reader, self._server_writer = server
        self._commands = hiredis.Reader()
        self._reply_is_lost = False
        self.served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def abort(self) -> None:
        self._client_writer.transport.abort()
        self._server_writer.transport.abort()

    async def run(self) -> None:
        """Pass until both directions have ended."""
        await asyncio.gather(
            self._pass(self._client_reader, self._server_writer, self._note),
            self._pass(self._server_reader, self._client_writer, self._lose),
        )

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, look: Callable[[bytes], None]
    ) -> None:
        try:
            while data := await source.read(CHUNK_BYTES):
                await self._proxy.passage()
                look(data)
                await self._proxy.opened()
                sink.write(data)
                await sink.drain()
        except OSError:
            self.abort()
        finally:
            sink.close()

    def _note(self, data: bytes) -> None:
        self._commands.feed(data)
        while isinstance(command := self._commands.gets(), list):
            self._proxy.taken(command)
            if self._proxy.loses_reply(command):
                self._reply_is_lost = True

    def _lose(self, _: bytes) -> None:
        if self._reply_is_lost:
            raise ConnectionResetError
