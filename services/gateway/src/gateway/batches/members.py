"""Many jobs at once: looked at, listed, ended and begun again together."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

import structlog
from fastapi import Depends, Path

from gateway.batches.problems import BatchNotFoundError
from gateway.batches.views import BatchCancelled, BatchRetried
from gateway.dependencies import ServicesDep
from gateway.http.cursors import read_cursor
from gateway.http.errors import invalid
from gateway.parts.listing import Page
from shared.contracts.ids import JOB_ID_PATTERN, JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobState
from shared.lifecycle.clock import Clock
from shared.redis.batches import Batches, BatchRecord, Member
from shared.redis.jobs import Cancelled, Jobs, Retried
from shared.redis.lists import Place

AT_ONCE = 32
"""Jobs of a batch under way at the same time: a batch is not to hold up everybody else's requests."""
PAGE_RECORDS = 200
ASKED_SECONDS = 1.0
_BATCH_ID = re.compile(JOB_ID_PATTERN)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class KnownBatch:
    """A batch and its record."""

    ref: JobRef
    record: BatchRecord


async def load_batch(batch_id: Annotated[str, Path(description="Id of the batch")], service: ServicesDep) -> KnownBatch:
    """The batch named in the path; raises ProblemError 404."""
    if not _BATCH_ID.fullmatch(batch_id):
        raise BatchNotFoundError("No batch can have this id.")
    structlog.contextvars.bind_contextvars(batch_id=batch_id)
    record = await service.store.batches.get(JobRef(batch_id))
    if record is None:
        detail = f"No batch {batch_id}, or nobody asked for it for a week."
        raise BatchNotFoundError(detail)
    return KnownBatch(JobRef(batch_id), record)


BatchDep = Annotated[KnownBatch, Depends(load_batch)]


async def each(things: Iterable[_T], act: Callable[[_T], Awaitable[None]]) -> None:
    """Act on all of them, ``AT_ONCE`` at the same time; the first error stops the others and is raised."""
    rest = iter(things)

    async def work() -> None:
        for thing in rest:
            await act(thing)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def jobs_of(jobs: Jobs, record: BatchRecord) -> list[Job | None]:
    """The jobs of a batch, member by member; None where there is none, or the id is that of another job."""
    return [job async for job in _walk(jobs, record.members)]


async def _walk(jobs: Jobs, members: Sequence[Member]) -> AsyncGenerator[Job | None, None]:
    """Page by page: other requests have their turn in between."""
    for begin in range(0, len(members), PAGE_RECORDS):
        page = members[begin : begin + PAGE_RECORDS]
        for member, record in zip(page, await jobs.records([each.ref for each in page]), strict=True):
            job = Job.from_record(member.ref, record) if record else None
            yield job if job is not None and job.digest == member.digest else None


async def list_page(jobs: Jobs, record: BatchRecord, state: JobState | None, cursor: str | None, limit: int) -> Page:
    """A part of the batch's jobs in the order of its items, all or those in a state; raises ProblemError 422."""
    found: list[Job] = []
    async with contextlib.aclosing(_walk(jobs, record.members[_begin(record, cursor) :])) as walk:
        async for job in walk:
            if job is None or state not in {None, job.state}:
                continue
            if len(found) == limit:
                return Page(found, _place(record, found[-1]))
            found.append(job)
    return Page(found, None)


def _place(record: BatchRecord, job: Job) -> Place:
    return Place(round(record.created_at.timestamp() * 1000), str(job.ref))


def _begin(record: BatchRecord, cursor: str | None) -> int:
    """Which of the members a page begins with."""
    place = read_cursor(cursor)
    if place is None:
        return 0
    for number, member in enumerate(record.members, 1):
        if str(member.ref) == place.name:
            return number
    raise invalid([{"pointer": "/query/cursor", "message": "no cursor of this batch; leave it out to begin anew"}])


class Acceptance:
    """Whether jobs of a batch may still come; Redis is asked once a second at most, however many ask this."""

    def __init__(self, batches: Batches, clock: Clock, batch: KnownBatch) -> None:
        self._batches = batches
        self._clock = clock
        self._ref = batch.ref
        self._over = batch.record.stored
        self._asked_at = clock.monotonic()

    async def goes_on(self) -> bool:
        now = self._clock.monotonic()
        if not self._over and now - self._asked_at >= ASKED_SECONDS:
            self._asked_at = now
            record = await self._batches.get(self._ref)
            self._over = record is None or record.stored
        return not self._over


async def cancel_all(jobs: Jobs, record: BatchRecord) -> BatchCancelled:
    """Cancel every job that has not ended."""
    answers: Counter[Cancelled] = Counter()

    async def cancel(job: Job) -> None:
        answers[await jobs.cancel(job.ref)] += 1

    there = [job for job in await jobs_of(jobs, record) if job is not None]
    await each([job for job in there if not job.state.terminal], cancel)
    cancelled, asked = answers[Cancelled.CANCELLED], answers[Cancelled.ASKED]
    return BatchCancelled(cancelled=cancelled, asked=asked, already_ended=len(there) - cancelled - asked)


async def retry_failed(jobs: Jobs, record: BatchRecord, request_id: str) -> BatchRetried:
    """Begin every failed job again."""
    answers: Counter[Retried] = Counter()

    async def retry(job: Job) -> None:
        answers[await jobs.retry(job.ref, request_id)] += 1

    there = await jobs_of(jobs, record)
    await each([job for job in there if job is not None and job.state is JobState.FAILED], retry)
    retried = answers[Retried.RETRIED]
    return BatchRetried(retried=retried, not_retried=answers.total() - retried)
