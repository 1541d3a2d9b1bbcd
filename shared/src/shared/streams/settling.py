"""Writes an outcome: the terminal event comes from here and from the fetch and cancel scripts, nowhere else."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, assert_never

import structlog

from shared.contracts.errors import LeaseLostError
from shared.contracts.usage import Usage
from shared.leases import Ending, Held
from shared.lifecycle.clock import Clock
from shared.redis.attempts import Attempts, Settled
from shared.redis.failures import UNAVAILABLE
from shared.streams.outcome import Done, Fail, HandOver, LeaseLost, Outcome, Release, Retry
from shared.streams.session import Session

log = structlog.get_logger()

_T = TypeVar("_T")


class Settler:
    """Settles attempts, and goes on trying while Redis is away and the lease may still be ours."""

    def __init__(self, attempts: Attempts, clock: Clock) -> None:
        self._attempts = attempts
        self._clock = clock

    async def settle(self, held: Held, session: Session, outcome: Outcome) -> Settled:
        """Write the outcome after the attempt's last events. A lost lease writes nothing."""
        if isinstance(outcome, LeaseLost):
            return Settled.FENCED
        try:
            await self._insist(held, session.events.flush)
            await self._insist(held, session.confirm)
            usage = session.take_unsettled()
            return await self._insist(held, lambda: self._write(session, outcome, usage))
        except LeaseLostError:
            return Settled.FENCED

    async def _write(self, session: Session, outcome: Outcome, usage: Usage | None) -> Settled:
        claim, seq = session.claim, session.events.next_seq()
        match outcome:
            case Done(result):
                return await self._attempts.finish(claim, seq, result, usage)
            case HandOver(version, stored, outline):
                return await self._attempts.hand_over(claim, seq, version, stored, outline, usage)
            case Retry(error, wait_seconds):
                wait_ms = round(wait_seconds * 1000)
                return await self._attempts.fail(claim, seq, error.model_dump_json().encode(), wait_ms, usage)
            case Fail(error):
                return await self._attempts.fail(claim, seq, error.model_dump_json().encode(), None, usage)
            case Release():
                return await self._attempts.release(claim, seq, usage)
            case LeaseLost():
                return Settled.FENCED
            case _:
                assert_never(outcome)

    async def _insist(self, held: Held, call: Callable[[], Awaitable[_T]]) -> _T:
        while True:
            try:
                return await call()
            except UNAVAILABLE as error:
                log.warning("settling_delayed", error=str(error))
                if held.ending is Ending.LOST:
                    msg = "the lease ran out while Redis was away"
                    raise LeaseLostError(msg) from error
                await self._clock.sleep(0.25)
