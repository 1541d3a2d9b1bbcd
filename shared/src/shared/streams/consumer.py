"""The one loop of all workers: hear the doorbell, claim, work, settle."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.leases import Ending, Held, LeaseKeeper
from shared.lifecycle.clock import Clock
from shared.lifecycle.supervisor import Drain
from shared.observability.health import Health
from shared.observability.metrics import (
    JOB_SECONDS,
    JOB_WAIT_SECONDS,
    JOBS_RUNNING,
    JOBS_SETTLED,
    JOBS_STARTED,
)
from shared.redis.client import ANY, UNAVAILABLE, Connections
from shared.redis.keys import Keyspace
from shared.redis.reads import Reads, read_streams
from shared.redis.scripts import Scripts
from shared.settings import WorkerSettings
from shared.streams.attempt import crashed, judge
from shared.streams.outcome import LeaseLost, Outcome, Release
from shared.streams.publisher import EventWriter
from shared.streams.retry import Backoff
from shared.streams.session import Handler, Session
from shared.streams.settling import Settler

log = structlog.get_logger()

REVERSE_EVERY = 8
"""One fetch in so many reads the bands from the low end, so that a steady stream of urgent jobs starves nobody."""
PROMOTE_SECONDS = 1.0
SETTLE_SECONDS = 10.0
"""After the grace time: how long releasing may take."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Who consumes what."""

    id: str
    kind: JobKind
    handler: Handler


