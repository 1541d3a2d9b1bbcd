"""Writes the events of one attempt: numbered, in order, one batch in flight, text coalesced."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass

import structlog

from shared.contracts.events import Delta, EventData, Section
from shared.contracts.jobs import Claim
from shared.contracts.text import encodable
from shared.lifecycle.clock import Clock
from shared.observability.metrics import EVENTS_WRITTEN
from shared.redis.attempts import Attempts, NewEvent, Owned
from shared.redis.failures import OUT_OF_MEMORY, UNAVAILABLE
from shared.streams.codec import encode, type_of

log = structlog.get_logger()

DELTA_SECONDS = 0.25
"""Text is sent four times a second and section at most: the journal is bounded, and no eye is faster."""
BATCH_EVENTS = 200


@dataclass(slots=True)
class _OpenText:
    revision: int
    offset: int
    pieces: list[str]


class EventWriter:
    """Numbers events under the claim's fence from 1 and appends them to the journal.

    ``emit`` and ``text`` never wait; ``run`` writes what comes; ``flush`` returns when all is written.
    """

    def __init__(self, claim: Claim, attempts: Attempts, clock: Clock) -> None:
        self._claim = claim
        self._attempts = attempts
        self._clock = clock
        self._seq = 0
        self._queue: deque[NewEvent] = deque()
        self._open: dict[str, _OpenText] = {}
        self._open_until = 0.0
        self._written: dict[str, tuple[int, int]] = {}
        self._some = asyncio.Event()
        self._urgent = asyncio.Event()
        self._writing = asyncio.Lock()
        self._group: asyncio.TaskGroup | None = None
        self._writer: asyncio.Task[None] | None = None

    def write_in(self, group: asyncio.TaskGroup) -> None:
        """Write in the background from the first event on, in a task of the group, until ``rest``."""
        self._group = group

    async def rest(self) -> None:
        """Stop writing in the background; a batch in flight is waited for."""
        self._group = None
        async with self._writing:
            if self._writer is not None:
                self._writer.cancel()

    def emit(self, data: EventData) -> None:
        """Append an event; the end of a section comes after all of its text."""
        if isinstance(data, Section):
            self.close(data.section_id)
        self._push(data)
        self._urgent.set()
        self._wake()

    def text(self, section_id: str, revision: int, piece: str) -> None:
        """Append a piece of a section's text; a higher revision begins the section anew."""
        if not piece:
            return
        opened = self._open.get(section_id)
        if opened is not None and opened.revision != revision:
            self.close(section_id)
            opened = None
        if opened is None:
            known, offset = self._written.get(section_id, (revision, 0))
            opened = _OpenText(revision, offset if known == revision else 0, [])
            if not self._open:
                self._open_until = self._clock.monotonic() + DELTA_SECONDS
            self._open[section_id] = opened
        opened.pieces.append(piece)
        self._wake()

    def close(self, section_id: str) -> None:
        """Queue what is still open of a section's text, so that what follows comes after it."""
        opened = self._open.pop(section_id, None)
        if opened is not None:
            text = encodable("".join(opened.pieces))
            self._written[section_id] = (opened.revision, opened.offset + len(text))
            self._push(Delta(section_id=section_id, revision=opened.revision, offset=opened.offset, text=text))

    def next_seq(self) -> int:
        """The number for the event that a settling script writes. Call after ``flush``."""
        return self._seq + 1

    async def run(self) -> None:
        """Write for ever, through times when Redis is away."""
        while True:
            await self._some.wait()
            await self._until_due()
            try:
                await self._write()
            except UNAVAILABLE as error:
                log.warning("events_delayed", error=str(error), events=len(self._queue))
                self._urgent.set()
                await self._clock.sleep(DELTA_SECONDS)
                continue
            self._urgent.clear()
            if not self._open:
                self._some.clear()

    async def flush(self) -> Owned:
        """Write everything there is, and say what the last write was told. Raises where Redis is away."""
        self._close_all()
        return await self._write()

    def _wake(self) -> None:
        self._some.set()
        if self._group is not None and self._writer is None:
            self._writer = self._group.create_task(self.run())

    async def _until_due(self) -> None:
        # Text has a deadline of its own, so that a steady flow of other events cannot hold it back.
        left = max(0.0, self._open_until - self._clock.monotonic()) if self._open else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._urgent.wait()
        if self._clock.monotonic() >= self._open_until:
            self._close_all()

    def _close_all(self) -> None:
        for section_id in list(self._open):
            self.close(section_id)

    def _push(self, data: EventData) -> None:
        self._seq += 1
        self._queue.append(NewEvent(self._seq, type_of(data), encode(data)))

    async def _write(self) -> Owned:
        told = Owned.OK
        async with self._writing:
            while self._queue:
                batch = [self._queue[i] for i in range(min(len(self._queue), BATCH_EVENTS))]
                told = await self._append(batch)
                for _ in batch:
                    self._queue.popleft()
        return told

    async def _append(self, batch: list[NewEvent]) -> Owned:
        try:
            told = await self._attempts.append_events(self._claim, batch)
        except OUT_OF_MEMORY:
            log.warning("events_dropped_redis_full", events=len(batch))
            return Owned.OK
        if told in {Owned.OK, Owned.CANCEL}:
            for event in batch:
                EVENTS_WRITTEN.labels(event.type).inc()
        return told
