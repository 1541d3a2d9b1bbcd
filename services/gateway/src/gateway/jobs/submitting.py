"""From a validated body to an accepted job."""

import asyncio
import dataclasses
from datetime import timedelta
from typing import Any

from gateway.dependencies import Services
from gateway.http.errors import invalid
from gateway.jobs.accepting import accept, new_job, replayed, safe
from gateway.outlines.problems import OutlineNotFoundError
from gateway.outlines.versions import outline_of
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


async def submit_outline(
    service: Services, command: OutlineCommand, job_id: str, request_id: str, *, keyed: bool, batch: str = ""
) -> tuple[Job, bool]:
    """Accept an outline job; true with it if it was accepted before."""
    _check(service, command)
    payload = command.model_copy(update={"job_id": None}).model_dump_json().encode()
    new = new_job(JobRef(job_id), JobKind.OUTLINE, command, payload, request_id, batch)
    return await accept(service, new, keyed=keyed)


async def submit_document(
    service: Services, command: DocumentCommand, job_id: str, request_id: str, *, keyed: bool, batch: str = ""
) -> tuple[Job, bool]:
    """Accept a document job; true with it if it was accepted before."""
    _check(service, command)
    ref = JobRef(job_id)
    new = new_job(ref, JobKind.DOCUMENT, command, b"", request_id, batch)
    known = await service.store.jobs.get(ref)
    # Before the outline is looked up: a repeated request must answer alike after the outline has expired.
    if known is not None and await safe(service, known):
        return replayed(known, new, keyed=keyed), True
    if command.task_prompt is not None:
        new = dataclasses.replace(new, phase=JobKind.OUTLINE, review=command.review)
        payload = _planned_first(command)
    else:
        payload = await resolve(service, command)
        # The model may be that of the outline job.
        service.pricing.check(payload)
    # In a thread: it may hold 25 MiB of files.
    stored = await asyncio.to_thread(payload.model_dump_json)
    return await accept(service, dataclasses.replace(new, payload=stored.encode()), keyed=keyed)


def _planned_first(command: DocumentCommand) -> DocumentPayload:
    """A request whose outline the job makes itself: those who plan read it, and those who write after them."""
    return DocumentPayload.model_validate(command.model_dump(exclude={"job_id", "outline_job_id", "review"}))


def _check(service: Services, command: JobOptions) -> None:
    """What the models of the request cannot know; raises ProblemError 422."""
    _check_due(service, command)
    service.pricing.check(command)


def _check_due(service: Services, command: JobOptions) -> None:
    latest = service.clock.now() + timedelta(seconds=MAX_DELAY_SECONDS)
    if command.not_before is not None and command.not_before > latest:
        message = f"at most {MAX_DELAY_SECONDS // 86_400} days ahead"
        raise invalid([{"pointer": "/not_before", "message": message}])


async def resolve(service: Services, command: DocumentCommand) -> DocumentPayload:
    """The request as the worker needs it: the outline itself, and what the outline job was given."""
    fields = command.model_dump(exclude={"job_id", "outline", "outline_job_id", "review"})
    if command.outline is not None:
        return DocumentPayload.model_validate({**fields, "outline": command.outline.with_ids()})
    outline_job = await service.store.jobs.get(JobRef(command.outline_job_id or ""))
    if outline_job is None or outline_job.kind is not JobKind.OUTLINE:
        raise OutlineNotFoundError(f"No outline job {command.outline_job_id}.")
    made = await outline_of(service, outline_job)
    source = await service.store.jobs.payload(outline_job.ref)
    # In a thread: it may hold 25 MiB of files.
    return await asyncio.to_thread(_inherited, command, {**fields, "outline": made.outline}, source)


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
