"""From the items of a batch to stored jobs."""

from collections.abc import Sequence

import structlog

from gateway.batches.items import MOST_SHARED_BYTES, Batch, Item, refusal
from gateway.batches.members import each, jobs_of
from gateway.batches.problems import BatchIdConflictError
from gateway.dependencies import Services
from gateway.http.errors import invalid
from gateway.http.problems import (
    DurabilityUnconfirmedError,
    IdempotencyKeyReusedError,
    ProblemError,
    RedisFullError,
    RedisUnavailableError,
    come_back,
)
from gateway.jobs.submitting import submit_document, submit_outline
from shared.contracts.commands import MAX_DELAY_SECONDS, OutlineCommand
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.redis.batches import BatchRecord, Refusal
from shared.redis.failures import OUT_OF_MEMORY, UNAVAILABLE, UnconfirmedError

log = structlog.get_logger()

LIFE_SECONDS = 7 * 24 * 3600
_INTERRUPTIONS = (UnconfirmedError, OUT_OF_MEMORY, *UNAVAILABLE)


async def accept_batch(
    service: Services, batch: Batch, request_id: str, *, keyed: bool
) -> tuple[BatchRecord, Sequence[Job | None], bool]:
    """Store a batch once, whoever sends it how often: its record, its members' jobs, and whether it was there before.

    Raises ProblemError 409 or 422 where another batch has the id, and 503 where not all of it could be stored.
    """
    ref = JobRef(batch.batch_id)
    known = await service.store.batches.get(ref)
    if known is None:
        known = await service.store.batches.begin(ref, _new_record(service, batch, request_id))
    if known.digest != batch.digest:
        raise _conflict(batch.batch_id, keyed=keyed)
    if known.stored:
        await service.store.batches.confirm(ref)
        return known, await jobs_of(service, known), True
    storing = _Storing(service, batch, request_id)
    try:
        record = known.model_copy(update={"refusals": await storing.run(), "stored": True})
        await service.store.batches.end(ref, record)
    except (ProblemError, *_INTERRUPTIONS) as error:
        raise storing.interrupted(error) from error
    log.info("batch_accepted", batch_id=batch.batch_id, jobs=len(storing.jobs), refused=len(record.refusals))
    return record, [storing.jobs.get(member.index) for member in record.members], False


def _new_record(service: Services, batch: Batch, request_id: str) -> BatchRecord:
    now = service.clock.now()
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

    def __init__(self, service: Services, batch: Batch, request_id: str) -> None:
        self.jobs: dict[int, Job] = {}
        """By the index of their items."""
        self._service = service
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
            job, _ = await submit_outline(self._service, item.command, *about, keyed=False, batch=batch_id)
        else:
            job, _ = await submit_document(self._service, item.command, *about, keyed=False, batch=batch_id)
        return job

    async def _count_copies(self, item: Item) -> None:
        """Raise ProblemError 422 where the files of outline jobs, which each job gets a copy of, come to too much."""
        command = item.command
        if isinstance(command, OutlineCommand) or command.outline_job_id is None or command.context_files:
            return
        size = await self._service.store.jobs.payload_bytes(JobRef(command.outline_job_id))
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
        return DurabilityUnconfirmedError(detail, headers=come_back())
    if isinstance(error, OUT_OF_MEMORY):
        return RedisFullError("The queue's memory is full.", headers=come_back(30))
    return RedisUnavailableError("The queue cannot be reached.", headers=come_back())
