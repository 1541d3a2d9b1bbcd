"""What a job would take, told without running it."""

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from gateway.dependencies import BODY_PROBLEMS, ServicesDep, prepared, read_body
from gateway.estimates.context_size import material_of
from gateway.estimates.estimating import estimate
from gateway.estimates.views import Estimate
from gateway.estimates.workload import Asked
from gateway.http.views import API, problems
from gateway.jobs.submitting import SubmitterDep
from gateway.outlines.versions import OUTLINE_PROBLEMS
from gateway.parts.problems import PriceUnknownError
from shared.contracts.commands import DocumentCommand, DocumentPayload, OutlineCommand
from shared.contracts.states import JobKind
from shared.language.text import detect_language

router = APIRouter(prefix=f"{API}/jobs", tags=["jobs"], dependencies=[Depends(prepared)])


def _either(*models: type[BaseModel]) -> dict[str, Any]:
    schemas = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": {"anyOf": schemas}}}}}


@router.post(
    "/estimate",
    responses=problems(*BODY_PROBLEMS, PriceUnknownError, *OUTLINE_PROBLEMS),
    openapi_extra=_either(DocumentCommand, OutlineCommand),
)
async def estimate_job(
    request: Request, service: ServicesDep, submitter: SubmitterDep, kind: JobKind = JobKind.DOCUMENT
) -> Estimate:
    """Calls, tokens and cost of a job as a range; the body is the one of `POST /jobs/document`, or with `kind=outline`
    of `POST /jobs/outline`. Nothing is run or stored.
    """
    given: OutlineCommand | DocumentPayload
    if kind is JobKind.OUTLINE:
        given = await read_body(request, OutlineCommand)
    else:
        command = await read_body(request, DocumentCommand)
        planned = command.task_prompt is not None
        fields = command.model_dump(exclude={"job_id", "outline_job_id", "review"})
        given = DocumentPayload.model_validate(fields) if planned else await submitter.resolve(command)
    service.pricing.check(given)
    # Large files take a while to decode, and the loop serves the others.
    asked = await asyncio.to_thread(asked_of, given)
    pricing = service.pricing
    return estimate(kind, asked, pricing.room, pricing.name(given.model), pricing.price(given.model))


def asked_of(given: OutlineCommand | DocumentPayload) -> Asked:
    """What of a request its estimate rests on."""
    outline = given.outline if isinstance(given, DocumentPayload) else None
    prompt = given.task_prompt or ""
    titles = " ".join([outline.title, *(node.title for node, _ in outline.walk())]) if outline else prompt
    language = given.language or (outline.language if outline else None) or detect_language(titles)
    reach = given.research if outline is None else outline.reach(given.research)
    return Asked(prompt, language, given.target_words, outline, reach, material_of(given.context_files))
