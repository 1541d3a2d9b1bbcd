"""From a validated body to an accepted job."""

import asyncio
import dataclasses
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends

from gateway.dependencies import ServicesDep
from gateway.http.errors import invalid
from gateway.jobs.accepting import Intake, IntakeDep, new_job, replayed
from gateway.outlines.problems import OutlineNotFoundError
from gateway.outlines.versions import outline_of
from gateway.parts.pricing import Pricing
from gateway.parts.stored_outlines import StoredOutlines
from shared.contracts.commands import (
    MAX_DELAY_SECONDS,
    DocumentCommand,
    DocumentPayload,
    JobOptions,
    OutlineCommand,
    OutlinePayload,
)
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.redis.jobs import Jobs


class Submitter:
    """Checks what the models of requests cannot know, and has the jobs stored."""

    def __init__(self, intake: Intake, jobs: Jobs, outlines: StoredOutlines, pricing: Pricing, clock: Clock) -> None:
        self._intake = intake
        self._jobs = jobs
        self._outlines = outlines
        self._pricing = pricing
        self._clock = clock

    async def outline(
        self, command: OutlineCommand, job_id: str, request_id: str, *, keyed: bool, batch: str = ""
    ) -> tuple[Job, bool]:
        """Accept an outline job; true with it if it was accepted before."""
        self._check(command)
        payload = command.model_copy(update={"job_id": None}).model_dump_json().encode()
        new = new_job(JobRef(job_id), JobKind.OUTLINE, command, payload, request_id, batch)
        return await self._intake.accept(new, keyed=keyed)

    async def document(
        self, command: DocumentCommand, job_id: str, request_id: str, *, keyed: bool, batch: str = ""
    ) -> tuple[Job, bool]:
        """Accept a document job; true with it if it was accepted before."""
        self._check(command)
        ref = JobRef(job_id)
        new = new_job(ref, JobKind.DOCUMENT, command, b"", request_id, batch)
        known = await self._jobs.get(ref)
        # Before the outline is looked up: a repeated request must answer alike after the outline has expired.
        if known is not None and await self._intake.safe(known):
            return replayed(known, new, keyed=keyed), True
        if command.task_prompt is not None:
            new = dataclasses.replace(new, phase=JobKind.OUTLINE, review=command.review)
            payload = _planned_first(command)
        else:
            payload = await self.resolve(command)
            # The model may be that of the outline job.
            self._pricing.check(payload)
        # In a thread: it may hold 25 MiB of files.
        stored = await asyncio.to_thread(payload.model_dump_json)
        return await self._intake.accept(dataclasses.replace(new, payload=stored.encode()), keyed=keyed)

    async def resolve(self, command: DocumentCommand) -> DocumentPayload:
        """The request as the worker needs it: the outline itself, and what the outline job was given."""
        fields = command.model_dump(exclude={"job_id", "outline", "outline_job_id", "review"})
        if command.outline is not None:
            return DocumentPayload.model_validate({**fields, "outline": command.outline.with_ids()})
        outline_job = await self._jobs.get(JobRef(command.outline_job_id or ""))
        if outline_job is None or outline_job.kind is not JobKind.OUTLINE:
            raise OutlineNotFoundError(f"No outline job {command.outline_job_id}.")
        made = await outline_of(self._outlines, outline_job)
        source = await self._jobs.payload(outline_job.ref)
        # In a thread: it may hold 25 MiB of files.
        return await asyncio.to_thread(_inherited, command, {**fields, "outline": made.outline}, source)

    def _check(self, command: JobOptions) -> None:
        """What the models of the request cannot know; raises ProblemError 422."""
        self._check_due(command)
        self._pricing.check(command)

    def _check_due(self, command: JobOptions) -> None:
        latest = self._clock.now() + timedelta(seconds=MAX_DELAY_SECONDS)
        if command.not_before is not None and command.not_before > latest:
            message = f"at most {MAX_DELAY_SECONDS // 86_400} days ahead"
            raise invalid([{"pointer": "/not_before", "message": message}])


async def submitter(intake: IntakeDep, service: ServicesDep) -> Submitter:
    """The submitter, for a route."""
    return Submitter(intake, service.store.jobs, service.outlines, service.pricing, service.clock)


SubmitterDep = Annotated[Submitter, Depends(submitter)]


def _planned_first(command: DocumentCommand) -> DocumentPayload:
    """A request whose outline the job makes itself: those who plan read it, and those who write after them."""
    return DocumentPayload.model_validate(command.model_dump(exclude={"job_id", "outline_job_id", "review"}))


def _inherited(command: DocumentCommand, fields: dict[str, Any], source: bytes | None) -> DocumentPayload:
    """What the request leaves open is as for the outline: ``source`` is that request, None where it has expired."""
    if source is not None:
        given = OutlinePayload.model_validate_json(source)
        fields["task_prompt"] = given.task_prompt
        fields["context_files"] = fields["context_files"] or given.context_files
        fields["language"] = fields["language"] or given.language
        fields["model"] = fields["model"] or given.model
        if "research" not in command.model_fields_set:
            fields["research"] = given.research
    return DocumentPayload.model_validate(fields)
