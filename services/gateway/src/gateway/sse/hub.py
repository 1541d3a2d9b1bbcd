"""Reads the feed once for the whole process and hands each event to those who watch its job."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from gateway.sse.frames import Frame, Origin, event_frame
from shared.contracts.ids import JobRef
from shared.lifecycle.clock import Clock
from shared.lifecycle.pauses import Pauses
from shared.redis.client import Connections
from shared.redis.entries import feed_entry, newest_id, oldest_id, read_streams
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.keys import Keyspace, shard_of
from shared.redis.traffic import Traffic

log = structlog.get_logger()

BATCH_ENTRIES = 500
QUEUE_EVENTS = 256
"""Events kept for a client that reads slowly; beyond them it is served from the journal."""
LEAST_QUEUE_EVENTS = 16
"""At least so many of each job, where a client follows several and they share in those."""


class Wakeup(asyncio.Event):
    """Something happened to a subscription of a client; all of them share it."""

    async def within(self, seconds: float) -> bool:
        """Wait for it; false if nothing happened."""
        try:
            async with asyncio.timeout(seconds):
                await self.wait()
        except TimeoutError:
            return False
        self.clear()
        return True


class Subscription:
    """What one client has not been sent yet of one job. Bounded: an overflow forgets all, the journal still has it."""

    __slots__ = ("_limit", "_queue", "behind", "left_out", "ref", "wakeup")

    def __init__(self, ref: JobRef, wakeup: Wakeup, limit: int, left_out: frozenset[str]) -> None:
        self.ref = ref
        self.wakeup = wakeup
        self.behind = True
        """Whether the journal has to be read before the queue can be trusted."""
        self.left_out = left_out
        """Types of events that the client is not sent."""
        self._limit = limit
        self._queue: list[Frame] = []

    def offer(self, frame: Frame) -> None:
        if frame.type in self.left_out:
            return
        if len(self._queue) >= self._limit:
            self.fall_behind()
        else:
            self._queue.append(frame)
            self.wakeup.set()

    def fall_behind(self) -> None:
        self._queue.clear()
        self.behind = True
        self.wakeup.set()

    @property
    def waiting(self) -> bool:
        """Whether there is something to send, or may be in the journal."""
        return self.behind or bool(self._queue)

    def take(self) -> list[Frame]:
        """Everything queued, oldest first."""
        taken, self._queue = self._queue, []
        return taken

    async def wait(self, seconds: float) -> bool:
        """Wait for something to happen; false if nothing did."""
        return await self.wakeup.within(seconds)


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
        subscription = self._watch(ref, Wakeup(), QUEUE_EVENTS, frozenset())
        try:
            yield subscription
        finally:
            self.unsubscribe(subscription)

    @contextmanager
    def subscribe_all(
        self, refs: Sequence[JobRef], left_out: frozenset[str] = frozenset()
    ) -> Iterator[list[Subscription]]:
        """Watch several jobs for one client, which waits for all of them at once."""
        wakeup = Wakeup()
        limit = max(LEAST_QUEUE_EVENTS, QUEUE_EVENTS // len(refs))
        subscriptions = [self._watch(ref, wakeup, limit, left_out) for ref in refs]
        try:
            yield subscriptions
        finally:
            for subscription in subscriptions:
                self.unsubscribe(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Watch no longer; nothing happens where that was said before."""
        watchers = self._watchers.get(subscription.ref, set())
        watchers.discard(subscription)
        if not watchers:
            self._watchers.pop(subscription.ref, None)

    def drain(self) -> None:
        """End every stream."""
        self.draining = True
        for watchers in self._watchers.values():
            for subscription in watchers:
                subscription.wakeup.set()

    def _watch(self, ref: JobRef, wakeup: Wakeup, limit: int, left_out: frozenset[str]) -> Subscription:
        subscription = Subscription(ref, wakeup, limit, left_out)
        self._watchers[ref].add(subscription)
        return subscription

    async def run(self) -> None:
        """Read for ever."""
        async with asyncio.TaskGroup() as group:
            for shard in range(self._shards):
                group.create_task(self._read_shard(shard))

    async def _read_shard(self, shard: int) -> None:
        client = self._connections.blocking()
        feed = Keyspace(shard).feed
        position: str | None = None
        pauses = Pauses()
        while True:
            try:
                if position is None:
                    position = await newest_id(client, feed)
                    # Those who subscribed before this position was known may have missed events, or seen lost ones.
                    self._all_behind(shard)
                position = await self._read(client, shard, feed, position)
                pauses.reset()
            except (*UNAVAILABLE, ANY) as error:
                log.warning("feed_read_failed", error=str(error))
                # Who answers next may be a replica that lacks the newest events, or whose clock is behind ours.
                position = None
                await self._clock.sleep(pauses.following())

    async def _read(self, client: Traffic, shard: int, feed: str, position: str) -> str:
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
        frame = event_frame(Origin(entry.ref.job_id, entry.kind, entry.request_id), entry.event)
        for subscription in watchers:
            subscription.offer(frame)

    def _all_behind(self, shard: int) -> None:
        for ref, watchers in self._watchers.items():
            if shard_of(ref, self._shards) == shard:
                for subscription in watchers:
                    subscription.fall_behind()


def _order(stream_id: str) -> tuple[int, int]:
    milliseconds, _, count = stream_id.partition("-")
    return int(milliseconds), int(count)
