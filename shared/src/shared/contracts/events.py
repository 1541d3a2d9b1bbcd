"""The events of a job. Field by field documented in docs/events.md, which a test compares with these models."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.errors import JobError
from shared.contracts.outline import Outline
from shared.contracts.usage import Usage


class EventType(StrEnum):
    """What happened."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    STARTED = "started"
    OUTLINE_READY = "outline_ready"
    OUTLINE_CHANGED = "outline_changed"
    PROGRESS = "progress"
    DELTA = "delta"
    SECTION = "section"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GAP = "gap"
    SERVER_DRAINING = "server_draining"


ADDED = "Added by the gateway, which alone knows its addresses: no stored event of this version has it"
TERMINAL_EVENTS = frozenset({EventType.COMPLETED, EventType.FAILED, EventType.CANCELLED})


class EventData(BaseModel):
    """Base of the ``data`` objects."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Queued(EventData):
    """The job stands in a request stream (again)."""

    band: str
    reason: str = Field(description="`submitted`, `due`, `released`, `retried`, `outline_ready` or `approved`")


class Scheduled(EventData):
    """The job waits for its due time."""

    not_before: datetime


class Started(EventData):
    """A worker took the job."""

    attempt: int
    worker: str


class OutlineReady(EventData):
    """The document is planned: it goes to those who write it, or waits for a person."""

    version: int
    awaiting_review: bool = Field(description="true: nothing is written before it is approved")
    outline: Outline | None = Field(default=None, description="Where it has at most 16 KiB")
    outline_link: str | None = Field(default=None, description=ADDED)


class OutlineChanged(EventData):
    """Somebody changed the outline that waits for a person."""

    version: int
    author: str | None
    outline_link: str | None = Field(default=None, description=ADDED)


class ProgressData(EventData):
    """A step was reached. `percent` never falls within a run."""

    step: str
    message: str
    percent: float
    eta_seconds: float | None = None
    section_id: str | None = None


class Delta(EventData):
    """A piece of section text, coalesced. A higher revision replaces the text of the lower ones."""

    section_id: str
    revision: int
    offset: int = Field(description="Where the piece begins in the section's text, in characters")
    text: str


class Section(EventData):
    """A section is finished in this revision."""

    section_id: str
    revision: int
    title: str
    words: int


class Retrying(EventData):
    """The attempt failed; another one follows."""

    error: JobError
    retry_at: datetime


class Completed(EventData):
    """The job has its result: inline up to 16 KiB, else linked."""

    result: dict[str, Any] | None = None
    result_link: str | None = Field(default=None, description=ADDED)
    duration_seconds: float
    usage: Usage


class Failed(EventData):
    """The job ended with an error."""

    error: JobError


class Cancelled(EventData):
    """The job ended on request."""


class Gap(EventData):
    """Events before this id are no longer there, or the id asked for is unknown: resync from the snapshot."""

    snapshot: dict[str, Any] = Field(description="The job as `GET /jobs/{job_id}` shows it, with `sections`")


class ServerDraining(EventData):
    """The gateway stops: connect again, to another replica or after the `retry:` time."""


EVENT_MODELS: dict[EventType, type[EventData]] = {
    EventType.QUEUED: Queued,
    EventType.SCHEDULED: Scheduled,
    EventType.STARTED: Started,
    EventType.OUTLINE_READY: OutlineReady,
    EventType.OUTLINE_CHANGED: OutlineChanged,
    EventType.PROGRESS: ProgressData,
    EventType.DELTA: Delta,
    EventType.SECTION: Section,
    EventType.RETRYING: Retrying,
    EventType.COMPLETED: Completed,
    EventType.FAILED: Failed,
    EventType.CANCELLED: Cancelled,
    EventType.GAP: Gap,
    EventType.SERVER_DRAINING: ServerDraining,
}
