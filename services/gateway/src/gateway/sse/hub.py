"""Reads the feed once for the whole process and hands each event to those who watch its job."""

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from gateway.sse.frames import event_frame
from shared.contracts.ids import EventId, JobRef
from shared.lifecycle.clock import Clock
from shared.redis.client import ANY, UNAVAILABLE, Connections, Redis
from shared.redis.keys import Keyspace, shard_of
from shared.redis.reads import feed_entry, newest_id, oldest_id, read_streams

log = structlog.get_logger()

BATCH_ENTRIES = 500
QUEUE_EVENTS = 256
"""Events kept for a client that reads slowly; beyond them it is served from the journal."""


class Subscription:
    """What one client has not been sent yet. Bounded: an overflow forgets all and marks the journal as needed."""

    __slots__ = ("_queue", "_woken", "behind", "ref")

    def __init__(self, ref: JobRef) -> None:
        self.ref = ref
        self.behind = True
        """Whether the journal has to be read before the queue can be trusted."""
        self._queue: deque[tuple[EventId, str, bytes]] = deque()
        self._woken = asyncio.Event()

    def offer(self, event_id: EventId, event_type: str, frame: bytes) -> None:
        if len(self._queue) >= QUEUE_EVENTS:
            self.fall_behind()
        else:
            self._queue.append((event_id, event_type, frame))
        self._woken.set()

    def fall_behind(self) -> None:
        self._queue.clear()
        self.behind = True
        self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    def take(self) -> list[tuple[EventId, str, bytes]]:
        """Everything queued, oldest first."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    async def wait(self, seconds: float) -> bool:
        """Wait for something to happen; false if nothing did."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


class FeedHub:
    """One blocking reader a shard; subscribers by job."""

    def __init__(self, connections: Connections, clock: Clock, shards: int) -> None:
        self._connections = connections
        self._clock = clock
        self._shards = shards
        self._watchers: dict[JobRef, set[Subscription]] = defaultdict(set)
        self.draining = False

    @contextmanager
    def subscribe(self, ref: JobRef) -> Iterator[Subscription]:
        """Watch a job while the block runs. Subscribe first, then read the journal: so nothing falls between."""
        subscription = Subscription(ref)
        self._watchers[ref].add(subscription)
        try:
            yield subscription
        finally:
            self._watchers[ref].discard(subscription)
            if not self._watchers[ref]:
                del self._watchers[ref]

    def drain(self) -> None:
        """End every stream."""
        self.draining = True
        for watchers in self._watchers.values():
            for subscription in watchers:
                subscription.wake()

    async def run(self) -> None:
        """Read for ever."""
        async with asyncio.TaskGroup() as group:
            for shard in range(self._shards):
                group.create_task(self._read_shard(shard))

    async def _read_shard(self, shard: int) -> None:
        client = self._connections.blocking()
        feed = Keyspace(shard).feed
        position: str | None = None
        while True:
            try:
                if position is None:
                    position = await newest_id(client, feed)
                    # Those who subscribed before this position was known may have missed events, or seen lost ones.
                    self._all_behind(shard)
                position = await self._read(client, shard, feed, position)
            except (*UNAVAILABLE, ANY) as error:
                log.warning("feed_read_failed", error=str(error))
                # Who answers next may be a replica that lacks the newest events, or whose clock is behind ours.
                position = None
                await self._clock.sleep(random.uniform(0.1, 1.0))

    async def _read(self, client: Redis, shard: int, feed: str, position: str) -> str:
        entries = (await read_streams(client, {feed: position}, BATCH_ENTRIES)).get(feed, [])
        if not entries:
            return position
        if len(entries) >= BATCH_ENTRIES:
            oldest = await oldest_id(client, feed)
            if oldest is not None and _order(oldest) > _order(position):
                log.warning("feed_overrun", shard=shard)
                self._all_behind(shard)
        for _, fields in entries:
            self._dispatch(fields)
        return entries[-1][0]

    def _dispatch(self, fields: dict[bytes, bytes]) -> None:
        watchers = self._watchers.get(JobRef.parse(fields[b"job"].decode()))
        if not watchers:
            return
        entry = feed_entry(fields)
        frame = event_frame(entry.ref, entry.kind, entry.request_id, entry.event)
        for subscription in watchers:
            subscription.offer(entry.event.id, entry.event.type, frame)

    def _all_behind(self, shard: int) -> None:
        for ref, watchers in self._watchers.items():
            if shard_of(ref, self._shards) == shard:
                for subscription in watchers:
                    subscription.fall_behind()


def _order(stream_id: str) -> tuple[int, int]:
    milliseconds, _, count = stream_id.partition("-")
    return int(milliseconds), int(count)
