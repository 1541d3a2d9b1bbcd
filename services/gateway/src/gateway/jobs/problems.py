"""Problems of jobs."""

from gateway.http.problems import ProblemError


class JobIdConflictError(ProblemError):
    status = 409
    code = "job_id_conflict"
    title = "The job id is taken"
    meaning = "A job of this id exists, and was asked for with another body"
    advice = "Take another `job_id`, or send the body of the first request"


class NotFinishedError(ProblemError):
    status = 409
    code = "not_finished"
    title = "The job is not finished"
    meaning = "The job has no result yet"
    advice = "Follow its events, or ask again after `Retry-After`"


class AlreadyFinishedError(ProblemError):
    status = 409
    code = "already_finished"
    title = "The job has ended"
    meaning = "A job that completed or failed cannot be cancelled"
    advice = "Nothing"


class NotRetryableError(ProblemError):
    status = 409
    code = "not_retryable"
    title = "The job cannot be retried now"
    meaning = "Only a failed or cancelled job can be retried"
    advice = "Wait for its end, or submit a new job"


class JobFailedError(ProblemError):
    status = 409
    code = "job_failed"
    title = "The job failed"
    meaning = "The job failed, so it has no result; `error` says why"
    advice = "See below, by the code in `error`"


class JobCancelledError(ProblemError):
    status = 409
    code = "job_cancelled"
    title = "The job was cancelled"
    meaning = "The job was cancelled, so it has no result"
    advice = "Submit it again under another id"
