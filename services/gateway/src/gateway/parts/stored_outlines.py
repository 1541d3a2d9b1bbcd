"""The outlines of jobs as they are stored, version by version."""

import asyncio

from pydantic import BaseModel

from shared.contracts.jobs import Job
from shared.contracts.outline import Outline
from shared.contracts.outline_versions import OutlineVersion, VersionEntry, outline_field
from shared.contracts.states import JobKind
from shared.redis.jobs import Jobs

FIRST = 1
_VERSIONS_AT_ONCE = 20
"""Each comes with its whole outline; Redis serves nobody else while it sends them."""


class _Holder(BaseModel):
    """Of a request or a result only the outline: a newer process may have written more."""

    outline: Outline | None = None


def latest_version(job: Job) -> int:
    """Of a job that has an outline: nothing is stored as a version before somebody changes what was given or made."""
    return job.outline_version or FIRST


class StoredOutlines:
    """Reads the versions."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def version(self, job: Job, version: int) -> OutlineVersion | None:
        """One of the versions up to the latest; None where it has expired, or the job has no outline."""
        if job.outline_version is None:
            return await self._unchanged(job) if version == FIRST else None
        stored = await self._jobs.artifact(job.ref, outline_field(version))
        return None if stored is None else OutlineVersion.model_validate_json(stored)

    async def history(self, job: Job) -> list[VersionEntry]:
        """All versions without their outlines, the first one first; none where they have expired."""
        if job.outline_version is None:
            first = await self._unchanged(job)
            return [] if first is None else [VersionEntry(**first.model_dump(exclude={"outline", "diff"}))]
        found: list[VersionEntry] = []
        for begin in range(FIRST, job.outline_version + 1, _VERSIONS_AT_ONCE):
            numbers = range(begin, min(begin + _VERSIONS_AT_ONCE, job.outline_version + 1))
            page = await self._jobs.artifacts(job.ref, [outline_field(number) for number in numbers])
            found += [VersionEntry.model_validate_json(stored) for stored in page if stored is not None]
        return found

    async def _unchanged(self, job: Job) -> OutlineVersion | None:
        """The outline that a job made, or that a document was given, before anybody changed it."""
        made = job.kind is JobKind.OUTLINE
        holder = await (self._jobs.result(job.ref) if made else self._jobs.payload(job.ref))
        # In a thread: a request may hold 25 MiB of files.
        outline = None if holder is None else (await asyncio.to_thread(_Holder.model_validate_json, holder)).outline
        if outline is None:
            return None
        since = job.finished_at if made and job.finished_at is not None else job.created_at
        return OutlineVersion(version=FIRST, author=None, created_at=since, outline=outline.with_ids())
