"""Runs a handler and turns how it ended into an outcome."""

import asyncio
import random
from collections.abc import Callable

import structlog

from shared.contracts.errors import (
    InternalError,
    LeaseLostError,
    PermanentError,
    RedisUnavailableError,
    TimeLimitExceededError,
    TransientError,
)
from shared.leases import Ending, Held
from shared.redis.failures import REDIS_UNAVAILABLE
from shared.streams.outcome import Done, Fail, LeaseLost, Outcome, Release, Retry
from shared.streams.retry import Backoff
from shared.streams.session import Handler, Session

log = structlog.get_logger()


async def attempt(handler: Handler, held: Held, session: Session, backoff: Backoff) -> Outcome:
    """Run the handler to its end, to the time limit, or until somebody stops it."""
    async with asyncio.TaskGroup() as group:
        session.events.write_in(group)
        held.handler = running = group.create_task(judge(handler, session, backoff, random.random))
        if held.ending is not None:
            running.cancel()
        await asyncio.wait({running}, timeout=session.seconds_left())
        if not running.done():
            held.end(Ending.TIME_OVER)
            await asyncio.wait({running})
        await session.events.rest()
    if held.ending is Ending.LOST:
        return LeaseLost()
    if not running.cancelled():
        return out_of_time() if _failed_by_the_limit(held, running.result()) else running.result()
    match held.ending:
        case None:
            # Nobody asked for it: to release such a job would be to run it again at once and for ever.
            log.error("attempt_cancelled_itself")
            return crashed(held.claim.attempt, backoff, random.random)
        case Ending.TIME_OVER:
            return out_of_time()
        case Ending.CANCELLED | Ending.RELEASED:
            return Release()


def _failed_by_the_limit(held: Held, outcome: Outcome) -> bool:
    """Return whether the handler turned its end by the time limit into an error of its own."""
    return held.ending is Ending.TIME_OVER and isinstance(outcome, Retry | Fail)


async def judge(handler: Handler, session: Session, backoff: Backoff, random: Callable[[], float]) -> Outcome:
    """The outcome of one attempt. Only cancellation passes through: its reason is known outside."""
    number = session.claim.attempt
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
        return Retry(error.to_job_error(), backoff.after(number, error.retry_after_seconds, random))
    except REDIS_UNAVAILABLE as error:
        log.warning("attempt_failed", code=RedisUnavailableError.code, error=str(error))
        failure = RedisUnavailableError("Redis was away during the attempt.").to_job_error()
        return Retry(failure, backoff.after(number, None, random))
    except Exception:
        log.exception("attempt_crashed")
        return crashed(number, backoff, random)


def out_of_time() -> Fail:
    """The outcome where the hard time limit has come. Not tried again: it would cost as much, and end the same way."""
    message = "The job reached its hard time limit; what is finished can be read with ?partial=true."
    return Fail(TimeLimitExceededError(message).to_job_error())


def crashed(number: int, backoff: Backoff, random: Callable[[], float]) -> Retry:
    """The outcome where the handler's own code failed."""
    failure = InternalError("The attempt failed inside the worker; its log has the cause.").to_job_error()
    return Retry(failure, backoff.after(number, None, random))
