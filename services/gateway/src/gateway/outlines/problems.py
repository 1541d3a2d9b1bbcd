"""Problems of outlines."""

from typing import Any

from gateway.http.problems import ProblemError


class OutlineNotFoundError(ProblemError):
    status = 404
    code = "outline_not_found"
    title = "There is no such outline"
    meaning = (
        "`outline_job_id` names no outline job, or the job writes one section of another document and has no "
        "outline of its own"
    )
    advice = "Check the id; send the outline itself, or ask for that of the document it began with"


class OutlineNotReadyError(ProblemError):
    status = 409
    code = "outline_not_ready"
    title = "The outline is not there"
    meaning = "The job has no outline: it is still being planned, or it ended before it had one"
    advice = "Follow its events, then ask again"


class OutlineExpiredError(ProblemError):
    status = 410
    code = "outline_expired"
    title = "The outline has expired"
    meaning = "The outline was there, but has expired together with the result or the record of its job"
    advice = "Send the outline itself, or make it again"

    def __init__(
        self,
        detail: str = "Outlines are kept for a limited time, as long as the result or the record of their job.",
        **about: Any,
    ) -> None:
        super().__init__(detail, **about)


class OutlineChangedError(ProblemError):
    status = 412
    code = "outline_changed"
    title = "The outline was changed meanwhile"
    meaning = (
        "`If-Match` names another version than the latest, which is in `ETag` and `version`: somebody was "
        "faster. Nothing was changed"
    )
    advice = (
        "Read that version and `/outline/versions`; send the operations again with the new ETag if they still "
        "fit ([review.md](review.md))"
    )


class OutlineNotEditableError(ProblemError):
    status = 409
    code = "outline_not_editable"
    title = "The outline cannot be changed now"
    meaning = (
        "The outline can be changed while it waits for review, and once an outline job is completed; this job is "
        "elsewhere"
    )
    advice = "The detail says why, and what to do instead"


class VersionNotFoundError(ProblemError):
    status = 404
    code = "version_not_found"
    title = "The outline has no such version"
    meaning = "`?version=` is above the latest"
    advice = "`/outline/versions` lists them"


class TooManyVersionsError(ProblemError):
    status = 409
    code = "too_many_versions"
    title = "There are too many versions"
    meaning = (
        "An outline has 200 versions, or 16 MiB of them, or 200 revisions go back to one document; none is dropped"
    )
    advice = "Send the latest with a new job"


class NotAwaitingReviewError(ProblemError):
    status = 409
    code = "not_awaiting_review"
    title = "The job does not wait for review"
    meaning = "`approve` is for a document that waits for review"
    advice = "Nothing; `review: true` makes a job wait"


class PreconditionRequiredError(ProblemError):
    status = 428
    code = "precondition_required"
    title = "The request has to say which version it means"
    meaning = "A change of an outline came without `If-Match`"
    advice = "Send the ETag of `GET`, or `*` for whichever version is the latest"
