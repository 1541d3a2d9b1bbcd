"""The jobs as the gateway sees them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job, Origin
from shared.contracts.plan import LEDGER, PLAN, section_of
from shared.contracts.states import JobKind
from shared.jobs.record import to_job
from shared.redis.reads import Reads
from shared.redis.scripts import Cancelled, Retried, Scripts, Submission, Submitted
from shared.settings import RetentionSettings


@dataclass(frozen=True, slots=True)
class NewJob:
    """A validated request, ready to be accepted."""

    ref: JobRef
    kind: JobKind
    digest: str
    payload: bytes
    priority: int
    max_attempts: int
    metadata: dict[str, str]
    request_id: str
    delay_seconds: float
    not_before: datetime | None
    soft_limit_seconds: float | None = None
    hard_limit_seconds: float | None = None
    """Of the time that workers spend on it; None leaves it to the worker."""
    phase: JobKind | None = None
    """The workers that take it first; None: those of its kind."""
    review: bool = False
    """Whether it waits for a person once it is planned."""
    origin: Origin = field(default_factory=Origin)
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    work: Mapping[str, bytes] = field(default_factory=dict)
    """Stored work that it begins with, by field."""


def digest_of(kind: JobKind, canonical_body: bytes) -> str:
    """SHA-256 that tells whether two requests ask for the same."""
    return hashlib.sha256(kind.encode() + b"\0" + canonical_body).hexdigest()


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds * 1000))


class JobStore:
    """Accepts, reads and cancels jobs."""

    def __init__(self, scripts: Scripts, reads: Reads, retention: RetentionSettings) -> None:
        self._scripts = scripts
        self._reads = reads
        self._retention = retention

    async def submit(self, new: NewJob) -> Submitted:
        """Accept a job once, whoever sends it how often."""
        return await self._scripts.submit(
            Submission(
                ref=new.ref,
                kind=new.kind,
                digest=new.digest,
                priority=new.priority,
                max_attempts=new.max_attempts,
                request_id=new.request_id,
                metadata=json.dumps(new.metadata, ensure_ascii=False),
                payload=new.payload,
                delay_ms=round(new.delay_seconds * 1000),
                not_before_ms=round(new.not_before.timestamp() * 1000) if new.not_before else 0,
                result_ttl_seconds=self._retention.result_ttl_seconds,
                record_ttl_seconds=self._retention.record_ttl_seconds,
                failed_ttl_seconds=self._retention.failed_ttl_seconds,
                soft_limit_ms=_milliseconds(new.soft_limit_seconds),
                hard_limit_ms=_milliseconds(new.hard_limit_seconds),
                phase=new.phase,
                review=new.review,
                origin=new.origin,
                max_tokens=new.max_tokens,
                max_cost_usd=new.max_cost_usd,
                work=new.work,
            )
        )

    async def safe(self, job: Job) -> bool:
        """Whether the job may be acknowledged again: it is there, on a replica too where that was promised."""
        return await self._scripts.safe(job.ref)

    async def get(self, ref: JobRef) -> Job | None:
        """The job, or None where there is none or its record has expired."""
        fields = await self._reads.job(ref)
        return to_job(ref, fields) if fields else None

    async def result(self, ref: JobRef) -> bytes | None:
        """The result as JSON, or None where it has expired or never was."""
        return await self._reads.result(ref)

    async def cancel(self, job: Job) -> Cancelled:
        """End a waiting job; ask for the end of a running one."""
        return await self._scripts.cancel(job.ref)

    async def retry(self, job: Job, request_id: str) -> Retried:
        """Begin a failed or cancelled job again, from its checkpoint."""
        return await self._scripts.retry(job.ref, request_id)

    async def requeue(self, ref: JobRef, request_id: str) -> bool:
        """Begin a dead letter again; false where there is none of this id."""
        return await self._scripts.requeue(ref, request_id)

    async def purge(self, ref: JobRef) -> bool:
        """Forget a dead letter with everything of its job; false where there is none of this id."""
        return await self._scripts.purge(ref)

    async def section_texts(self, ref: JobRef) -> dict[str, str]:
        """Texts of the sections that are finished, by section id."""
        named = [(section_of(field), field) for field in await self._reads.artifact_fields(ref)]
        finished = [(section_id, field) for section_id, field in named if section_id is not None]
        texts = await self._reads.artifacts(ref, [field for _, field in finished])
        return {
            section_id: text.decode() for (section_id, _), text in zip(finished, texts, strict=True) if text is not None
        }

    async def plan_and_ledger(self, ref: JobRef) -> tuple[bytes | None, bytes | None]:
        """What a document is put together by, as JSON; None for each that is not there or has expired."""
        plan, ledger = await self._reads.artifacts(ref, [PLAN, LEDGER])
        return plan, ledger
