"""Runs a handler and turns how it ended into an outcome."""

from collections.abc import Callable

import structlog

from shared.contracts.errors import JobError, LeaseLostError, PermanentError, TransientError
from shared.redis.failures import REDIS_UNAVAILABLE
from shared.streams.outcome import Done, Fail, LeaseLost, Outcome, Retry
from shared.streams.retry import Backoff
from shared.streams.session import Handler, Session

log = structlog.get_logger()


async def judge(handler: Handler, session: Session, backoff: Backoff, random: Callable[[], float]) -> Outcome:
    """The outcome of one attempt. Only cancellation passes through: its reason is known outside."""
    attempt = session.claim.attempt
    try:
        made = await handler(session)
        return Done(made) if isinstance(made, bytes) else made
    except LeaseLostError:
        return LeaseLost()
    except PermanentError as error:
        log.warning("attempt_failed", code=error.code, error=error.message)
        return Fail(error.to_job_error())
    except TransientError as error:
        log.warning("attempt_failed", code=error.code, error=error.message)
        return Retry(error.to_job_error(), backoff.after(attempt, error.retry_after_seconds, random))
    except REDIS_UNAVAILABLE as error:
        log.warning("attempt_failed", code="redis_unavailable", error=str(error))
        failure = JobError(code="redis_unavailable", message="Redis was away during the attempt.", retryable=True)
        return Retry(failure, backoff.after(attempt, None, random))
    except Exception:
        log.exception("attempt_crashed")
        return crashed(attempt, backoff, random)


def out_of_time() -> Fail:
    """The outcome where the hard time limit has come. Not tried again: it would cost as much, and end the same way."""
    message = "The job reached its hard time limit; what is finished can be read with ?partial=true."
    return Fail(JobError(code="time_limit_exceeded", message=message, retryable=False))


def crashed(attempt: int, backoff: Backoff, random: Callable[[], float]) -> Retry:
    """The outcome where the handler's own code failed."""
    failure = JobError(
        code="internal_error", message="The attempt failed inside the worker; its log has the cause.", retryable=True
    )
    return Retry(failure, backoff.after(attempt, None, random))
