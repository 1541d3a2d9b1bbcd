"""The worker's place in the registry: it says what it does, and hears what it is ordered to do."""

import asyncio
import socket
from collections.abc import Callable

import structlog

from shared import __version__
from shared.contracts.states import JobKind
from shared.contracts.workers import GivenOrder, Order, WorkerRecord
from shared.lifecycle.clock import Clock
from shared.lifecycle.supervisor import RESTART_EXIT_STATUS, Drain
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.workers import Workers

log = structlog.get_logger()

HEARTBEAT_SECONDS = 5.0
HEARTBEATS_MISSED = 3
"""After so many a worker no longer counts as alive."""
SIGN_OFF_SECONDS = 2.0


class Registration:
    """Heartbeats of one worker. An order stays in the registry until another one replaces it, so none is missed."""

    def __init__(
        self,
        worker_id: str,
        kind: JobKind,
        slots: int,
        workers: Workers,
        clock: Clock,
        holding: Callable[[], tuple[str, ...]],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._id = worker_id
        self._kind = kind
        self._slots = slots
        self._workers = workers
        self._clock = clock
        self._holding = holding
        self._heartbeat_seconds = heartbeat_seconds
        self._host = socket.gethostname()
        self._version = __version__
        self._started_at = clock.now()
        self._soon = asyncio.Event()
        self._told = self._follows = GivenOrder()

    @property
    def order(self) -> Order:
        """What the worker is told to do."""
        return self._follows.order

    def told(self, order: GivenOrder) -> None:
        """An order came by message."""
        self._told = order
        self._soon.set()

    def hurry(self) -> None:
        """Something has changed, or an order may have come: do not wait for the next heartbeat."""
        self._soon.set()

    async def run(self, drain: Drain, changed: Callable[[], None]) -> None:
        """Beat for ever; ``changed`` is told of each new order."""
        while True:
            self._soon.clear()
            heard = await self._beat(draining=drain.asked or self.order is not Order.WORK)
            newest = max(heard, self._told, self._follows, key=lambda given: given.at_ms)
            if newest != self._follows:
                self._follow(newest, drain)
                changed()
                continue
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    await self._soon.wait()
            except TimeoutError:
                continue

    async def sign_off(self) -> None:
        """Leave the registry; where Redis is away, the last heartbeat runs out instead."""
        try:
            async with asyncio.timeout(SIGN_OFF_SECONDS):
                await self._workers.sign_off(self._id)
        except (*UNAVAILABLE, ANY, TimeoutError) as error:
            log.warning("sign_off_failed", error=str(error))

    async def _beat(self, *, draining: bool) -> GivenOrder:
        record = WorkerRecord(
            id=self._id,
            kind=self._kind,
            host=self._host,
            version=self._version,
            started_at=self._started_at,
            heartbeat_at=self._clock.now(),
            slots=self._slots,
            running=self._holding(),
            draining=draining,
        )
        life_seconds = self._heartbeat_seconds * HEARTBEATS_MISSED
        try:
            return await self._workers.heartbeat(record, life_seconds, self._follows)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("heartbeat_failed", error=str(error))
            return self._follows

    def _follow(self, given: GivenOrder, drain: Drain) -> None:
        log.info("ordered", order=given.order or "work")
        self._follows = given
        match given.order:
            case Order.SHUTDOWN:
                drain.ask()
            case Order.RESTART:
                drain.ask(RESTART_EXIT_STATUS)
            case Order.WORK | Order.DRAIN:
                pass
