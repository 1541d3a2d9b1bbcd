"""What the gateway answers, as far as the launcher needs it."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from shared.contracts.document import DocumentResult
from shared.contracts.errors import JobError
from shared.contracts.outline import Outline
from shared.contracts.states import JobState
from shared.contracts.usage import Usage


class Answer(BaseModel):
    """What a newer gateway adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Accepted(Answer):
    """The job is stored and will run."""

    job_id: str


class JobStatus(Answer):
    """How a job stands."""

    status: JobState
    error: JobError | None = None
    duration_seconds: float | None = None


class StoredOutline(Answer):
    """The outline of a job in one of its versions, with an id on every node."""

    version: int
    outline: Outline


class FinishedDocument(DocumentResult):
    """The result of a job that made a document."""

    model_config = ConfigDict(extra="ignore")
    usage: Usage


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the outline was not changed or approved."""

    text: str
    changed_meanwhile: bool
    """Somebody else made another version of it."""
