"""The connections of a process, by what they carry."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from shared.redis.failures import ANY
from shared.redis.keys import SHARDS_KEY, Keyspace
from shared.redis.topology import Topology
from shared.redis.traffic import Manners, Traffic
from shared.settings import RedisSettings

BLOCK_MS = 5_000
"""How long a blocking read waits on the server."""
REPLY_SECONDS = 5.0
CLAIM_SECONDS = 3.0
"""A worker that waits for a claim does nothing else, and what a lost one claimed is given back."""
PING_SECONDS = 1.0


class Connections:
    """The clients of one process. Nothing is sent before the first command."""

    def __init__(self, settings: RedisSettings, group: asyncio.TaskGroup) -> None:
        self._topology = Topology(settings)
        self._shards = settings.shards
        self._group = group
        self._opened: list[Traffic] = []
        self._following = group.create_task(self._topology.follow())
        self.commands = self._open("commands", Manners(connections=2, repeats=3, together=True))
        """Idempotent scripts and reads: repeated after a lost connection."""
        self.once = self._open("once", Manners(), CLAIM_SECONDS)
        """Commands that must not be repeated blindly: a repeated claim would strand the first one."""
        self.heartbeat = self._open("heartbeat", Manners(repeats=3))
        """Idempotent, and never behind anything else."""
        self.confirmed = self._open("confirmed", Manners(connections=4, repeats=1))
        """Idempotent scripts followed by a WAIT for a replica, which blocks its connection."""

    def blocking(self) -> Traffic:
        """A client of its own for one blocking reader; outlives its BLOCK time."""
        return self._open("blocking", Manners(), BLOCK_MS / 1000 + 6)

    async def ping(self) -> bool:
        """Whether Redis answers within a second."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                # A read of a key, which a Cluster can place; a bare PING would be answered while it is down.
                await self.once.exists(SHARDS_KEY)
        except (ANY, OSError, TimeoutError):
            return False
        return True

    async def memory(self) -> Sequence[dict[str, Any]]:
        """INFO memory of the servers, one for each shard where they may lie on several; without those that are away."""
        shards = range(self._shards if self._topology.spread else 1)
        asked = (self.commands.of_server(Keyspace(shard).feed, "INFO", "memory") for shard in shards)
        told = await asyncio.gather(*asked, return_exceptions=True)
        return [info for info in told if isinstance(info, dict)]

    def _open(self, name: str, manners: Manners, reply_seconds: float = REPLY_SECONDS) -> Traffic:
        traffic = Traffic(self._topology, name, reply_seconds, manners, self._group)
        self._opened.append(traffic)
        return traffic

    async def aclose(self) -> None:
        self._following.cancel()
        for traffic in self._opened:
            await traffic.aclose()
        await self._topology.aclose()


@asynccontextmanager
async def connections(settings: RedisSettings) -> AsyncIterator[Connections]:
    """The clients of a process, closed at the end."""
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        opened = Connections(settings, group)
        try:
            yield opened
        except Exception as error:  # noqa: BLE001 - raised below: the group would wrap what is not its own
            failure = error
        finally:
            await opened.aclose()
    if failure is not None:
        raise failure
