"""What a handler is given for one attempt of one job."""

import uuid
from collections import deque
from collections.abc import Awaitable, Callable

from shared.contracts.errors import LeaseLostError, RequestLostError, WorkLostError
from shared.contracts.events import EventData
from shared.contracts.jobs import Claim
from shared.contracts.usage import Usage
from shared.leases import Held, LeaseKeeper
from shared.lifecycle.clock import Clock
from shared.redis.attempts import ArtifactWrite, Owned
from shared.redis.store import Store
from shared.streams.limits import TimeLimits
from shared.streams.outcome import HandOver
from shared.streams.publisher import EventWriter


class Session:
    """One attempt: its claim, its events, its stored work. Every write is fenced."""

    def __init__(
        self,
        held: Held,
        keeper: LeaseKeeper,
        store: Store,
        events: EventWriter,
        limits: TimeLimits,
        clock: Clock,
    ) -> None:
        self.claim: Claim = held.claim
        self.events = events
        self._held = held
        self._keeper = keeper
        self._store = store
        self._limits = limits
        self._clock = clock
        self._unsettled: Usage | None = None
        self._unconfirmed: deque[ArtifactWrite] = deque()

    def check(self) -> None:
        """Raise LeaseLostError unless the job is still ours. Call before each costly step."""
        self._keeper.check(self._held)

    def time_is_short(self) -> bool:
        """Whether the soft time limit has come: begin nothing new, finish with what there is."""
        return self.soft_seconds_left() <= 0

    def soft_seconds_left(self) -> float:
        """Until the soft time limit."""
        return max(0.0, self._limits.soft_at - self._clock.monotonic())

    def text_seconds_left(self) -> float:
        """Until texts that are being written have to end where they are; a while after the soft limit."""
        return max(0.0, self._limits.texts_at - self._clock.monotonic())

    def seconds_left(self) -> float:
        """Until the hard time limit."""
        return max(0.0, self._limits.hard_at - self._clock.monotonic())

    def emit(self, data: EventData) -> None:
        """Publish an event."""
        self.events.emit(data)

    def text(self, section_id: str, revision: int, piece: str) -> None:
        """Publish a piece of a section's text."""
        self.events.text(section_id, revision, piece)

    async def payload(self) -> bytes:
        """The request as accepted; raises RequestLostError where it is gone."""
        payload = await self._store.jobs.payload(self.claim.ref)
        if payload is None:
            raise RequestLostError("The job's request is no longer in Redis; submit the job again.")
        return payload

    async def load(self, field: str) -> bytes | None:
        """A piece of stored work of this job."""
        return await self._store.jobs.artifact(self.claim.ref, field)

    async def require(self, field: str) -> bytes:
        """A piece of stored work that must be there; raises WorkLostError where it is not."""
        found = await self.load(field)
        if found is None:
            raise WorkLostError(f"The job's stored work {field!r} is no longer in Redis; submit the job again.")
        return found

    async def stored_fields(self) -> list[str]:
        """Names of all stored work of this job."""
        return await self._store.jobs.artifact_fields(self.claim.ref)

    async def store(self, field: str, value: bytes) -> None:
        """Keep a piece of work beyond this attempt, and count in the same step what was spent so far."""
        await self.confirm()
        await self._put(ArtifactWrite(uuid.uuid4().hex, field, value, self.take_unsettled()))

    async def confirm(self) -> None:
        """Repeat the writes whose reply never came, so that each is stored and its usage counted exactly once."""
        while self._unconfirmed:
            await self._put(self._unconfirmed.popleft())

    async def _put(self, write: ArtifactWrite) -> None:
        try:
            told = await self._store.attempts.put_artifact(self.claim, write)
        except BaseException:
            self._unconfirmed.append(write)
            raise
        if told is not Owned.OK:
            msg = f"job {self.claim.ref} is no longer ours"
            raise LeaseLostError(msg)

    def spend(self, usage: Usage) -> None:
        """Count what a model request used; written with the next store, at the latest when the attempt is settled."""
        self._unsettled = usage if self._unsettled is None else self._unsettled + usage

    def take_unsettled(self) -> Usage | None:
        """What ``spend`` gathered and nobody wrote yet, or None; the caller writes it."""
        taken, self._unsettled = self._unsettled, None
        return taken


Handler = Callable[[Session], Awaitable[bytes | HandOver]]
"""Does the work of one attempt and returns the result as a JSON object without usage, or what others go on from.

Raises TransientError or PermanentError; any other error counts as transient, since it may be of this process alone.
"""
