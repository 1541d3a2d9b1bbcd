"""The state machine of a job."""

from enum import StrEnum


class JobKind(StrEnum):
    """What a job makes, and by the same name which workers take it."""

    OUTLINE = "outline"
    """From a prompt to an outline."""
    DOCUMENT = "document"
    """From an outline to a referenced document."""


class JobState(StrEnum):
    """Where a job stands. Only the Redis scripts move it, each checking the state it starts from."""

    SCHEDULED = "scheduled"
    """Waits for its due time: a delayed job, or one that will be tried again."""
    QUEUED = "queued"
    """Stands in a request stream, waiting for a worker."""
    RUNNING = "running"
    """A worker holds its lease."""
    AWAITING_REVIEW = "awaiting_review"
    """Waits for a person; holds no slot."""
    COMPLETED = "completed"
    """Finished with a result."""
    FAILED = "failed"
    """Ended with an error."""
    CANCELLED = "cancelled"
    """Ended on request."""

    @property
    def terminal(self) -> bool:
        return self in TERMINAL_STATES


TERMINAL_STATES = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.SCHEDULED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {
            JobState.RUNNING,
            JobState.QUEUED,
            JobState.SCHEDULED,
            JobState.AWAITING_REVIEW,
            JobState.COMPLETED,
            JobState.FAILED,
            JobState.CANCELLED,
        }
    ),
    JobState.AWAITING_REVIEW: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.COMPLETED: frozenset({JobState.QUEUED}),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.CANCELLED: frozenset({JobState.QUEUED}),
}
"""Allowed moves. From a terminal state only a new run leads on (retry, requeue)."""


class Review(StrEnum):
    """Whether a person has a say between the plan and the writing."""

    WANTED = "wanted"
    """The job waits for a person once it is planned."""
    APPROVED = "approved"
    """A person let it go on."""


class Band(StrEnum):
    """Priority band: one request stream each, first in first out inside."""

    HIGH = "high"
    """Priority 7 to 9."""
    DEFAULT = "default"
    """Priority 4 to 6."""
    LOW = "low"
    """Priority 0 to 3."""

    @classmethod
    def of(cls, priority: int) -> "Band":
        """The band of a priority, 0 (last) to 9 (first)."""
        if priority >= 7:
            return cls.HIGH
        return cls.DEFAULT if priority >= 4 else cls.LOW
