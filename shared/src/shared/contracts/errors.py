"""What can go wrong in a job: one class for each code, grouped by who has to react.

Each class is defined where it is raised. Here are the groups, and the errors that scripts or several packages raise.
docs/errors.md lists all of them; its table is made from the classes.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class JobError(BaseModel):
    """Why a job ended or will be tried again, as clients see it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    """Stable, snake_case, documented in docs/errors.md."""
    message: str
    retryable: bool


class DraftlineError(Exception):
    """Root of every error that ends an attempt of a job. Raise a subclass that has a code."""

    retryable: ClassVar[bool] = False
    code: ClassVar[str]
    """Stable, snake_case; the class has the same name in camel case, with ``Error`` at its end."""
    meaning: ClassVar[str]
    """What happened, in Markdown, for docs/errors.md."""
    advice: ClassVar[str]
    """What the reader can do about it, in Markdown, for docs/errors.md."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def to_job_error(self) -> JobError:
        return JobError(code=self.code, message=self.message, retryable=self.retryable)


class TransientError(DraftlineError):
    """An error that may pass by itself: the job is tried again after a backoff."""

    retryable = True

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(DraftlineError):
    """An error that would come again: the job fails at once."""


class InternalError(TransientError):
    code = "internal_error"
    meaning = "The worker's own code failed"
    advice = "Report it; the worker's log has the cause"


class RedisUnavailableError(TransientError):
    code = "redis_unavailable"
    meaning = "The worker could not reach Redis during the attempt"
    advice = "Nothing, once Redis is back"


class WorkerLostError(TransientError):
    """Written by the script that claims jobs: no worker is left to report it."""

    code = "worker_lost"
    meaning = "In every attempt the worker died or lost its connection"
    advice = "Look at the worker's logs: memory, crashes, network"


class TimeLimitExceededError(PermanentError):
    code = "time_limit_exceeded"
    meaning = "The job reached its hard time limit, or its soft one before any section was finished"
    advice = "Read what is finished with `?partial=true`; retry with more time, or ask for less"


class RequestLostError(PermanentError):
    code = "request_lost"
    meaning = "The job's request is no longer in Redis"
    advice = "Submit the job again; operators: check the eviction policy (`noeviction`)"


class WorkLostError(PermanentError):
    code = "work_lost"
    meaning = "Work that the job had stored is no longer in Redis"
    advice = "Submit the job again; operators: check the eviction policy (`noeviction`)"


class ExportLostError(TransientError):
    """Written by the script that hands out exports: no worker is left to report it."""

    code = "export_lost"
    meaning = (
        "Three workers in a row died while making the file, took longer than a minute, or found no room for it in Redis"
    )
    advice = "Look at the document workers' logs; ask for another form"


class ExportTooLargeError(PermanentError):
    code = "export_too_large"
    meaning = "The file would be larger than 25 MiB"
    advice = "Ask for another form"


class LeaseLostError(Exception):
    """Another owner has the job, or may have: stop and write nothing more.

    Deliberately no DraftlineError: nobody may turn it into an outcome of the job.
    """


class CannotStartError(Exception):
    """A service is told something it cannot work with; the message says what to change."""
