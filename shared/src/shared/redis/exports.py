"""Files made of finished documents: gateways ask for them, workers make them, and they stay as long as the result.

One typed function for each script; the scripts' headers say what they read, write and return.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from shared.contracts.errors import JobError
from shared.contracts.exports import ExportFormat
from shared.contracts.ids import JobRef
from shared.redis.commands import AskExport, PutExport, TakeExport
from shared.redis.runner import ScriptRunner

MOST_ASKED_FOR = 10_000
"""Files of one shard that wait to be made."""
FAILURE_SECONDS = 60.0
"""How long a failure stands before the file can be asked for again."""
MOST_TRIES = 3
"""Of workers that say nothing of what became of it."""


class Asked(StrEnum):
    """What became of asking for a file."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"
    EXPIRED = "expired"
    UNFINISHED = "unfinished"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Answer:
    """To whoever asks for a file; ``error`` says why there is none where it failed."""

    asked: Asked
    error: JobError | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that a worker is to make. ``made_of`` tells the result from that of a later job of the same id."""

    ref: JobRef
    file_format: str
    """A newer gateway may ask for one that this worker does not know."""
    made_of: str


class Exports:
    """The commands on files; all but ``take`` may be repeated."""

    def __init__(self, runner: ScriptRunner, most_asked_for: int = MOST_ASKED_FOR) -> None:
        self._runner = runner
        self.most_asked_for = most_asked_for

    async def ask(self, ref: JobRef, file_format: ExportFormat) -> Answer:
        """Ask for a file, once however often this is called."""
        command = AskExport(
            id=str(ref), format=file_format, most=self.most_asked_for, failure_ms=round(FAILURE_SECONDS * 1000)
        )
        asked, *why = await self._runner.run(command, self._runner.shard(ref))
        return Answer(Asked(asked.decode()), JobError.model_validate_json(why[0]) if why else None)

    async def look(self, ref: JobRef, file_format: ExportFormat) -> Answer:
        """Where a file that was asked for stands, without the file: as ``ask``, but it asks for nothing."""
        keys = self._runner.keys(ref)
        ready, why, kept = await self._runner.connections.commands.together(
            ("HEXISTS", keys.export(ref), file_format),
            ("HGET", keys.export(ref), f"failed:{file_format}"),
            ("EXISTS", keys.result(ref)),
        )
        if not kept:
            return Answer(Asked.EXPIRED)
        if ready:
            return Answer(Asked.READY)
        return Answer(Asked.FAILED, JobError.model_validate_json(why)) if why else Answer(Asked.WAITING)

    async def file(self, ref: JobRef, file_format: ExportFormat) -> bytes | None:
        """The file, or None where there is none."""
        redis: Any = self._runner.connections.commands
        return cast("bytes | None", await redis.hget(self._runner.keys(ref).export(ref), file_format))

    async def take(self, shard: int, seconds: float) -> Taken | None:
        """The file to make next, this worker's own for a time; None where none is due.

        Not repeated after a lost reply: what it took is due again when the time is over.
        """
        command = TakeExport(time_ms=round(seconds * 1000), most_tries=MOST_TRIES)
        found = await self._runner.run(command, shard, self._runner.connections.once)
        if not found:
            return None
        ref, file_format, made_of = (part.decode() for part in found)
        return Taken(JobRef.parse(ref), file_format, made_of)

    async def put(self, taken: Taken, file: bytes) -> bool:
        """Store a file; false where the result it was made of is gone."""
        return await self._put(taken, "file", file)

    async def fail(self, taken: Taken, error: JobError) -> bool:
        """Say why there is no file; false where the result is gone."""
        return await self._put(taken, "failed", error.model_dump_json().encode())

    async def give_back(self, taken: Taken) -> bool:
        """Let another worker make it at once, and do not count the try; false where the result is gone."""
        return await self._put(taken, "back", b"")

    async def _put(self, taken: Taken, outcome: str, content: bytes) -> bool:
        command = PutExport(
            id=str(taken.ref), format=taken.file_format, made_of=taken.made_of, outcome=outcome, content=content
        )
        reply = await self._runner.run(command, self._runner.shard(taken.ref))
        return bool(reply == b"ok")
