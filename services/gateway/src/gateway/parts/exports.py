"""Waits for a worker to make a file of a document: the gateway itself makes none."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect

from gateway.http.problems import DrainingError
from gateway.parts.admission import Admission
from gateway.parts.problems import ExportFailedError, ExportNotReadyError, ResultExpiredError
from gateway.sse.hub import FeedHub
from shared.contracts.exports import ExportFormat
from shared.contracts.ids import JobRef
from shared.lifecycle.clock import Clock
from shared.redis.exports import Answer, Asked, Exports

WAIT_SECONDS = 30.0
"""A request waits for a file so long; the file is made all the same, for whoever asks next."""
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class _Awaited:
    """A file that clients wait for at the same time: whoever finds it first reads it for all of them."""

    clients: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    file: bytes | None = None


class ExportDelivery:
    """Asks for files and hands them out."""

    def __init__(self, exports: Exports, admission: Admission, hub: FeedHub, clock: Clock) -> None:
        self.wait_seconds = WAIT_SECONDS
        self._exports = exports
        self._admission = admission
        self._hub = hub
        self._clock = clock
        self._awaited: dict[tuple[JobRef, ExportFormat], _Awaited] = {}

    async def file(self, ref: JobRef, file_format: ExportFormat, gone: Callable[[], Awaitable[bool]]) -> bytes:
        """The file, as soon as it is made; ``gone`` tells whether the client still waits.

        Raises ProblemError 409, 410 or 503, and ClientDisconnect.
        """
        with self._waiting(ref, file_format) as awaited:
            try:
                async with asyncio.timeout(self.wait_seconds):
                    await self._made(ref, file_format, awaited, gone)
                    async with awaited.lock:
                        if awaited.file is None:
                            awaited.file = await self._exports.file(ref, file_format)
            except TimeoutError:
                raise ExportNotReadyError("A document worker makes the file; none has yet. Ask again.") from None
            if awaited.file is None:
                raise ResultExpiredError
            return awaited.file

    async def _made(
        self, ref: JobRef, file_format: ExportFormat, awaited: _Awaited, gone: Callable[[], Awaitable[bool]]
    ) -> None:
        """Return when the file is there."""
        # What is there can be had from a full server too, so look before asking.
        answer = await self._exports.look(ref, file_format)
        if answer.asked in {Asked.WAITING, Asked.FAILED}:
            self._admission.check(0)
            answer = await self._exports.ask(ref, file_format)
        pause = FIRST_PAUSE_SECONDS
        while awaited.file is None and answer.asked is not Asked.READY:
            _refuse(answer)
            if self._hub.draining:
                raise DrainingError("Ask again: another server answers.", headers={"Retry-After": "1"})
            if await gone():
                raise ClientDisconnect
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            answer = await self._exports.look(ref, file_format)

    @contextmanager
    def _waiting(self, ref: JobRef, file_format: ExportFormat) -> Iterator[_Awaited]:
        awaited = self._awaited.setdefault((ref, file_format), _Awaited())
        awaited.clients += 1
        try:
            yield awaited
        finally:
            awaited.clients -= 1
            if not awaited.clients:
                del self._awaited[ref, file_format]


def _refuse(answer: Answer) -> None:
    """Raise a ProblemError unless it is worth to wait."""
    match answer.asked:
        case Asked.FAILED if answer.error is not None:
            error = answer.error.model_dump()
            raise ExportFailedError(answer.error.message, extra={"error": error})
        case Asked.BUSY:
            raise ExportNotReadyError("Too many files wait to be made. Ask again later.")
        case Asked.EXPIRED | Asked.UNFINISHED:
            raise ResultExpiredError
        case _:
            return
