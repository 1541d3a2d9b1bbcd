"""A master with replicas, and the Sentinels that watch them, on loopback."""

import asyncio
import contextlib
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio as aioredis
from redis import exceptions

from tests.support.proxy import Proxy
from tests.support.servers import Server, free_port
from tests.support.waiting import eventually

MASTER_NAME = "mymaster"
AWAY = (exceptions.RedisError, OSError)


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast a failover goes, seconds."""

    down_after: float = 1.0
    """Silence after which a Sentinel takes the master for dead."""
    failover: float = 3.0
    """Sentinel's failover-timeout: after twice that a failed one is tried again, and a replica that follows some other
    address (a proxy) is pointed at the master.
    """


@dataclass(slots=True)
class Sentinel:
    """One Sentinel process."""

    binary: Path
    port: int
    folder: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self, lines: list[str]) -> None:
        """Write its configuration, start it and wait until it answers."""
        path = self.folder / f"sentinel-{self.port}.conf"
        path.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", *lines, ""]))
        self.process = await asyncio.create_subprocess_exec(
            str(self.binary), str(path), "--sentinel",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await eventually(Server("sentinel", self.binary, self.port, self.folder).answers, seconds=10)

    async def stop(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.wait()


@dataclass(slots=True)
class SentinelSetup:
    """Servers of which one is the master, whichever the Sentinels say."""

    servers: list[Server]
    """The first one began as the master."""
    sentinels: list[Sentinel]
    links: list[Proxy] = field(default_factory=list)
    """Where asked for: the way from each replica to the first master, in the order of ``servers[1:]``."""
    password: str = ""
    sentinel_password: str = ""

    @property
    def addresses(self) -> str:
        """The Sentinels, as DRAFTLINE_REDIS_SENTINELS takes them."""
        return ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)

    @property
    def environment(self) -> dict[str, str]:
        """What a service has to be told."""
        account = f":{self.password}@" if self.password else ""
        return {
            "REDIS_URL": f"redis://{account}127.0.0.1/0",
            "DRAFTLINE_REDIS_SENTINELS": self.addresses,
            "DRAFTLINE_REDIS_SENTINEL_MASTER": MASTER_NAME,
            "DRAFTLINE_REDIS_SENTINEL_PASSWORD": self.sentinel_password,
        }

    async def current_master(self) -> Server | None:
        """The server most Sentinels name, or None while they do not agree."""
        named = Counter([await self._named_by(sentinel) for sentinel in self.sentinels])
        port, votes = named.most_common(1)[0]
        if port is None or votes <= len(self.sentinels) // 2:
            return None
        return next((server for server in self.servers if server.port == port), None)

    async def kill_master(self) -> Server:
        """SIGKILL the master of the moment; the server it was."""
        master = await self.current_master()
        assert master is not None, "the Sentinels do not agree on a master"
        await master.stop(signal.SIGKILL)
        return master

    async def promoted(self, other_than: Server, seconds: float = 20) -> Server:
        """The new master, once the Sentinels agree on another one and it takes writes."""
        found: Server | None = None

        async def another() -> bool:
            nonlocal found
            found = await self.current_master()
            return found is not None and found is not other_than and await self.role(found) == "master"

        await eventually(another, seconds=seconds)
        assert found is not None
        return found

    async def role(self, server: Server) -> str:
        """``master`` or ``slave``; empty where it does not answer."""
        found = await self.info(server)
        return str(found.get("role", ""))

    async def info(self, server: Server) -> dict[str, Any]:
        """INFO replication; empty where it does not answer."""
        async with _client(server.port, self.password) as client:
            try:
                async with asyncio.timeout(1):
                    found: dict[str, Any] = await client.info("replication")
                    return found
            except (*AWAY, TimeoutError):
                return {}

    async def in_sync(self) -> bool:
        """Whether every replica is connected and has what the first master has, and every Sentinel sees them all."""
        found = await self.info(self.servers[0])
        replicas = [found.get(f"slave{number}", {}) for number in range(len(self.servers) - 1)]
        if not all(each.get("state") == "online" for each in replicas):
            return False
        return all([await self._sees_all(sentinel) for sentinel in self.sentinels])

    async def _named_by(self, sentinel: Sentinel) -> int | None:
        answer = await self._ask(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)
        return int(answer[1]) if answer else None

    async def _sees_all(self, sentinel: Sentinel) -> bool:
        replicas = await self._ask(sentinel, "SENTINEL", "REPLICAS", MASTER_NAME)
        others = await self._ask(sentinel, "SENTINEL", "SENTINELS", MASTER_NAME)
        seen = (len(replicas or []), len(others or []))
        return seen == (len(self.servers) - 1, len(self.sentinels) - 1)

    async def _ask(self, sentinel: Sentinel, *command: str) -> Any:
        async with _client(sentinel.port, self.sentinel_password) as client:
            try:
                async with asyncio.timeout(1):
                    # Raw: redis-py would parse replies of Sentinels by name of the command.
                    connection = await client.connection_pool.get_connection()
                    await connection.send_command(*command)
                    return await connection.read_response()
            except (*AWAY, TimeoutError):
                return None


@contextlib.asynccontextmanager
async def _client(port: int, password: str) -> AsyncIterator[Any]:
    client: Any = aioredis.Redis(port=port, password=password or None, socket_timeout=1)
    try:
        yield client
    finally:
        await client.connection_pool.disconnect()


@contextlib.asynccontextmanager
async def sentinel_setup(
    binary: Path,
    *options: str,
    replicas: int = 1,
    sentinels: int = 3,
    proxied: bool = False,
    timing: Timing = Timing(),
    password: str = "",
    sentinel_password: str = "",
) -> AsyncIterator[SentinelSetup]:
    """A master, its replicas and their Sentinels while the block runs; in sync when it begins.

    ``options`` are of all servers. ``proxied`` puts a proxy between each replica and the first master, see ``links``.
    """
    secret = ("--requirepass", password, "--masterauth", password) if password else ()
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="draftline-sentinel-")))
        setup = SentinelSetup([], [], password=password, sentinel_password=sentinel_password)
        for number in range(replicas + 1):
            place = folder / str(number)
            place.mkdir()
            server = Server(f"server-{number}", binary, free_port(), place)
            stack.push_async_callback(server.stop)
            of = await _master_address(setup, stack, proxied=proxied)
            await server.start("--repl-diskless-sync-delay", "0", *of, *secret, *options)
            setup.servers.append(server)
        for _ in range(sentinels):
            sentinel = Sentinel(binary, free_port(), folder)
            stack.push_async_callback(sentinel.stop)
            await sentinel.start(_watching(setup, sentinels // 2 + 1, timing))
            setup.sentinels.append(sentinel)
        await eventually(setup.in_sync, seconds=20, every=0.1)
        yield setup


async def _master_address(setup: SentinelSetup, stack: contextlib.AsyncExitStack, *, proxied: bool) -> list[str]:
    if not setup.servers:
        return []
    port = setup.servers[0].port
    if proxied:
        link = await stack.enter_async_context(Proxy(port))
        setup.links.append(link)
        port = link.port
    return ["--replicaof", f"127.0.0.1 {port}"]


def _watching(setup: SentinelSetup, quorum: int, timing: Timing) -> list[str]:
    lines = [
        f"sentinel monitor {MASTER_NAME} 127.0.0.1 {setup.servers[0].port} {quorum}",
        f"sentinel down-after-milliseconds {MASTER_NAME} {round(timing.down_after * 1000)}",
        f"sentinel failover-timeout {MASTER_NAME} {round(timing.failover * 1000)}",
        f"sentinel parallel-syncs {MASTER_NAME} 1",
    ]
    if setup.password:
        lines.append(f"sentinel auth-pass {MASTER_NAME} {setup.password}")
    if setup.sentinel_password:
        lines += [f"requirepass {setup.sentinel_password}", f"sentinel sentinel-pass {setup.sentinel_password}"]
    return lines
