"""An event stream to one client: the events of one job or of several, each once and in order."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator, Sequence

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http.problems import ProblemError
from gateway.settings import GatewaySettings
from gateway.sse.follower import Follower
from gateway.sse.frames import HEARTBEAT, Frame, Origin, draining_frame, opening
from gateway.sse.hub import FeedHub
from shared.contracts.events import EventType
from shared.contracts.ids import EventId
from shared.lifecycle.clock import Clock
from shared.observability.metrics import SSE_CONNECTIONS, SSE_EVENTS_SENT
from shared.redis.failures import ANY, UNAVAILABLE

log = structlog.get_logger()

Mark = Callable[[Sequence[EventId]], str]
"""The ``id:`` of a frame, from where its client then stands with each follower's job."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class SlowClientError(Exception):
    """The client does not read what it is sent."""


class EventStream(Response):
    """An ASGI response that gives its followers their turns, one after the other, until all have ended."""

    def __init__(
        self,
        followers: Sequence[Follower],
        mark: Mark,
        about: Origin,
        hub: FeedHub,
        clock: Clock,
        settings: GatewaySettings,
    ) -> None:
        super().__init__(headers=_HEADERS, media_type="text/event-stream")
        # The length of a stream is not known; the base class says 0.
        del self.headers["content-length"]
        self._followers = followers
        self._turns = list(followers)
        self._wakeup = followers[0].subscription.wakeup
        self._mark = mark
        self._about = about
        self._hub = hub
        self._clock = clock
        self._settings = settings
        self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the jobs end, the client goes, or the gateway drains."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with SSE_CONNECTIONS.track_inprogress():
            async with asyncio.TaskGroup() as group:
                watcher = group.create_task(self._watch(receive))
                try:
                    await self._follow(send)
                except SlowClientError:
                    log.info("slow_client_cut")
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
        self._wakeup.set()

    async def _follow(self, send: Send) -> None:
        await self._push(send, opening(random.randint(1_000, 3_000)))
        while self._turns and not self._gone:
            if self._hub.draining:
                await self._push(send, draining_frame(self._about, self._clock.now(), random.randint(200, 2_000)))
                return
            follower = self._next()
            if follower is not None:
                await self._serve(send, follower)
            elif not await self._wakeup.within(self._settings.heartbeat_seconds):
                await self._push(send, HEARTBEAT)
                for each in self._turns:
                    each.look_again()

    def _next(self) -> Follower | None:
        """Whose turn it is; None where nobody has anything to send."""
        for _ in range(len(self._turns)):
            follower = self._turns.pop(0)
            self._turns.append(follower)
            if follower.subscription.waiting:
                return follower
        return None

    async def _serve(self, send: Send, follower: Follower) -> None:
        try:
            frames = await follower.turn()
        except (*UNAVAILABLE, ANY) as error:
            log.warning("journal_read_failed", error=str(error))
            await self._push(send, HEARTBEAT)
            await self._clock.sleep(random.uniform(0.2, 1.0))
            return
        if frames:
            await self._push(send, b"".join(self._marked(follower, frames)))
            SSE_EVENTS_SENT.inc(sum(bool(frame.body) and frame.type != EventType.GAP for frame in frames))
        if follower.ended:
            self._turns.remove(follower)
            self._hub.unsubscribe(follower.subscription)

    def _marked(self, follower: Follower, frames: list[Frame]) -> Iterator[bytes]:
        for frame in frames:
            follower.position = frame.id
            if frame.body:
                yield frame.marked(self._mark([each.position for each in self._followers]))

    async def _push(self, send: Send, frames: bytes) -> None:
        try:
            async with asyncio.timeout(self._settings.slow_client_seconds):
                await send({"type": "http.response.body", "body": frames, "more_body": True})
        except TimeoutError as error:
            # No TimeoutError outward: it is an OSError too, and would pass for Redis being away.
            raise SlowClientError from error
