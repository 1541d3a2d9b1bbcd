"""A Cluster of real servers on loopback: masters that share the slots, and where asked for a replica of one."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis.asyncio as aioredis
from redis import exceptions
from redis.crc import key_slot

from tests.support.servers import Server
from tests.support.waiting import eventually

SLOTS = 16_384
BUS = 10_000
"""The nodes talk to each other on a port so much above the one for clients."""
AWAY = (exceptions.RedisError, OSError)
_OPTIONS = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--appendonly", "yes")


@dataclass(slots=True)
class Cluster:
    """Servers that share the slots."""

    masters: list[Server]
    """Those that began as masters, in the order of their slots."""
    replicas: list[Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What a service is told; any node leads to the others."""
        return self.masters[0].url

    @property
    def environment(self) -> dict[str, str]:
        """What a service has to be told."""
        return {"REDIS_URL": self.url, "DRAFTLINE_REDIS_CLUSTER": "true"}

    def holder(self, key: str) -> Server:
        """The server that began with the key's slot."""
        return self.masters[key_slot(key.encode()) * len(self.masters) // SLOTS]

    def holder_of_shard(self, shard: int) -> Server:
        return self.holder(f"{{{shard}}}")

    def shards_of(self, server: Server, shards: int) -> list[int]:
        """Which shards began on a server."""
        return [shard for shard in range(shards) if self.holder_of_shard(shard) is server]

    async def start_again(self, server: Server) -> None:
        """Start a server that was stopped, with what its log holds."""
        await server.start(*_OPTIONS)

    async def ask(self, server: Server, *command: Any) -> Any:
        """The reply of one server; None where it is away."""
        client: Any = aioredis.Redis(port=server.port, socket_timeout=2, decode_responses=True)
        try:
            return await client.execute_command(*command)
        except AWAY:
            return None
        finally:
            await client.connection_pool.disconnect()

    async def keys(self, server: Server) -> list[str]:
        found: list[str] = await self.ask(server, "KEYS", "*")
        return found

    async def flush(self) -> None:
        """Forget every key."""
        for server in self.masters:
            await self.ask(server, "FLUSHALL")

    async def whole(self) -> bool:
        """Whether every server says that all slots are served, and knows all others."""
        servers = [*self.masters, *self.replicas]
        said = [await self.ask(server, "CLUSTER INFO") for server in servers]
        wanted = {"cluster_state": "ok", "cluster_known_nodes": str(len(servers)), "cluster_slots_ok": str(SLOTS)}
        return all(info is not None and wanted.items() <= info.items() for info in said)

    async def open_slot(self, slot: int, source: Server, target: Server) -> None:
        """Begin to move a slot: from here on keys may lie on both servers."""
        await self.ask(target, "CLUSTER SETSLOT", slot, "IMPORTING", await self.ask(source, "CLUSTER MYID"))
        await self.ask(source, "CLUSTER SETSLOT", slot, "MIGRATING", await self.ask(target, "CLUSTER MYID"))

    async def close_slot(self, slot: int, source: Server, target: Server) -> None:
        """Move the slot's keys, then the slot."""
        while keys := await self.ask(source, "CLUSTER GETKEYSINSLOT", slot, 100):
            await self.ask(source, "MIGRATE", "127.0.0.1", target.port, "", 0, 5_000, "KEYS", *keys)
        owner = await self.ask(target, "CLUSTER MYID")
        for server in (target, source):
            await self.ask(server, "CLUSTER SETSLOT", slot, "NODE", owner)

    async def role(self, server: Server) -> str:
        """``master`` or ``slave``; empty where it is away."""
        found = await self.ask(server, "ROLE")
        return str(found[0]) if found else ""

    async def in_sync(self) -> bool:
        """Whether each replica follows its master."""
        said = [await self.ask(server, "ROLE") for server in self.replicas]
        return all(found and found[0] == "slave" and found[3] == "connected" for found in said)


@contextlib.asynccontextmanager
async def cluster(binary: Path, nodes: int = 3, *options: str, replica_of: int | None = None) -> AsyncIterator[Cluster]:
    """A Cluster while the block runs; ``replica_of`` is the number of a master that is to have a replica."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="draftline-cluster-")))
        servers = [
            Server(f"node-{number}", binary, _free_pair(), folder / str(number))
            for number in range(nodes if replica_of is None else nodes + 1)
        ]
        for server in servers:
            server.folder.mkdir()
            stack.push_async_callback(server.stop)
        await asyncio.gather(*(server.start(*_OPTIONS, *options) for server in servers))
        made = Cluster(servers[:nodes], servers[nodes:])
        await _join(made)
        if replica_of is not None:
            master = await made.ask(made.masters[replica_of], "CLUSTER MYID")
            await eventually(lambda: _follows(made, master), seconds=10)
            await eventually(made.in_sync, seconds=15)
        await eventually(made.whole, seconds=15)
        yield made


async def _join(made: Cluster) -> None:
    count = len(made.masters)
    for number, server in enumerate(made.masters):
        # Slot s belongs to master s * count // SLOTS.
        first, following = -(-number * SLOTS // count), -(-(number + 1) * SLOTS // count)
        await made.ask(server, "CLUSTER ADDSLOTSRANGE", first, following - 1)
        await made.ask(server, "CLUSTER SET-CONFIG-EPOCH", number + 1)
    for server in [*made.masters[1:], *made.replicas]:
        await made.ask(made.masters[0], "CLUSTER MEET", "127.0.0.1", server.port)


async def _follows(made: Cluster, master: str) -> bool:
    """Refused until the replica has heard of its master."""
    return bool(await made.ask(made.replicas[0], "CLUSTER REPLICATE", master))


def _free_pair() -> int:
    """A port that is free together with the one for the nodes' own talk."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port + BUS > 65_535:
                continue
            with contextlib.suppress(OSError):
                bus.bind(("127.0.0.1", port + BUS))
                return port
