"""The one owner of repeating a model request; the openai client itself repeats nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from shared.contracts.errors import TransientError
from shared.lifecycle.clock import Clock
from shared.llm.errors import ModelTimeoutError

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast a model request is repeated in place.

    Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", 2015). Waiting
    in place holds the job's slot, so longer waits are left to the queue.
    """

    tries: int = 4
    timeout_tries: int = 2
    """Of which each has already cost a long silence."""
    base_seconds: float = 0.5
    cap_seconds: float = 8.0
    patience_seconds: float = 15.0
    """Longest waiting in place, over all tries."""

    def pause_seconds(self, error: TransientError, tried: int, waited_seconds: float, chance: float) -> float | None:
        """How long to wait before the next try; None: give up.

        ``tried`` counts the tries so far, ``chance`` is from 0 to 1. The jitter comes on top of what
        the endpoint asks for in Retry-After, so that not all come back in the same moment.
        """
        if tried >= (self.timeout_tries if isinstance(error, ModelTimeoutError) else self.tries):
            return None
        jittered = chance * min(self.cap_seconds, self.base_seconds * 2 ** (tried - 1))
        pause = jittered + (error.retry_after_seconds or 0.0)
        return pause if waited_seconds + pause <= self.patience_seconds else None


async def repeat(
    attempt: Callable[[], Awaitable[T]],
    *,
    policy: RetryPolicy,
    clock: Clock,
    chance: Callable[[], float],
    restart: Callable[[], None],
) -> T:
    """Try until it works or the policy gives up; raises the last TransientError.

    ``restart`` is called before each try but the first.
    """
    waited = 0.0
    tried = 0
    while True:
        tried += 1
        try:
            return await attempt()
        except TransientError as error:
            pause = policy.pause_seconds(error, tried, waited, chance())
            if pause is None:
                raise
            _log.warning("model_request_repeated", code=error.code, tried=tried, pause_seconds=round(pause, 3))
        await clock.sleep(pause)
        waited += pause
        restart()
