"""One job as one client sees it: first the journal after the client's position, then what the feed brings."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.http.views import job_view
from gateway.sse.frames import Frame, Origin, event_frame, gap_frame, left_out_frame
from gateway.sse.hub import Subscription
from shared.contracts.events import TERMINAL_EVENTS, EventType
from shared.contracts.ids import EventId
from shared.contracts.jobs import Job
from shared.lifecycle.clock import Clock
from shared.redis.entries import Entry
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.jobs import Jobs

JOURNAL_PAGE = 200
_TERMINAL = frozenset(event.value for event in TERMINAL_EVENTS)


@dataclass(frozen=True, slots=True)
class Expected:
    """A job that may not be there yet."""

    digest: str
    """Tells it from another job of its id."""
    may_come: Callable[[], Awaitable[bool]]


class Follower:
    """Follows a job from a position to the terminal event of its current run, a bounded piece each turn."""

    __slots__ = (
        "_awaiting",
        "_clock",
        "_expected",
        "_jobs",
        "_run_fence",
        "ended",
        "position",
        "subscription",
    )

    def __init__(
        self,
        subscription: Subscription,
        position: EventId,
        jobs: Jobs,
        clock: Clock,
        expected: Expected | None = None,
    ) -> None:
        self.subscription = subscription
        self.position = position
        """The last event sent: who sends a frame moves it there."""
        self.ended = False
        """Whether nothing follows on what the last turn gave."""
        self._run_fence = 0
        self._expected = expected
        self._awaiting = False
        """Whether there was no such job when it was last looked for, but it may still come."""
        self._jobs = jobs
        self._clock = clock

    async def turn(self) -> list[Frame]:
        """The next events after the position: a page of the journal, or what is queued. Raises what Redis raises."""
        if not self.subscription.behind and not self._awaiting:
            return self._fresh(self.subscription.take())
        if self._awaiting:
            # Of our job the journal has it too; another's would have us look again and again.
            self.subscription.take()
        self.subscription.behind = False
        try:
            return await self._replay()
        except (*UNAVAILABLE, ANY):
            self.subscription.fall_behind()
            raise

    def look_again(self) -> None:
        """Nothing happened for a while: see whether a job that may still come is there, or will not come."""
        if self._awaiting:
            self.subscription.fall_behind()

    async def _replay(self) -> list[Frame]:
        ref = self.subscription.ref
        # Asked first: what was not there then may have come before it was over.
        may_come = self._expected is not None and await self._expected.may_come()
        found = await self._jobs.replay(ref, self.position, JOURNAL_PAGE)
        later = Job.from_record(ref, found.later) if self._is_it(found.later) else None
        if found.newest is not None and self.position > found.newest and later is not None:
            # The later record: a snapshot has to hold all that happened up to the id it carries.
            return await self._gap(later, found.newest)
        self._awaiting = may_come and not self._is_it(found.record)
        if not self._is_it(found.record):
            self.ended = not may_come
            return []
        job = Job.from_record(ref, found.record)
        if self.position == found.newest:
            return self._paged(job, [])
        if self.position < job.trimmed:
            return await self._gap(job, job.trimmed)
        if later is not None and self.position < later.trimmed:
            # Trimmed meanwhile: the page may lack its beginning.
            self.subscription.fall_behind()
            return []
        return self._paged(job, found.page)

    def _is_it(self, record: Mapping[str, str]) -> bool:
        return bool(record) and (self._expected is None or record["digest"] == self._expected.digest)

    def _paged(self, job: Job, page: list[Entry]) -> list[Frame]:
        self._run_fence = job.run_fence
        origin = Origin(job.ref.job_id, job.kind, job.request_id)
        left_out = self.subscription.left_out
        frames = self._fresh(
            left_out_frame(entry) if entry.type in left_out else event_frame(origin, entry) for entry in page
        )
        if len(page) == JOURNAL_PAGE:
            self.subscription.fall_behind()
        elif job.state.terminal:
            # As it was before the page: what is terminal since then has its event still to come.
            self.ended = True
        return frames

    async def _gap(self, job: Job, position: EventId) -> list[Frame]:
        """Tells of missing events, with what the client needs to go on from a position."""
        now = self._clock.now()
        snapshot: dict[str, Any] = job_view(job, now).model_dump(mode="json")
        if EventType.SECTION not in self.subscription.left_out:
            texts = await self._jobs.section_texts(job.ref)
            snapshot["sections"] = [{"section_id": section, "text": text} for section, text in texts.items()]
        self.subscription.fall_behind()
        return [gap_frame(Origin(job.ref.job_id, job.kind, job.request_id), position, now, snapshot)]

    def _fresh(self, frames: Iterable[Frame]) -> list[Frame]:
        """Those after the position, up to the terminal event of the current run."""
        fresh: list[Frame] = []
        last = self.position
        for frame in frames:
            if frame.id <= last:
                continue
            fresh.append(frame)
            last = frame.id
            if frame.type in _TERMINAL and last.fence >= self._run_fence:
                self.ended = True
                break
        return fresh
