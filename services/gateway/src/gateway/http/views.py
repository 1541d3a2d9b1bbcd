"""Jobs, links and problems as the API shows them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from gateway.http.problems import BodyTooLargeError, InternalError, ProblemError, RedisUnavailableError
from shared.contracts.errors import JobError
from shared.contracts.jobs import Job
from shared.contracts.states import JobKind, JobState
from shared.contracts.usage import Usage

API = "/api/v1"
_OF_EVERY_ROUTE: tuple[type[ProblemError], ...] = (BodyTooLargeError, InternalError, RedisUnavailableError)


class Links(BaseModel):
    """Where to go from a job."""

    self: str
    events: str
    result: str
    cancel: str
    outline: str

    @classmethod
    def of(cls, job_id: str) -> "Links":
        base = f"{API}/jobs/{job_id}"
        parts = {name: f"{base}/{name}" for name in ("events", "result", "cancel", "outline")}
        return cls(self=base, **parts)


class Accepted(BaseModel):
    """The job is stored and will run."""

    job_id: str
    kind: JobKind
    status: JobState
    created_at: datetime
    links: Links


class ProgressView(BaseModel):
    """How far the current run has come."""

    percent: float
    step: str
    message: str
    eta_seconds: float | None = Field(description="Estimated from the sections finished so far; null before the first")


class JobView(BaseModel):
    """A job."""

    job_id: str
    kind: JobKind
    phase: JobKind = Field(description="Who has it: a document made from a prompt is planned by outline workers first")
    status: JobState
    progress: ProgressView
    run: int
    attempt: int
    max_attempts: int
    priority: int
    queue_position: int | None = Field(
        description="While it is queued: 1 is the next; counted up to 1,000 in each priority band"
    )
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    duration_seconds: float | None
    usage: Usage
    error: JobError | None
    metadata: dict[str, str]
    result_expires_at: datetime | None
    outline_version: int | None = Field(description="The latest outline that is stored; null before")
    parent_job_id: str | None = Field(description="The document of which it writes one section again")
    root_job_id: str | None = Field(description="The first document of that line")
    section_id: str | None = Field(description="That section")
    batch_id: str | None
    links: Links


class JobList(BaseModel):
    """A page of jobs."""

    items: list[JobView]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end")


class ProblemItem(BaseModel):
    """One fault of a body."""

    pointer: str = Field(description="RFC 6901")
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[ProblemItem] = Field(default=[], description="Only with `validation_failed`: at most 50 faults")
    error: JobError | None = Field(default=None, description="With `job_failed` and `export_failed`: why")
    version: int | None = Field(default=None, description="With `outline_changed`: the latest version")


def problems(*errors: type[ProblemError]) -> dict[int | str, dict[str, Any]]:
    """What a route documents of its problems, and of those that every route has: one answer for 4xx, one for 5xx."""
    return _documented((f"{error.status // 100}XX", error) for error in (*_OF_EVERY_ROUTE, *errors))


def problems_by_status(*errors: type[ProblemError]) -> dict[int | str, dict[str, Any]]:
    """What a route documents of these problems alone: an answer for each status."""
    return _documented((error.status, error) for error in errors)


def _documented(errors: Iterable[tuple[int | str, type[ProblemError]]]) -> dict[int | str, dict[str, Any]]:
    found: defaultdict[int | str, set[type[ProblemError]]] = defaultdict(set)
    for status, error in errors:
        found[status].add(error)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": f"A problem, see docs/errors.md\n\n{codes_and_titles(alike)}", "content": content}
        for status, alike in found.items()
    }


def codes_and_titles(errors: Iterable[type[ProblemError]]) -> str:
    """A Markdown list of problems, sorted by code."""
    return "\n".join(f"- `{error.code}`: {error.title}" for error in sorted(errors, key=lambda error: error.code))


def accepted(job: Job) -> Accepted:
    return Accepted(
        job_id=job.ref.job_id,
        kind=job.kind,
        status=job.state,
        created_at=job.created_at,
        links=Links.of(job.ref.job_id),
    )


def job_view(job: Job, now: datetime, queue_position: int | None = None) -> JobView:
    """The job as it stands at a moment."""
    expected = job.progress.expected_at
    return JobView(
        job_id=job.ref.job_id,
        kind=job.kind,
        phase=job.phase,
        status=job.state,
        progress=ProgressView(
            percent=job.progress.percent,
            step=job.progress.step,
            message=job.progress.message,
            eta_seconds=None if expected is None else max(0.0, round((expected - now).total_seconds(), 1)),
        ),
        run=job.run,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        priority=job.priority,
        queue_position=queue_position,
        created_at=job.created_at,
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        not_before=job.not_before,
        duration_seconds=job.duration_seconds,
        usage=job.usage,
        error=job.error,
        metadata=job.metadata,
        result_expires_at=job.result_expires_at,
        outline_version=job.outline_version,
        parent_job_id=job.origin.parent or None,
        root_job_id=job.origin.root or None,
        section_id=job.origin.section or None,
        batch_id=job.origin.batch or None,
        links=Links.of(job.ref.job_id),
    )
