"""One client's event stream: first the journal after its last id, then what the feed brings, never twice."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.errors import ProblemError
from gateway.schemas import job_view
from gateway.settings import GatewaySettings
from gateway.sse.frames import HEARTBEAT, control_frame, event_frame, opening
from gateway.sse.hub import FeedHub, Subscription
from shared.contracts.events import TERMINAL_EVENTS, EventType
from shared.contracts.ids import EventId
from shared.contracts.jobs import Job
from shared.jobs import JobStore
from shared.lifecycle.clock import Clock
from shared.observability.metrics import SSE_CONNECTIONS, SSE_EVENTS_SENT
from shared.redis.client import ANY, UNAVAILABLE
from shared.redis.reads import Reads

log = structlog.get_logger()

JOURNAL_PAGE = 200
_TERMINAL = frozenset(event.value for event in TERMINAL_EVENTS)
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class SlowClientError(Exception):
    """The client does not read what it is sent."""


class EventStream(Response):
    """An ASGI response that follows a job from ``after`` to the terminal event of its current run."""

    def __init__(
        self,
        job: Job,
        after: EventId,
        subscription: Subscription,
        hub: FeedHub,
        store: JobStore,
        reads: Reads,
        clock: Clock,
        settings: GatewaySettings,
    ) -> None:
        super().__init__(headers=_HEADERS, media_type="text/event-stream")
        # The length of a stream is not known; the base class says 0.
        del self.headers["content-length"]
        self._job = job
        self._last = after
        self._subscription = subscription
        self._hub = hub
        self._store = store
        self._reads = reads
        self._clock = clock
        self._settings = settings
        self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the job ends, the client goes, or the gateway drains."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with SSE_CONNECTIONS.track_inprogress():
            async with asyncio.TaskGroup() as group:
                watcher = group.create_task(self._watch(receive))
                try:
                    await self._follow(self._sender(send))
                except SlowClientError:
                    log.info("slow_client_cut", job_id=self._job.ref.job_id)
                    scope["state"]["abort"]()
                    return
                finally:
                    watcher.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _watch(self, receive: Receive) -> None:
        # Nobody sends a body with a GET; one that is too large ends the stream as if the client had gone.
        with contextlib.suppress(ProblemError):
            while (await receive())["type"] != "http.disconnect":
                continue
        self._gone = True
        self._subscription.wake()

    def _sender(self, send: Send) -> Callable[[bytes], Awaitable[None]]:
        async def push(frames: bytes) -> None:
            try:
                async with asyncio.timeout(self._settings.slow_client_seconds):
                    await send({"type": "http.response.body", "body": frames, "more_body": True})
            except TimeoutError as error:
                # No TimeoutError outward: it is an OSError too, and would pass for Redis being away.
                raise SlowClientError from error

        return push

    async def _follow(self, push: Callable[[bytes], Awaitable[None]]) -> None:
        await push(opening(random.randint(1_000, 3_000)))
        ended = False
        while not (ended or self._gone):
            if self._hub.draining:
                await push(self._draining())
                return
            if self._subscription.behind:
                ended = await self._catch_up(push)
                continue
            queued = self._subscription.take()
            if queued:
                ended = await self._send(push, queued)
            elif not await self._subscription.wait(self._settings.heartbeat_seconds):
                await push(HEARTBEAT)

    async def _catch_up(self, push: Callable[[bytes], Awaitable[None]]) -> bool:
        """Send what the journal has beyond the last id; true if the stream has ended."""
        self._subscription.behind = False
        try:
            return await self._replay(push)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("journal_read_failed", error=str(error))
            self._subscription.behind = True
            await push(HEARTBEAT)
            await self._clock.sleep(random.uniform(0.2, 1.0))
            return False

    async def _replay(self, push: Callable[[bytes], Awaitable[None]]) -> bool:
        ref = self._job.ref
        job = await self._store.get(ref)
        newest = await self._reads.last_event_id(ref)
        if newest is not None and self._last > newest and (job := await self._store.get(ref)) is not None:
            # Read again: a snapshot has to hold all that happened up to the id it carries.
            await self._resync(push, job, newest)
        while job is not None:
            self._job = job
            if self._last < job.trimmed:
                await self._resync(push, job, job.trimmed)
            page = await self._reads.journal(ref, self._last, JOURNAL_PAGE)
            known, job = job, await self._store.get(ref)
            if job is not None and self._last < job.trimmed:
                # Trimmed meanwhile: the page may lack its beginning.
                continue
            frames = [(entry.id, entry.type, event_frame(ref, known.kind, known.request_id, entry)) for entry in page]
            if await self._send(push, frames):
                return True
            if len(page) < JOURNAL_PAGE:
                # The state as it was before the page: what is terminal since then has its event still to come.
                return known.state.terminal
        return True

    async def _resync(self, push: Callable[[bytes], Awaitable[None]], job: Job, position: EventId) -> None:
        """Tell of missing events, with what the client needs to go on from a position."""
        self._last = position
        snapshot: dict[str, Any] = job_view(job, self._clock.now()).model_dump(mode="json")
        texts = await self._store.section_texts(job.ref)
        snapshot["sections"] = [{"section_id": section, "text": text} for section, text in texts.items()]
        await push(control_frame(EventType.GAP, job, self._clock.now(), {"snapshot": snapshot}, event_id=position))

    async def _send(self, push: Callable[[bytes], Awaitable[None]], frames: list[tuple[EventId, str, bytes]]) -> bool:
        """Send what is newer than the last id; true after the terminal event of the current run."""
        fresh: list[bytes] = []
        ended = False
        for event_id, event_type, frame in frames:
            if event_id <= self._last:
                continue
            fresh.append(frame)
            self._last = event_id
            if event_type in _TERMINAL and event_id.fence >= self._job.run_fence:
                ended = True
                break
        if fresh:
            await push(b"".join(fresh))
            SSE_EVENTS_SENT.inc(len(fresh))
        return ended

    def _draining(self) -> bytes:
        retry_ms = random.randint(200, 2_000)
        frame = control_frame(EventType.SERVER_DRAINING, self._job, self._clock.now(), {})
        return b"retry: %d\n" % retry_ms + frame
