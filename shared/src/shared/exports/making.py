"""Makes the files that clients ask for, beside the jobs and never instead of them.

A file is asked for once, and is one worker's for a time. Who dies, hangs or is cut off says nothing, and then another
worker makes it; after a few such tries it is given up.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from shared.contracts.errors import ExportTooLargeError, InternalError, JobError, PermanentError, TransientError
from shared.contracts.exports import ExportFormat
from shared.lifecycle.clock import Clock
from shared.lifecycle.pauses import Pauses
from shared.observability.metrics import EXPORT_SECONDS, EXPORTS
from shared.redis.exports import Exports, Taken
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.jobs import Jobs

log = structlog.get_logger()

AT_ONCE = 2
"""Files in the making in one process."""
GIVE_BACK_SECONDS = 2.0
_FORMATS = {each.value: each for each in ExportFormat}


@dataclass(frozen=True, slots=True)
class ExportLimits:
    """What making a file may take."""

    making_seconds: float = 60.0
    """Then it is another worker's to make."""
    poll_seconds: float = 2.0
    """Between two looks where no message came."""
    most_bytes: int = 25 * 1024 * 1024


class Exporter(Protocol):
    """Makes a file of a finished document."""

    async def __call__(self, result: bytes, file_format: ExportFormat, /) -> bytes:
        """The file, made of a DocumentResult as JSON; raises PermanentError or TransientError."""
        ...


class ExportMaker:
    """Takes what is asked for and has it made."""

    def __init__(self, exporter: Exporter, exports: Exports, jobs: Jobs, clock: Clock, limits: ExportLimits) -> None:
        self._exporter = exporter
        self._exports = exports
        self._jobs = jobs
        self._clock = clock
        self._limits = limits
        self._free = asyncio.Semaphore(AT_ONCE)
        self._rung: dict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self.making = 0
        """Files that are being made now."""

    def ring(self) -> None:
        """Something was asked for, on whichever shard."""
        for rung in self._rung.values():
            rung.set()

    async def serve(self, shard: int, may_take: Callable[[], bool]) -> None:
        """Make files of one shard for ever; several of these share the shard. What is not finished when this is
        cancelled goes back.
        """
        rung, pauses = self._rung[shard], Pauses()
        while True:
            rung.clear()
            try:
                found = await self._make_next(shard, may_take)
            except (*UNAVAILABLE, ANY) as error:
                log.warning("exports_delayed", shard=shard, error=str(error))
                await self._clock.sleep(pauses.following())
                continue
            pauses.reset()
            if not found:
                await self._wait(rung)

    async def _make_next(self, shard: int, may_take: Callable[[], bool]) -> bool:
        """Whether there was something to make."""
        async with self._free:
            taken = await self._exports.take(shard, self._limits.making_seconds) if may_take() else None
            if taken is not None:
                await self._make(taken)
        return taken is not None

    async def _wait(self, rung: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._limits.poll_seconds):
                await rung.wait()
        except TimeoutError:
            return

    async def _make(self, taken: Taken) -> None:
        """Make a file and store it, or why there is none; raises what Redis does, and then its time runs out."""
        self.making += 1
        outcome = "delayed"
        with (
            structlog.contextvars.bound_contextvars(job_id=taken.ref.job_id, format=taken.file_format),
            EXPORT_SECONDS.labels(taken.file_format).time(),
        ):
            try:
                outcome = await self._settle(taken, await self._attempt(taken))
                log.info("export_settled", outcome=outcome)
            except asyncio.CancelledError:
                outcome = "given_back"
                await self._give_back(taken)
                raise
            finally:
                self.making -= 1
                EXPORTS.labels(taken.file_format, outcome).inc()

    async def _attempt(self, taken: Taken) -> bytes | JobError | None:
        """The file, or why there cannot be one, or None where another try may make it."""
        result, file_format = await self._jobs.result(taken.ref), _FORMATS.get(taken.file_format)
        if result is None or file_format is None:
            return None
        try:
            async with asyncio.timeout(self._limits.making_seconds):
                file = await self._exporter(result, file_format)
        except PermanentError as error:
            log.warning("export_failed", code=error.code, error=error.message)
            return error.to_job_error()
        except (TransientError, TimeoutError) as error:
            log.warning("export_put_off", error=str(error))
            return None
        except Exception:
            # One file must not take the worker and its jobs with it.
            log.exception("export_crashed")
            message = "Making the file failed inside the worker; its log has the cause."
            return InternalError(message).to_job_error()
        most = self._limits.most_bytes
        return file if len(file) <= most else _too_large(len(file), most).to_job_error()

    async def _settle(self, taken: Taken, made: bytes | JobError | None) -> str:
        match made:
            case None:
                return "delayed"
            case JobError():
                return "failed" if await self._exports.fail(taken, made) else "expired"
            case _:
                return "made" if await self._exports.put(taken, made) else "expired"

    async def _give_back(self, taken: Taken) -> None:
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await self._exports.give_back(taken)
        except (*UNAVAILABLE, ANY) as error:
            log.warning("export_not_given_back", error=str(error))


def _too_large(size: int, most: int) -> ExportTooLargeError:
    return ExportTooLargeError(f"The file would have {size:,} bytes; {most:,} are the most.")
