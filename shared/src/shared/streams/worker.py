"""A worker process around its handler: composes the consumer with all that runs beside it."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from os import getpid
from typing import Any

import structlog

from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.contracts.workers import Order
from shared.exports import AT_ONCE, Exporter, ExportLimits, ExportMaker
from shared.leases import LeaseKeeper
from shared.lifecycle.clock import Clock, SystemClock
from shared.lifecycle.listening import INTERNAL, open_listener
from shared.lifecycle.pauses import Pauses
from shared.lifecycle.supervisor import Drain
from shared.observability.health import Health, internal_port
from shared.observability.logging import configure_logging
from shared.redis.client import connections
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.store import Store
from shared.redis.workers import read_order
from shared.settings import ObservabilitySettings, RedisSettings, WorkerSettings
from shared.streams.claims import Claims
from shared.streams.consumer import SETTLE_SECONDS, Consumer, Orders
from shared.streams.doorbell import Doorbell, Message
from shared.streams.registration import HEARTBEAT_SECONDS, Registration
from shared.streams.session import Handler
from shared.streams.upkeep import UpkeepPauses, agree_forever, promote_forever, sweep_forever

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """Who consumes what."""

    id: str
    kind: JobKind
    handler: Handler
    exporter: Exporter | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """Times that only tests change."""

    upkeep: UpkeepPauses = field(default_factory=UpkeepPauses)
    exports: ExportLimits = field(default_factory=ExportLimits)
    settle_seconds: float = SETTLE_SECONDS


class WorkerRuntime:
    """A consumer, and beside it leases, registration, doorbell, upkeep of the queues and making files."""

    def __init__(
        self,
        worker: Worker,
        store: Store,
        clock: Clock,
        settings: WorkerSettings,
        health: Health,
        tuning: Tuning = Tuning(),
    ) -> None:
        self._worker = worker
        self._store = store
        self._clock = clock
        self._lease_seconds = settings.lease_seconds
        self._tuning = tuning
        self.keeper = LeaseKeeper(store.queues, clock, settings.lease_seconds)
        self._doorbell = Doorbell(store.connections, worker.kind, clock, self._obey)
        self._registration = Registration(
            worker.id, worker.kind, settings.concurrency, store.workers, clock, self._job_ids,
            min(HEARTBEAT_SECONDS, settings.lease_seconds / 3),
        )  # fmt: skip
        self._claims = Claims(worker.id, worker.kind, store.queues, self._doorbell, clock, settings.lease_seconds)
        self._exports: ExportMaker | None = None
        if worker.exporter is not None:
            self._exports = ExportMaker(worker.exporter, store.exports, store.jobs, clock, tuning.exports)
        self._consumer = Consumer(
            worker.kind, worker.handler, store, self.keeper, self._claims, self._doorbell,
            Orders(self._told_to_work, self._files_making), clock, settings, health, tuning.settle_seconds,
        )  # fmt: skip

    async def run(self, drain: Drain) -> None:
        """Work until a drain is asked for and done, then leave the registry."""
        async with asyncio.TaskGroup() as background:
            tasks = [background.create_task(each) for each in (*self._upkeep(drain), *self._exporting(drain))]
            await self._consumer.run(drain)
            for task in tasks:
                task.cancel()
        await self._registration.sign_off()

    def _upkeep(self, drain: Drain) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on for ever, at each shard whatever becomes of the others."""
        kind, pauses = self._worker.kind, self._tuning.upkeep
        yield self.keeper.run()
        yield self._registration.run(drain, self._doorbell.ring)
        yield self._ring_on(drain)
        yield agree_forever(self._store, self._clock, pauses)
        for shard in range(self._store.shards):
            yield self._doorbell.listen(shard)
            yield promote_forever(self._store.queues, shard, kind, self._clock, self._claims.reached, pauses)
            yield sweep_forever(self._store.queues, shard, kind, self._clock, self._lease_seconds, pauses)

    def _exporting(self, drain: Drain) -> Iterator[Coroutine[Any, Any, None]]:
        if self._exports is not None:
            for shard in range(self._store.shards):
                for _ in range(AT_ONCE):
                    yield self._exports.serve(shard, lambda: not drain.asked and self._told_to_work())

    def _told_to_work(self) -> bool:
        return self._registration.order is Order.WORK

    def _files_making(self) -> int:
        return 0 if self._exports is None else self._exports.making

    def _job_ids(self) -> tuple[str, ...]:
        return tuple(held.claim.ref.job_id for held in self.keeper.holding())

    def _obey(self, messages: Sequence[Message]) -> None:
        for message in messages:
            match message[b"what"]:
                case b"cancel" if fence := message.get(b"fence"):
                    self.keeper.cancel(JobRef.parse(message[b"id"].decode()), int(fence))
                case b"export" if self._exports is not None:
                    self._exports.ring()
                case b"order" if message[b"id"].decode() == self._worker.id:
                    if order := read_order(message[b"order"], message[b"at"]):
                        self._registration.told(order)

    async def _ring_on(self, drain: Drain) -> None:
        await drain.wait()
        self._doorbell.ring()
        self._registration.hurry()


def worker_id() -> str:
    """Host, process and a random part: unique over restarts too."""
    return f"{socket.gethostname()}-{getpid()}-{secrets.token_hex(2)}"


async def run_worker(
    kind: JobKind,
    metrics_port: int,
    build_handler: Callable[[Store, Clock], Handler],
    drain: Drain,
    exports: Exporter | None = None,
    tuning: Tuning = Tuning(),
) -> None:
    """Consume jobs of one kind, and make files where there is an exporter, until a drain is asked for and done."""
    redis, observability, settings = RedisSettings(), ObservabilitySettings(), WorkerSettings()
    name, health, clock = worker_id(), Health(), SystemClock()
    configure_logging(observability, f"{kind}_worker", worker=name)
    listener = open_listener(observability.host, metrics_port, observability.metrics_fd, INTERNAL)
    with internal_port(health, listener):
        async with connections(redis) as opened:
            store = Store(opened, redis.shards)
            worker = Worker(name, kind, build_handler(store, clock), exports)
            runtime = WorkerRuntime(worker, store, clock, settings, health, tuning)
            if await _prepared(store, kind, clock, health, drain):
                log.info("consuming", concurrency=settings.concurrency, lease_seconds=settings.lease_seconds)
                await runtime.run(drain)
    log.info("stopped")


async def _prepared(store: Store, kind: JobKind, clock: Clock, health: Health, drain: Drain) -> bool:
    """Agree on the shards and create the groups as soon as Redis answers; false if told to stop before."""
    pauses = Pauses()
    while not drain.asked:
        health.beat()
        try:
            await store.fix_shards()
            await store.queues.ensure_groups(kind)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("waiting_for_redis", error=str(error))
            await clock.sleep(pauses.following())
        else:
            return True
    return False
