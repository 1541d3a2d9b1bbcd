"""What several routes say in the same way."""

from typing import Annotated, Any

from fastapi import Depends, Header, Response
from fastapi.responses import JSONResponse

from gateway.dependencies import ServicesDep
from gateway.http.views import accepted
from gateway.jobs.problems import JobCancelledError, JobFailedError, NotFinishedError
from gateway.jobs.waiting import preferred_seconds, until_settled
from gateway.parts.job_views import JobViews
from gateway.sse.hub import FeedHub
from shared.contracts.jobs import Job
from shared.contracts.states import JobState
from shared.lifecycle.clock import Clock
from shared.redis.jobs import Jobs


async def wait_preference(
    prefer: Annotated[
        str | None, Header(description="`wait=N`: answer with the result if it is there in N seconds")
    ] = None,
) -> int:
    return preferred_seconds(prefer)


ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "The job is stored",
        "headers": {
            "Location": {"description": "The job", "schema": {"type": "string"}},
            "Retry-After": {"description": "When to look first, seconds", "schema": {"type": "integer"}},
            "Idempotent-Replayed": {
                "description": "`true` where an earlier request was the same",
                "schema": {"type": "string"},
            },
        },
    }
}
NO_RESULT_PROBLEMS = (NotFinishedError, JobFailedError, JobCancelledError)
"""What ``refuse_unless_completed`` raises."""
WaitDep = Annotated[int, Depends(wait_preference)]


class Answering:
    """Answers submissions."""

    def __init__(self, jobs: Jobs, hub: FeedHub, views: JobViews, clock: Clock) -> None:
        self._jobs = jobs
        self._hub = hub
        self._views = views
        self._clock = clock

    async def answer(self, job: Job, seconds: int, *, replayed: bool) -> Response:
        """202 at once, or, where the client prefers to wait and the job ends in time, 200 with its result.

        A job that waits for a person does not end in time.
        """
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        latest = (await until_settled(self._jobs, self._hub, self._clock, job.ref, seconds) if seconds else None) or job
        if not seconds or not latest.state.terminal:
            body = accepted(latest)
            headers |= {"Location": body.links.self, "Retry-After": "1"}
            return JSONResponse(body.model_dump(mode="json"), status_code=202, headers=headers)
        headers["Preference-Applied"] = f"wait={seconds}"
        result = await self._jobs.result(job.ref)
        # Spliced, not parsed: a result may be large.
        shown = (
            (await self._views.show(latest)).model_dump_json().encode()[:-1]
            + b',"result":'
            + (result or b"null")
            + b"}"
        )
        return Response(shown, media_type="application/json", headers=headers)


async def answering(service: ServicesDep) -> Answering:
    """What answers, for a route."""
    return Answering(service.store.jobs, service.hub, service.views, service.clock)


AnsweringDep = Annotated[Answering, Depends(answering)]


def is_keyed(job_id: str | None, key: str | None) -> bool:
    """Whether the id of a job came from an Idempotency-Key."""
    return job_id is None and key is not None


def refuse_unless_completed(job: Job, failed: str | None = None) -> None:
    """Raise ProblemError 409 for a job that has no result; ``failed`` is said of a failed one instead of its error."""
    match job.state:
        case JobState.COMPLETED:
            return
        case JobState.FAILED | JobState.CANCELLED:
            ended = JobFailedError if job.state is JobState.FAILED else JobCancelledError
            error = job.error.model_dump() if job.error else None
            detail = (failed or job.error.message) if job.error else "The job was cancelled; it has no result."
            raise ended(detail, extra={"error": error})
        case _:
            waits = job.state is JobState.AWAITING_REVIEW
            what = "it is written once its outline is approved" if waits else "follow its events or ask again later"
            detail = f"The job is {job.state}; {what}."
            raise NotFinishedError(detail, headers={"Retry-After": "2"})
