"""What the API says of batches."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from gateway.http.problems import ProblemError
from gateway.http.views import API, ProblemItem, job_view
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind, JobState
from shared.contracts.usage import Usage
from shared.redis.batches import BatchRecord, Refusal

SHOWN_REFUSALS = 100


class BatchLinks(BaseModel):
    """Where to go from a batch."""

    self: str
    jobs: str
    events: str
    cancel: str
    retry: str

    @classmethod
    def of(cls, batch_id: str) -> "BatchLinks":
        base = f"{API}/batches/{batch_id}"
        return cls(self=base, **{name: f"{base}/{name}" for name in ("jobs", "events", "cancel", "retry")})


class ItemProblem(BaseModel):
    """Why an item has no job: what a request of its own would have been answered."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str = Field(description="Of the request that submitted the batch")
    errors: list[ProblemItem] = Field(default=[], description="At most 5; the pointers lead into the batch's body")


class ItemAccepted(BaseModel):
    """An item whose job is stored."""

    index: int = Field(description="Which of the items, from 0")
    job_id: str
    kind: JobKind
    status: JobState | Literal["expired"]


class ItemRefused(BaseModel):
    """An item that has no job."""

    index: int
    job_id: None = None
    error: ItemProblem


class AcceptedBatch(BaseModel):
    """All jobs of the batch are stored and will run, but those of the items that are refused."""

    batch_id: str
    created_at: datetime
    accepted: int
    refused: int
    jobs: list[ItemAccepted | ItemRefused] = Field(description="One for each item, in the order of the items")
    links: BatchLinks


class BatchCounts(BaseModel):
    """Where the items stand; each is counted once."""

    total: int
    refused: int = Field(description="Items without a job, see `errors`")
    accepting: int = Field(description="Not stored yet; where the POST was cut off, until it is sent again")
    scheduled: int = 0
    queued: int = 0
    running: int = 0
    awaiting_review: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    expired: int = Field(description="Ended, and its record has expired")


class BatchProgress(BaseModel):
    """How far the batch has come."""

    percent: float = Field(description="The mean of its jobs; one that has ended counts 100")
    eta_seconds: float | None = Field(description="The longest that a running job expects; null where none does")


class BatchView(BaseModel):
    """A batch."""

    batch_id: str
    created_at: datetime
    jobs: BatchCounts
    progress: BatchProgress
    usage: Usage = Field(description="Of the jobs whose records are there")
    finished: bool = Field(description="Every job is stored and has ended")
    errors: list[ItemRefused] = Field(description="The refused items, the first 100")
    links: BatchLinks


class BatchCancelled(BaseModel):
    """What became of the batch's jobs."""

    cancelled: int = Field(description="Were waiting, and have ended now")
    asked: int = Field(description="Are running, and were asked to end")
    already_ended: int


class BatchRetried(BaseModel):
    """What became of the batch's failed jobs."""

    retried: int
    not_retried: int = Field(description="Failed, but begun again by somebody else or gone meanwhile")


def accepted_batch(batch_id: str, record: BatchRecord, jobs: Sequence[Job | None]) -> AcceptedBatch:
    """The answer to a batch that is stored, with its members' jobs."""
    entries: dict[int, ItemAccepted | ItemRefused] = {
        refused.index: _refused(record, refused) for refused in record.refusals
    }
    for member, job in zip(record.members, jobs, strict=True):
        if job is not None or member.index not in entries:
            status = job.state if job is not None else "expired"
            entries[member.index] = ItemAccepted(
                index=member.index, job_id=member.job_id, kind=member.kind, status=status
            )
    listed = [entries[index] for index in sorted(entries)]
    refused = sum(isinstance(entry, ItemRefused) for entry in listed)
    return AcceptedBatch(
        batch_id=batch_id,
        created_at=record.created_at,
        accepted=len(listed) - refused,
        refused=refused,
        jobs=listed,
        links=BatchLinks.of(batch_id),
    )


def batch_view(batch_id: str, record: BatchRecord, jobs: Sequence[Job | None], now: datetime) -> BatchView:
    """The batch as its members' jobs stand at a moment."""
    there = [job for job in jobs if job is not None]
    have_jobs = {member.index for member, job in zip(record.members, jobs, strict=True) if job is not None}
    refused = [each for each in record.refusals if each.index not in have_jobs]
    missing = record.total - len(refused) - len(there)
    states = Counter(job.state for job in there)
    ended = sum(count for state, count in states.items() if state.terminal) + (missing if record.stored else 0)
    return BatchView(
        batch_id=batch_id,
        created_at=record.created_at,
        jobs=BatchCounts(
            total=record.total,
            refused=len(refused),
            accepting=0 if record.stored else missing,
            expired=missing if record.stored else 0,
            **{str(state): count for state, count in states.items()},
        ),
        progress=_progress(there, ended, record.total - len(refused), now),
        usage=sum((job.usage for job in there), Usage()),
        finished=record.stored and ended == record.total - len(refused),
        errors=[_refused(record, each) for each in refused[:SHOWN_REFUSALS]],
        links=BatchLinks.of(batch_id),
    )


def _progress(jobs: Sequence[Job], ended: int, total: int, now: datetime) -> BatchProgress:
    percents = [job.progress.percent for job in jobs if not job.state.terminal]
    expected = [
        eta
        for job in jobs
        if job.state is JobState.RUNNING and (eta := job_view(job, now).progress.eta_seconds) is not None
    ]
    return BatchProgress(
        percent=round((100 * ended + sum(percents)) / total, 1) if total else 100.0,
        eta_seconds=max(expected, default=None),
    )


def _refused(record: BatchRecord, refused: Refusal) -> ItemRefused:
    errors = [fault.model_dump() for fault in refused.errors]
    problem = ProblemError.by_code[refused.code](refused.detail, errors=errors)
    return ItemRefused(index=refused.index, error=ItemProblem.model_validate(problem.body(record.request_id)))