class Consumer:
    """Takes jobs of one kind and runs up to ``concurrency`` of them at once."""

    def __init__(
        self,
        worker: Worker,
        connections: Connections,
        scripts: Scripts,
        reads: Reads,
        clock: Clock,
        settings: WorkerSettings,
        health: Health,
    ) -> None:
        self._worker = worker
        self._connections = connections
        self._scripts = scripts
        self._reads = reads
        self._clock = clock
        self._settings = settings
        self._health = health
        self._keeper = LeaseKeeper(scripts, clock, settings.lease_seconds)
        self._settler = Settler(scripts, clock)
        self._backoff = Backoff(settings.backoff_base_seconds, settings.backoff_cap_seconds)
        self._doorbell = asyncio.Event()
        self._fetches = itertools.count(1)
        self._positions: dict[int, dict[str, str]] = {}

    async def run(self, drain: Drain) -> None:
        """Consume until a drain is asked for and the running jobs are finished or released."""
        async with asyncio.TaskGroup() as background:
            tasks = [
                background.create_task(self._keeper.run()),
                background.create_task(self._promote_forever()),
                background.create_task(self._ring_on(drain)),
                *(background.create_task(self._listen(shard)) for shard in range(self._scripts.shards)),
            ]
            async with asyncio.TaskGroup() as jobs:
                while not drain.asked:
                    await self._fetch_or_wait(jobs)
                self._health.not_ready("draining")
                await self._drain()
            for task in tasks:
                task.cancel()

    async def process_one(self, held: Held) -> None:
        """The life of a claimed job: attempt it, settle it, let go."""
        claim = held.claim
        with structlog.contextvars.bound_contextvars(
            job_id=claim.ref.job_id, kind=claim.kind, attempt=claim.attempt, fence=claim.fence,
            request_id=claim.request_id,
        ), JOBS_RUNNING.labels(claim.kind).track_inprogress(), JOB_SECONDS.labels(claim.kind).time():  # fmt: skip
            log.info("job_started", waited_seconds=claim.waited_seconds)
            events = EventWriter(claim, self._scripts, self._clock)
            session = Session(held, self._keeper, self._scripts, self._reads, events)
            try:
                outcome = await self._attempt(held, session)
                settled = await self._settler.settle(held, session, outcome)
            except Exception:
                # One job must not take the worker with it: its lease runs out, as if the worker had died, and the
                # crash cap bounds how often that happens.
                log.exception("job_dropped")
                return
            finally:
                self._keeper.drop(held)
                self._doorbell.set()
            JOBS_SETTLED.labels(claim.kind, settled).inc()
            log.info("job_settled", outcome=settled)

    async def _attempt(self, held: Held, session: Session) -> Outcome:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(session.events.run())
            held.handler = handler = group.create_task(
                judge(self._worker.handler, session, self._backoff, random.random)
            )
            if held.ending is not None:
                handler.cancel()
            await asyncio.wait({handler})
            async with session.events.between_batches():
                writer.cancel()
        if held.ending is Ending.LOST:
            return LeaseLost()
        if not handler.cancelled():
            return handler.result()
        if held.ending is None:
            # Nobody asked for it: to release such a job would be to run it again at once and for ever.
            log.error("attempt_cancelled_itself")
            return crashed(held.claim.attempt, self._backoff, random.random)
        return Release()

    async def _fetch_or_wait(self, jobs: asyncio.TaskGroup) -> None:
        self._health.beat()
        try:
            if await self._fetch(jobs):
                return
        except (*UNAVAILABLE, ANY) as error:
            self._health.not_ready("Redis does not answer")
            log.warning("fetch_failed", error=str(error))
            await self._clock.sleep(random.uniform(0.2, 1.0))
            return
        if self._keeper.failing:
            # A worker that is full does not fetch; its renewals know.
            self._health.not_ready("Redis does not answer")
        else:
            self._health.ready()
        try:
            async with asyncio.timeout(self._settings.poll_seconds):
                await self._doorbell.wait()
        except TimeoutError:
            log.debug("poll")
        self._doorbell.clear()

    async def _fetch(self, jobs: asyncio.TaskGroup) -> bool:
        """Claim what fits; true if there may be more."""
        more = False
        turn = next(self._fetches)
        for step in range(self._scripts.shards):
            shard = (turn + step) % self._scripts.shards
            free = self._settings.concurrency - len(self._keeper)
            if free <= 0 and shard in self._positions:
                return False
            claims = await self._claim(shard, max(free, 0), turn)
            for claim, held in claims:
                JOBS_STARTED.labels(claim.kind).inc()
                JOB_WAIT_SECONDS.labels(claim.kind).observe(claim.waited_seconds)
                jobs.create_task(self.process_one(held))
            more = more or len(claims) == free
        return more

    async def _claim(self, shard: int, count: int, turn: int) -> list[tuple[Claim, Held]]:
        bands: Sequence[Band] = list(Band)[::-1] if turn % REVERSE_EVERY == 0 else list(Band)
        sent_at = self._clock.monotonic()
        lease_ms = round(self._settings.lease_seconds * 1000)
        fetched = await self._scripts.fetch(shard, self._worker.kind, self._worker.id, lease_ms, count, bands)
        if shard not in self._positions:
            keys = Keyspace(shard)
            streams = [
                *(keys.requests(self._worker.kind, band) for band in bands),
                keys.control(self._worker.kind),
            ]
            self._positions[shard] = dict(zip(streams, fetched.last_ids, strict=True))
            self._doorbell.set()
        return [(claim, self._keeper.take(claim, sent_at)) for claim in fetched.claims]

    async def _listen(self, shard: int) -> None:
        """Hear of new jobs and of control messages, from where the first fetch stood, without a gap."""
        client = self._connections.blocking()
        control = Keyspace(shard).control(self._worker.kind)
        while shard not in self._positions:
            await self._clock.sleep(0.05)
        positions = self._positions[shard]
        while True:
            try:
                heard = await read_streams(client, positions, count=100)
            except (*UNAVAILABLE, ANY) as error:
                log.warning("doorbell_failed", error=str(error))
                await self._clock.sleep(random.uniform(0.2, 1.0))
                continue
            for stream, entries in heard.items():
                positions[stream] = entries[-1][0]
                if stream == control:
                    self._obey([fields for _, fields in entries])
            if heard:
                self._doorbell.set()

    def _obey(self, messages: Sequence[dict[bytes, bytes]]) -> None:
        for message in messages:
            if message[b"what"] == b"cancel":
                self._keeper.cancel(JobRef.parse(message[b"id"].decode()))

    async def _promote_forever(self) -> None:
        while True:
            pause = PROMOTE_SECONDS
            for shard in range(self._scripts.shards):
                try:
                    _, wait_ms = await self._scripts.promote(shard, self._worker.kind)
                except (*UNAVAILABLE, ANY) as error:
                    log.warning("promote_failed", error=str(error))
                    continue
                if wait_ms is not None:
                    pause = min(pause, max(0.02, wait_ms / 1000))
            await self._clock.sleep(pause)

    async def _ring_on(self, drain: Drain) -> None:
        await drain.wait()
        self._doorbell.set()

    async def _drain(self) -> None:
        """Let running jobs finish within the grace time, then release them."""
        log.info("draining", running=len(self._keeper))
        await self._until_idle(self._settings.grace_seconds)
        for held in self._keeper.holding():
            held.end(Ending.RELEASED)
        await self._until_idle(SETTLE_SECONDS)
        for held in self._keeper.holding():
            # What could not be given back is left to its lease, which nobody renews from here on.
            held.end(Ending.LOST)

    async def _until_idle(self, seconds: float) -> None:
        deadline = self._clock.monotonic() + seconds
        while len(self._keeper) and self._clock.monotonic() < deadline:
            self._health.beat()
            await self._clock.sleep(0.02)
