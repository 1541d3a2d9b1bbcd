"""A job as the store knows it, and what a worker receives of it."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.contracts.errors import JobError
from shared.contracts.ids import EventId, JobRef
from shared.contracts.states import Band, JobKind, JobState, Review
from shared.contracts.usage import Usage


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the current run has come. ``percent`` never falls within a run."""

    percent: float = 0.0
    step: str = ""
    message: str = ""
    expected_at: datetime | None = None
    """When the job will be done, as estimated with the last progress."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a job goes back to; empty where it stands for itself."""

    parent: str = ""
    """The job whose document it changes."""
    root: str = ""
    """The first document of that line."""
    section: str = ""
    """The section it writes again."""
    batch: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One job's record: the truth about it, as read at one moment."""

    ref: JobRef
    kind: JobKind
    phase: JobKind
    """Which workers have it: a document that is made from a prompt is planned by those of outlines first."""
    band: Band
    state: JobState
    entry: str
    """Its entry in the request stream; empty where it has none."""
    run: int
    run_fence: int
    """The fence at which the current run began: events before it belong to earlier runs."""
    fence: int
    attempt: int
    max_attempts: int
    priority: int
    digest: str
    request_id: str
    metadata: dict[str, str]
    progress: Progress
    usage: Usage
    error: JobError | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None
    result_expires_at: datetime | None
    worker: str | None
    trimmed: EventId
    """The last event the journal no longer holds; START where it holds all."""
    outline_version: int | None
    """The latest that is stored; None where there is none, or nobody changed it."""
    review: Review | None
    """Whether a person has a say before it is written; None where nobody asked for that."""
    origin: Origin

    @property
    def duration_seconds(self) -> float | None:
        """From the first start of the run to its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job, given by the fetch script to one worker under one fence."""

    ref: JobRef
    kind: JobKind
    band: Band
    fence: int
    attempt: int
    max_attempts: int
    run: int
    request_id: str
    waited_seconds: float
    """From becoming runnable to this claim."""
    worked_seconds: float
    """What earlier attempts of this run took; waiting between them does not count."""
    soft_limit_seconds: float | None
    hard_limit_seconds: float | None
    """Of the run's working time; None where the request leaves it to the worker."""
    makes: JobKind
    """What the job comes to in the end; ``kind`` is what its workers make now."""
    spent: Usage = field(default_factory=Usage)
    """By earlier attempts, runs and workers."""
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    on_probation: bool = False
    """Its last attempt, after its workers died in the others: it may be what killed them."""
