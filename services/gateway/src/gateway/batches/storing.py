"""From the items of a batch to stored jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import Depends

from gateway.batches.items import MOST_SHARED_BYTES, Batch, Item, refusal
from gateway.batches.members import each, jobs_of
from gateway.batches.problems import BatchIdConflictError
from gateway.dependencies import ServicesDep
from gateway.http.errors import invalid
from gateway.http.problems import (
    DurabilityUnconfirmedError,
    IdempotencyKeyReusedError,
    ProblemError,
    RedisFullError,
    RedisUnavailableError,
)
from gateway.jobs.submitting import Submitter, SubmitterDep
from shared.contracts.commands import MAX_DELAY_SECONDS, OutlineCommand
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.lifecycle.clock import Clock
from shared.redis.batches import Batches, BatchRecord, Refusal
from shared.redis.failures import OUT_OF_MEMORY, UNAVAILABLE, UnconfirmedError
from shared.redis.jobs import Jobs

log = structlog.get_logger()

LIFE_SECONDS = 7 * 24 * 3600
_INTERRUPTIONS = (UnconfirmedError, OUT_OF_MEMORY, *UNAVAILABLE)


class BatchIntake:
    """Stores batches."""

    def __init__(self, batches: Batches, jobs: Jobs, submitter: Submitter, clock: Clock) -> None:
        self._batches = batches
        self._jobs = jobs
        self._submitter = submitter
        self._clock = clock

    async def accept(
        self, batch: Batch, request_id: str, *, keyed: bool
    ) -> tuple[BatchRecord, Sequence[Job | None], bool]:
        """Store a batch once, whoever sends it how often: its record, its members' jobs, whether it was there before.

        Raises ProblemError 409 or 422 where another batch has the id, and 503 where not all of it could be stored.
        """
        ref = JobRef(batch.batch_id)
        known = await self._batches.get(ref)
        if known is None:
            known = await self._batches.begin(ref, _new_record(batch, request_id, self._clock.now()))
        if known.digest != batch.digest:
            raise _conflict(batch.batch_id, keyed=keyed)
        if known.stored:
            await self._batches.confirm(ref)
            return known, await jobs_of(self._jobs, known), True
        storing = _Storing(self._submitter, self._jobs, batch, request_id)
        try:
            record = known.model_copy(update={"refusals": await storing.run(), "stored": True})
            await self._batches.end(ref, record)
        except (ProblemError, *_INTERRUPTIONS) as error:
            raise storing.interrupted(error) from error
        log.info("batch_accepted", batch_id=batch.batch_id, jobs=len(storing.jobs), refused=len(record.refusals))
        return record, [storing.jobs.get(member.index) for member in record.members], False


async def batch_intake(submitter: SubmitterDep, service: ServicesDep) -> BatchIntake:
    """The intake of batches, for a route."""
    return BatchIntake(service.store.batches, service.store.jobs, submitter, service.clock)


BatchIntakeDep = Annotated[BatchIntake, Depends(batch_intake)]


def _new_record(batch: Batch, request_id: str, now: datetime) -> BatchRecord:
    delays = [item.command.delay_seconds or 0.0 for item in batch.items]
    delays += [(due - now).total_seconds() for item in batch.items if (due := item.command.not_before) is not None]
    return BatchRecord(
        digest=batch.digest,
        created_at=now,
        request_id=request_id,
        life_seconds=LIFE_SECONDS + round(min(MAX_DELAY_SECONDS, max(delays))),
        members=tuple(item.member for item in batch.items),
        refusals=tuple(batch.refusals),
    )


def _conflict(batch_id: str, *, keyed: bool) -> ProblemError:
    if keyed:
        detail = "This Idempotency-Key came with another batch before; take a new key for a new batch."
        return IdempotencyKeyReusedError(detail)
    detail = f"Batch {batch_id} exists with another body; take another batch_id."
    return BatchIdConflictError(detail)


class _Storing:
    """Stores the jobs of a batch; those that are there already stay as they are."""

    def __init__(self, submitter: Submitter, jobs: Jobs, batch: Batch, request_id: str) -> None:
        self.jobs: dict[int, Job] = {}
        """By the index of their items."""
        self._submitter = submitter
        self._known = jobs
        self._batch = batch
        self._request_id = request_id
        self._refusals: list[Refusal] = list(batch.refusals)
        self._interruption: Exception | None = None
        self._copied = 0
        """Bytes of the requests of outline jobs."""

    async def run(self) -> tuple[Refusal, ...]:
        """Store them all; returns the items that are refused. Raises what keeps all of them from being stored."""
        await each(self._batch.items, self._store)
        if self._interruption is not None:
            raise self._interruption
        return tuple(sorted(self._refusals, key=lambda refused: refused.index))

    async def _store(self, item: Item) -> None:
        # What is under way then is let finish: so it is known how many are stored.
        if self._interruption is not None:
            return
        index = item.member.index
        try:
            self.jobs[index] = await self._submit(item)
        except ProblemError as error:
            if error.status >= 500:
                self._interruption = error
            else:
                self._refusals.append(refusal(index, error, item.inherited))
        except _INTERRUPTIONS as error:
            self._interruption = error

    async def _submit(self, item: Item) -> Job:
        about = (item.member.job_id, self._request_id)
        batch_id = self._batch.batch_id
        await self._count_copies(item)
        if isinstance(item.command, OutlineCommand):
            job, _ = await self._submitter.outline(item.command, *about, keyed=False, batch=batch_id)
        else:
            job, _ = await self._submitter.document(item.command, *about, keyed=False, batch=batch_id)
        return job

    async def _count_copies(self, item: Item) -> None:
        """Raise ProblemError 422 where the files of outline jobs, which each job gets a copy of, come to too much."""
        command = item.command
        if isinstance(command, OutlineCommand) or command.outline_job_id is None or command.context_files:
            return
        size = await self._known.payload_bytes(JobRef(command.outline_job_id))
        self._copied += size
        if self._copied > MOST_SHARED_BYTES:
            message = (
                f"the requests of the outline jobs come to more than {MOST_SHARED_BYTES:,} bytes, copied for each item"
            )
            raise invalid([{"pointer": "/outline_job_id", "message": message}])

    def interrupted(self, error: Exception) -> ProblemError:
        """What the client is told, who may not know the id of its batch."""
        batch_id, stored = self._batch.batch_id, len(self.jobs)
        why = error if isinstance(error, ProblemError) else _away(error)
        log.warning("batch_interrupted", batch_id=batch_id, jobs=stored, code=why.code, error=str(error))
        detail = (
            f"{stored} of {len(self._batch.items)} jobs are stored. Send the same batch with batch_id {batch_id} "
            f"again: it goes on. {why.detail}"
        )
        extra = {"batch_id": batch_id, "stored": stored}
        return type(why)(detail, headers=why.headers, extra=extra)


def _away(error: Exception) -> ProblemError:
    if isinstance(error, UnconfirmedError):
        detail = "No replica confirmed the batch, so a failover could lose it."
        return DurabilityUnconfirmedError(detail)
    if isinstance(error, OUT_OF_MEMORY):
        return RedisFullError("The queue's memory is full.")
    return RedisUnavailableError("The queue cannot be reached.")
