"""The event stream of a job."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway.dependencies import JobDep, ServicesDep, last_event_id, prepared, subscription
from gateway.routers.jobs import PROBLEMS
from gateway.schemas import API
from gateway.sse.hub import Subscription
from gateway.sse.stream import EventStream
from shared.contracts.ids import EventId

router = APIRouter(prefix=f"{API}/jobs", tags=["events"], responses=PROBLEMS, dependencies=[Depends(prepared)])


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "Server-sent events, see docs/events.md",
        },
        204: {"description": "The job has ended and there is nothing newer"},
    },
)
async def job_events(
    watching: Annotated[Subscription, Depends(subscription)],
    job: JobDep,
    after: Annotated[EventId, Depends(last_event_id)],
    service: ServicesDep,
) -> Response:
    """Follow a job from its first event, or after `Last-Event-ID`, to the terminal event of its current run."""
    if job.state.terminal and await service.reads.last_event_id(job.ref) == after:
        return Response(status_code=204)
    return EventStream(job, after, watching, service.hub, service.store, service.reads, service.clock, service.settings)
