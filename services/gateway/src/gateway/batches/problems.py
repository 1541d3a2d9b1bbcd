"""Problems of batches."""

from gateway.http.problems import ProblemError


class BatchNotFoundError(ProblemError):
    status = 404
    code = "batch_not_found"
    title = "There is no such batch"
    meaning = "No batch has this id, or nobody looked at it for a week"
    advice = "Check the id; its jobs may still be there under theirs"


class BatchIdConflictError(ProblemError):
    status = 409
    code = "batch_id_conflict"
    title = "The batch id is taken"
    meaning = "A batch of this id exists, and was asked for with another body"
    advice = "Take another `batch_id`, or send the body of the first request"
