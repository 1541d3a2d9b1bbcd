"""From a finished document to a job that writes one of its sections again, and all that came of a document so."""

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict

from gateway.dependencies import ServicesDep
from gateway.http.problems import JobNotFoundError, ProblemError
from gateway.http.views import Links
from gateway.jobs.accepting import Intake, IntakeDep, digest_of, new_job, replayed
from gateway.jobs.answering import refuse_unless_completed
from gateway.outlines.problems import TooManyVersionsError
from gateway.parts.pricing import Pricing
from gateway.parts.problems import ResultExpiredError
from gateway.revisions.problems import SectionNotFoundError
from shared.contracts.commands import DocumentPayload, RegenerateCommand, Revision
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job, JobSpec, Origin
from shared.contracts.plan import LEDGER, PLAN, Plan, evidence_field, facts_field, previous_field, text_field
from shared.contracts.states import JobKind, JobState
from shared.lifecycle.clock import Clock
from shared.redis.revisions import MOST_MEMBERS
from shared.redis.store import Store

_SHOWN_SECTIONS = 20
_LONGEST_SUBMISSION_MS = 300_000
"""A name that is younger may yet get its job."""


class VersionView(BaseModel):
    """A document of a line: the first, or one in which a section was written again."""

    job_id: str
    status: JobState
    parent_job_id: str | None
    section_id: str | None
    created_at: datetime
    finished_at: datetime | None
    links: Links


class VersionList(BaseModel):
    """All documents of a line, oldest first."""

    items: list[VersionView]
    next_cursor: None = None


class _Asked(BaseModel):
    """Of the parent's request what its plan does not say."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None


class Reviser:
    """Makes jobs that write one section of a document again."""

    def __init__(self, intake: Intake, store: Store, pricing: Pricing, clock: Clock, life_seconds: int) -> None:
        self._intake = intake
        self._store = store
        self._pricing = pricing
        self._clock = clock
        self._life_seconds = life_seconds
        """How long a line of documents is known after its last addition."""

    async def submit(
        self, parent_id: JobRef, section_id: str, command: RegenerateCommand, new: JobSpec, *, keyed: bool
    ) -> tuple[Job, bool]:
        """Accept a revision; true with it if it was accepted before."""
        known = await self._store.jobs.get(new.ref)
        # Before the parent is looked up: a repeated request must answer alike after the parent has expired.
        if known is not None and await self._intake.safe(known):
            return replayed(known, new, keyed=keyed), True
        parent = await self._store.jobs.get(parent_id)
        if parent is None:
            raise JobNotFoundError(f"No job {parent_id.job_id}, or its record has expired.")
        if parent.kind is not JobKind.DOCUMENT:
            raise _no_section(f"{parent.ref.job_id} makes an outline, which has no text.")
        refuse_unless_completed(parent)
        plan, work = await self._work_of(parent, section_id)
        root = JobRef(parent.origin.root or parent.ref.job_id)
        payload = await self._payload(parent, root, plan, section_id, command)
        self._pricing.check(payload)
        new = dataclasses.replace(
            new,
            payload=payload.model_dump_json().encode(),
            origin=Origin(parent.ref.job_id, root.job_id, section_id),
            work=work,
        )
        # Before the job: a name without a job is passed over, a job that no list names would not be found.
        if not await self._counted(root, new.ref):
            detail = f"{MOST_MEMBERS} documents go back to {root.job_id} already; submit the document anew."
            raise TooManyVersionsError(detail)
        return await self._intake.accept(new, keyed=keyed)

    async def _work_of(self, parent: Job, section_id: str) -> tuple[Plan, dict[str, bytes]]:
        """The parent's plan, and the stored work with which the new job begins: all but what it writes itself."""
        (stored,) = await self._store.jobs.artifacts(parent.ref, [PLAN])
        if stored is None:
            raise ResultExpiredError
        plan = Plan.model_validate_json(stored)
        written = [leaf.id for leaf in plan.leaves()]
        if section_id not in written:
            more = ", …" if len(written) > _SHOWN_SECTIONS else ""
            raise _no_section(f"These can be written again: {', '.join(written[:_SHOWN_SECTIONS])}{more}.")
        kept = {PLAN: PLAN, LEDGER: LEDGER, text_field(section_id): previous_field(section_id)} | {
            field: field
            for leaf in written
            if leaf != section_id
            for field in (text_field(leaf), facts_field(leaf), evidence_field(leaf))
        }
        values = await self._store.jobs.artifacts(parent.ref, list(kept))
        work = {name: value for name, value in zip(kept.values(), values, strict=True) if value is not None}
        if LEDGER not in work:
            raise ResultExpiredError
        return plan, work

    async def _payload(
        self, parent: Job, root: JobRef, plan: Plan, section_id: str, command: RegenerateCommand
    ) -> DocumentPayload:
        request = await self._store.jobs.payload(parent.ref)
        if request is None:
            raise ResultExpiredError
        # It may hold 25 MiB of files.
        asked = await asyncio.to_thread(_Asked.model_validate_json, request)
        return DocumentPayload(
            priority=command.priority,
            metadata=command.metadata,
            language=plan.language,
            model=command.model or asked.model,
            reference_style=plan.reference_style,
            task_prompt=plan.task_prompt or None,
            max_cost_usd=command.max_cost_usd,
            revision=Revision(
                parent_job_id=parent.ref.job_id,
                root_job_id=root.job_id,
                section_id=section_id,
                instruction=command.instruction,
                target_words=command.target_words,
            ),
        )

    async def _counted(self, root: JobRef, ref: JobRef) -> bool:
        """Whether there is room for another document in the line."""
        now_ms = round(self._clock.now().timestamp() * 1000)
        if await self._store.revisions.add(root, ref, now_ms, self._life_seconds):
            return True
        await self._forget_the_gone(root, now_ms - _LONGEST_SUBMISSION_MS)
        return await self._store.revisions.add(root, ref, now_ms, self._life_seconds)

    async def _forget_the_gone(self, root: JobRef, before_ms: int) -> None:
        """Drop names whose jobs have expired, or were refused and never came to be."""
        refs = await self._store.revisions.members(root, before_ms)
        records = await self._store.jobs.records(refs)
        gone = [
            ref for ref, record in zip(refs, records, strict=True) if not record or record.get("root") != root.job_id
        ]
        await self._store.revisions.drop(root, gone)


