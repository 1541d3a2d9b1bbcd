"""The answers about outlines."""

from datetime import datetime

from pydantic import BaseModel, Field

from gateway.http.views import Links
from shared.contracts.jobs import Job
from shared.contracts.outline import Outline
from shared.contracts.outline_versions import OutlineVersion, VersionEntry
from shared.contracts.states import JobState


class OutlineView(BaseModel):
    """An outline, as it was planned or as somebody left it."""

    job_id: str
    version: int
    status: JobState = Field(description="Of the job. It may change while the outline and its ETag stay")
    author: str | None = Field(description="As whoever changed it named themselves; null: a model, or somebody unnamed")
    created_at: datetime
    message: str
    editable: bool = Field(description="Whether `PATCH` makes a new version of this one now")
    outline: Outline
    links: Links

    @classmethod
    def of(cls, job: Job, found: OutlineVersion, *, editable: bool) -> "OutlineView":
        return cls(
            job_id=job.ref.job_id,
            version=found.version,
            status=job.state,
            author=found.author,
            created_at=found.created_at,
            message=found.message,
            editable=editable,
            outline=found.outline,
            links=Links.of(job.ref.job_id),
        )


class OutlineVersions(BaseModel):
    """All versions of an outline, newest first."""

    items: list[VersionEntry]
    next_cursor: str | None = Field(default=None, description="null: there are no more than fit here")
