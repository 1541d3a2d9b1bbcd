"""The jobs as the gateway sees them."""

import dataclasses
import hashlib

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job, JobSpec
from shared.contracts.plan import LEDGER, PLAN, section_of
from shared.contracts.states import JobKind
from shared.redis.reads import Reads
from shared.redis.scripts import Cancelled, Retried, Scripts, Submitted
from shared.settings import RetentionSettings


def digest_of(kind: JobKind, canonical_body: bytes) -> str:
    """SHA-256 that tells whether two requests ask for the same."""
    return hashlib.sha256(kind.encode() + b"\0" + canonical_body).hexdigest()


class JobStore:
    """Accepts, reads and cancels jobs."""

    def __init__(self, scripts: Scripts, reads: Reads, retention: RetentionSettings) -> None:
        self._scripts = scripts
        self._reads = reads
        self._retention = retention

    async def submit(self, spec: JobSpec) -> Submitted:
        """Accept a job once, however often the request is repeated."""
        return await self._scripts.submit(dataclasses.replace(spec, retention=self._retention.retention))

    async def safe(self, job: Job) -> bool:
        """Whether the job may be acknowledged again: it is there, on a replica too where that was promised."""
        return await self._scripts.safe(job.ref)

    async def get(self, ref: JobRef) -> Job | None:
        """The job, or None where there is none or its record has expired."""
        fields = await self._reads.job(ref)
        return Job.from_record(ref, fields) if fields else None

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