async def reviser(intake: IntakeDep, service: ServicesDep) -> Reviser:
    """The reviser, for a route."""
    life_seconds = max(service.retention.record_seconds, service.retention.failed_seconds)
    return Reviser(intake, service.store, service.pricing, service.clock, life_seconds)


ReviserDep = Annotated[Reviser, Depends(reviser)]


def revision_job(parent: JobRef, section_id: str, command: RegenerateCommand, job_id: str, request_id: str) -> JobSpec:
    """The job as far as the request alone tells of it."""
    options = DocumentPayload(
        priority=command.priority,
        metadata=command.metadata,
        max_tokens_total=command.max_tokens_total,
        max_cost_usd=command.max_cost_usd,
    )
    body = command.model_dump(mode="json", exclude={"job_id"}, exclude_defaults=True)
    asked = json.dumps([str(parent), section_id, body], sort_keys=True).encode()
    new = new_job(JobRef(job_id), JobKind.DOCUMENT, options, b"", request_id)
    return dataclasses.replace(new, digest=digest_of(JobKind.DOCUMENT, asked))


def _no_section(detail: str) -> ProblemError:
    return SectionNotFoundError(detail)


async def versions_of(store: Store, job: Job) -> VersionList:
    """The line that a document belongs to: its root, and all that goes back to it."""
    if job.kind is not JobKind.DOCUMENT:
        return VersionList(items=[])
    root = JobRef(job.origin.root or job.ref.job_id)
    refs = list(dict.fromkeys([root, *await store.revisions.members(root), job.ref]))
    records = await store.jobs.records(refs)
    found = [Job.from_record(ref, record) for ref, record in zip(refs, records, strict=True) if record]
    return VersionList(items=[_version(each) for each in _of_line(root, found)])


def _of_line(root: JobRef, jobs: Sequence[Job]) -> list[Job]:
    """Without jobs that got the name of one that never came to be."""
    line = [job for job in jobs if job.origin.root == root.job_id or (job.ref == root and not job.origin.root)]
    return sorted(line, key=lambda job: (job.created_at, job.ref.job_id))


def _version(job: Job) -> VersionView:
    return VersionView(
        job_id=job.ref.job_id,
        status=job.state,
        parent_job_id=job.origin.parent or None,
        section_id=job.origin.section or None,
        created_at=job.created_at,
        finished_at=job.finished_at,
        links=Links.of(job.ref.job_id),
    )
