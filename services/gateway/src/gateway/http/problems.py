"""Problems: the errors that answer a request, each a class with its status, its code and the texts of docs/errors.md.

Here are those of several resources; the others are in the folder of their resource.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class ProblemError(Exception):
    """Ends a request with a problem. Raise a subclass that has a code."""

    status: int
    """Of the answer."""
    code: ClassVar[str]
    """Stable, snake_case; the class has the same name in camel case, with ``Error`` at its end."""
    title: ClassVar[str]
    meaning: ClassVar[str]
    """What happened, in Markdown, for docs/errors.md."""
    advice: ClassVar[str]
    """What the caller can do about it, in Markdown, for docs/errors.md."""
    come_back_seconds: ClassVar[int | None] = None
    """Shortest Retry-After, in seconds; each answer draws its own at random. None for an answer without that header."""
    by_code: ClassVar[dict[str, type["ProblemError"]]] = {}

    def __init_subclass__(cls) -> None:
        ProblemError.by_code[cls.code] = cls

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.headers = {**_come_back(self.come_back_seconds), **(headers or {})}
        self.extra = dict(extra or {})

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON object of the problem."""
        found: dict[str, Any] = {
            "type": f"urn:draftline:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            **self.extra,
        }
        if self.errors:
            found["errors"] = list(self.errors)
        return found


def _come_back(least: int | None) -> dict[str, str]:
    """Retry-After for all who are refused at once: at random, so that they do not come back at once."""
    return {} if least is None else {"Retry-After": str(random.randint(least, 2 * least + 1))}


class MalformedJsonError(ProblemError):
    status = 400
    code = "malformed_json"
    title = "The body is not JSON"
    meaning = "The body is no JSON: cut off, not UTF-8, nested too deeply, numbers of thousands of digits"
    advice = "Correct the body; the detail names line and column"


class ValidationFailedError(ProblemError):
    status = 422
    code = "validation_failed"
    title = "The request breaks the contract"
    meaning = "A field is missing, unknown, of the wrong type or out of bounds"
    advice = "Correct what `errors` points at"


class UnsupportedMediaTypeError(ProblemError):
    status = 415
    code = "unsupported_media_type"
    title = "The body must be JSON"
    meaning = "The body came as something other than `application/json`"
    advice = "Send `Content-Type: application/json`"


class BodyTooLargeError(ProblemError):
    status = 413
    code = "body_too_large"
    title = "The body is too large"
    meaning = "More than 25 MiB, or 256 KiB where no files are allowed. The connection is closed"
    advice = "Send fewer or smaller files"


class JobNotFoundError(ProblemError):
    status = 404
    code = "job_not_found"
    title = "There is no such job"
    meaning = "No job has this id, or its record has expired (24 h after its end, 7 days if it failed)"
    advice = "Check the id; submit the job again"


class NotFoundError(ProblemError):
    status = 404
    code = "not_found"
    title = "There is no such resource"
    meaning = "No route has this path; a slash at its end counts"
    advice = "Check the path"


class MethodNotAllowedError(ProblemError):
    status = 405
    code = "method_not_allowed"
    title = "This resource does not know that method"
    meaning = "The path does not know this method; `Allow` lists those it does"
    advice = "Use another method"


class IdempotencyKeyReusedError(ProblemError):
    status = 422
    code = "idempotency_key_reused"
    title = "The idempotency key was used for another request"
    meaning = "The key came with another body before"
    advice = "Take a new key for a new request"


class RedisUnavailableError(ProblemError):
    status = 503
    code = "redis_unavailable"
    come_back_seconds = 1
    title = "The service is not available at the moment"
    meaning = "The gateway cannot reach Redis"
    advice = "Repeat the request after `Retry-After`, with the same `job_id` or key"


class RedisFullError(ProblemError):
    status = 503
    code = "redis_full"
    come_back_seconds = 30
    title = "The service takes no new jobs at the moment"
    meaning = (
        "Redis uses more of its `maxmemory` than `DRAFTLINE_ADMISSION_MEMORY_PERCENT` (75), or all of it: jobs "
        "that are there go on, new ones are refused, and so are files that are not made yet"
    )
    advice = "Repeat after `Retry-After`; operators: raise `maxmemory` or shorten the retention"


class DurabilityUnconfirmedError(ProblemError):
    status = 503
    code = "durability_unconfirmed"
    come_back_seconds = 1
    title = "The request is not yet safe"
    meaning = (
        "With `DRAFTLINE_DURABILITY=replicated`: the master has it, but no replica confirmed it in time, so a "
        "failover could lose it"
    )
    advice = (
        "Of a new job: send the same request again, with the `job_id` the problem names. Of a cancel or retry: "
        "look at the job first. Operators: look at the replicas"
    )


class DrainingError(ProblemError):
    status = 503
    code = "draining"
    title = "This server is stopping"
    meaning = "This gateway is stopping"
    advice = "Connect again; another one answers"


class HttpError(ProblemError):
    code = "http_error"
    title = "The request was refused"
    meaning = "The request was refused for a reason without a code of its own"
    advice = "Read the detail"

    def __init__(self, detail: str, *, status: int = 400, **about: Any) -> None:
        super().__init__(detail, **about)
        self.status = status


class InternalError(ProblemError):
    status = 500
    code = "internal_error"
    title = "The server failed"
    meaning = "A fault of the gateway"
    advice = "Report the `request_id`; the log has the cause under it"
