"""Tells the worker that there may be something to do: new requests, control messages, freed slots."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from shared.contracts.states import Band, JobKind
from shared.lifecycle.clock import Clock
from shared.lifecycle.pauses import Pauses
from shared.redis.client import Connections
from shared.redis.entries import read_streams
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.keys import Keyspace

log = structlog.get_logger()

Message = Mapping[bytes, bytes]


class Doorbell:
    """Only a hint: whoever waits here looks for itself every few seconds as well."""

    def __init__(
        self, connections: Connections, kind: JobKind, clock: Clock, obey: Callable[[Sequence[Message]], None]
    ) -> None:
        self._connections = connections
        self._kind = kind
        self._clock = clock
        self._obey = obey
        self._rung = asyncio.Event()
        self._positions: dict[int, dict[str, str]] = {}

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Until it rings, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            log.debug("poll")
        self._rung.clear()

    def knows(self, shard: int) -> bool:
        return shard in self._positions

    def begin(self, shard: int, bands: Sequence[Band], last_ids: Sequence[str]) -> None:
        """Listen from where the first fetch of a shard stood; from the newest entry on, one would miss some."""
        keys = Keyspace(shard)
        streams = [*(keys.requests(self._kind, band) for band in bands), keys.control(self._kind)]
        self._positions[shard] = dict(zip(streams, last_ids, strict=True))
        self.ring()

    async def listen(self, shard: int) -> None:
        """Hear for ever of new jobs and of control messages, without a gap."""
        client = self._connections.blocking()
        control = Keyspace(shard).control(self._kind)
        while shard not in self._positions:
            await self._clock.sleep(0.05)
        positions = self._positions[shard]
        pauses = Pauses()
        while True:
            try:
                heard = await read_streams(client, positions, count=100)
            except (*UNAVAILABLE, ANY) as error:
                log.warning("doorbell_failed", error=str(error))
                await self._clock.sleep(pauses.following())
                continue
            pauses.reset()
            for stream, entries in heard.items():
                positions[stream] = entries[-1][0]
                if stream == control:
                    self._obey([fields for _, fields in entries])
            if heard:
                self.ring()
