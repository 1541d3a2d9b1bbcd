"""The loop of all workers: claim what fits, run it, settle it."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from shared.contracts.states import JobKind
from shared.leases import Ending, Held, LeaseKeeper
from shared.lifecycle.clock import Clock
from shared.lifecycle.supervisor import Drain
from shared.observability.health import Health
from shared.observability.metrics import JOB_SECONDS, JOB_WAIT_SECONDS, JOBS_RUNNING, JOBS_SETTLED, JOBS_STARTED
from shared.redis.store import Store
from shared.settings import WorkerSettings
from shared.streams.attempt import attempt
from shared.streams.claims import Claims
from shared.streams.doorbell import Doorbell
from shared.streams.limits import TimeLimits
from shared.streams.publisher import EventWriter
from shared.streams.retry import Backoff
from shared.streams.session import Handler, Session
from shared.streams.settling import Settler

log = structlog.get_logger()

MOST_CLAIMED = 32
"""Jobs claimed by one script, so that none holds up the server for long."""
SETTLE_SECONDS = 10.0
"""How long releasing jobs may take after the grace time."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the parts that run beside the consumer tell it."""

    may_claim: Callable[[], bool]
    """Whether the worker is told to take jobs."""
    making: Callable[[], int]
    """How many files are being made; a drain waits for them as for jobs."""


class Consumer:
    """Takes jobs of one kind and runs up to ``concurrency`` of them at once."""

    def __init__(
        self,
        kind: JobKind,
        handler: Handler,
        store: Store,
        keeper: LeaseKeeper,
        claims: Claims,
        doorbell: Doorbell,
        orders: Orders,
        clock: Clock,
        settings: WorkerSettings,
        health: Health,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._handler = handler
        self._store = store
        self._keeper = keeper
        self._claims = claims
        self._doorbell = doorbell
        self._orders = orders
        self._clock = clock
        self._settings = settings
        self._health = health
        self._settle_seconds = settle_seconds
        self._settler = Settler(store.attempts, clock)
        self._backoff = Backoff(settings.backoff_base_seconds, settings.backoff_cap_seconds)
        self._fetches = itertools.count(1)
        self._started, self._running = JOBS_STARTED.labels(kind), JOBS_RUNNING.labels(kind)
        self._waits, self._seconds = JOB_WAIT_SECONDS.labels(kind), JOB_SECONDS.labels(kind)

    async def run(self, drain: Drain) -> None:
        """Consume until a drain is asked for and the running jobs are finished or released."""
        async with asyncio.TaskGroup() as jobs:
            while not drain.asked:
                await self._fetch_or_wait(jobs)
            self._health.not_ready("draining")
            await self._drain()

    async def process_one(self, held: Held, limits: TimeLimits) -> None:
        """The life of a claimed job: attempt it, settle it, let go."""
        claim = held.claim
        with structlog.contextvars.bound_contextvars(
            job_id=claim.ref.job_id, kind=claim.kind, attempt=claim.attempt, fence=claim.fence,
            request_id=claim.request_id,
        ), self._running.track_inprogress(), self._seconds.time():  # fmt: skip
            log.info("job_started", waited_seconds=claim.waited_seconds)
            events = EventWriter(claim, self._store.attempts, self._clock)
            session = Session(held, self._keeper, self._store, events, limits, self._clock)
            try:
                outcome = await attempt(self._handler, held, session, self._backoff)
                held.settling = True
                settled = await self._settler.settle(held, session, outcome)
            except Exception:
                # One job must not take the worker with it: its lease runs out, as if the worker had died, and the
                # crash cap bounds how often that happens.
                log.exception("job_dropped")
                JOBS_SETTLED.labels(claim.kind, "dropped").inc()
                return
            finally:
                self._keeper.drop(held)
                self._doorbell.ring()
            JOBS_SETTLED.labels(claim.kind, settled).inc()
            log.info("job_settled", outcome=settled)

    async def _fetch_or_wait(self, jobs: asyncio.TaskGroup) -> None:
        self._health.beat()
        if not self._orders.may_claim():
            self._health.not_ready("draining")
            await self._doorbell.wait(self._settings.poll_seconds)
            return
        more = await self._fetch(jobs)
        if self._claims.all_away or self._keeper.failing:
            # A worker that is full does not fetch; its renewals know.
            self._health.not_ready("Redis does not answer")
        else:
            self._health.ready()
        if not more:
            await self._doorbell.wait(self._claims.seconds_until_back(self._settings.poll_seconds))

    async def _fetch(self, jobs: asyncio.TaskGroup) -> bool:
        """Claim what fits; true if there may be more."""
        more = False
        turn = next(self._fetches)
        for step in range(self._store.shards):
            shard = (turn + step) % self._store.shards
            free = min(self._settings.concurrency - len(self._keeper), MOST_CLAIMED)
            if free <= 0 and self._doorbell.knows(shard):
                return False
            sent_at = self._clock.monotonic()
            # A job that may have killed its workers is the only one of its sort in this one.
            suspects = not any(held.claim.on_probation for held in self._keeper.holding())
            claims = await self._claims.fetch(shard, max(free, 0), turn, suspects=suspects)
            # A lease may have begun when the fetch was sent. Work begins now: no job pays for a Redis that is slow.
            received_at = self._clock.monotonic()
            for claim in claims:
                self._started.inc()
                self._waits.observe(claim.waited_seconds)
                held = self._keeper.take(claim, sent_at)
                jobs.create_task(self.process_one(held, TimeLimits.of(claim, self._settings, received_at)))
            more = more or 0 < len(claims) == free
        return more

    async def _drain(self) -> None:
        """Let running jobs and files in the making finish within the grace time, then release the jobs.

        Files go back when the tasks that make them are cancelled.
        """
        log.info("draining", running=len(self._keeper), exports=self._orders.making())
        await self._until(lambda: not len(self._keeper) and not self._orders.making(), self._settings.grace_seconds)
        for held in self._keeper.holding():
            held.end(Ending.RELEASED)
        await self._until(lambda: not len(self._keeper), self._settle_seconds)
        for held in self._keeper.holding():
            # What could not be given back is left to its lease, which nobody renews from here on.
            held.end(Ending.LOST)

    async def _until(self, idle: Callable[[], bool], seconds: float) -> None:
        deadline = self._clock.monotonic() + seconds
        while not idle() and self._clock.monotonic() < deadline:
            self._health.beat()
            await self._clock.sleep(0.02)
