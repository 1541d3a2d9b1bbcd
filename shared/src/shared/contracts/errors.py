"""What can go wrong, grouped by who has to react."""

from pydantic import BaseModel, ConfigDict


class JobError(BaseModel):
    """Why a job ended or will be tried again, as clients see it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    """Stable, snake_case, documented in docs/errors.md."""
    message: str
    retryable: bool


class DraftlineError(Exception):
    """Root of every error of ours that ends an attempt of a job."""

    retryable = False

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def to_job_error(self) -> JobError:
        return JobError(code=self.code, message=self.message, retryable=self.retryable)


class TransientError(DraftlineError):
    """May pass by itself: the job is tried again after a backoff."""

    retryable = True

    def __init__(self, code: str, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(DraftlineError):
    """Trying again would end the same way: the job fails at once."""


class LeaseLostError(Exception):
    """Another owner has the job, or may have: stop and write nothing more.

    Deliberately no DraftlineError: nobody may turn it into an outcome of the job.
    """


class CannotStartError(Exception):
    """A service is told something it cannot work with; the message says what to change."""
