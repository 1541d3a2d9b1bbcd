"""One job: accepted, read and ended by those who asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from shared.contracts.ids import EventId, JobRef
from shared.contracts.jobs import Job, JobSpec
from shared.contracts.plan import section_of
from shared.redis import commands
from shared.redis.entries import Entry, entry, event_id
from shared.redis.runner import ScriptRunner, record_of


class Submitted(StrEnum):
    """Answer of submit."""

    CREATED = "created"
    REPLAYED = "replayed"
    CONFLICT = "conflict"


class Cancelled(StrEnum):
    """Answer of cancel."""

    ASKED = "asked"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Retried(StrEnum):
    """Answer of retry: done, or the state that does not allow it."""

    RETRIED = "retried"
    UNKNOWN = "unknown"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    AWAITING_REVIEW = "awaiting_review"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Replay:
    """What one look at a job found, in this order: its record, its newest event, a page of its journal, its record."""

    record: dict[str, str]
    newest: EventId | None
    page: list[Entry]
    later: dict[str, str]


class Jobs:
    """Commands and reads on one job; all may be repeated. Those that a caller is answered by raise UnconfirmedError."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner
        self._redis: Any = runner.connections.commands

    async def submit(self, spec: JobSpec) -> Submitted:
        """Accept a job once."""
        command = commands.Submit(
            id=str(spec.ref),
            digest=spec.digest,
            delay_ms=round(spec.delay_seconds * 1000),
            not_before_ms=round(spec.not_before.timestamp() * 1000) if spec.not_before else 0,
            payload=spec.payload,
            record=spec.record(),
            work=spec.work,
        )
        return Submitted(await self._runner.asked(spec.ref, command))

    async def safe(self, ref: JobRef) -> bool:
        """Whether a job is there still, on a replica too where that is asked for."""
        return await self._runner.is_safe(self._runner.keys(ref).job(ref), ref)

    async def cancel(self, ref: JobRef) -> Cancelled:
        """End a waiting job, or ask the owner of a running one to end it."""
        return Cancelled(await self._runner.asked(ref, commands.Cancel(id=str(ref))))

    async def retry(self, ref: JobRef, request_id: str) -> Retried:
        """Begin a failed or cancelled job again, from its checkpoint, with its attempts counted afresh."""
        return Retried(await self._runner.asked(ref, commands.Retry(id=str(ref), request_id=request_id)))

    async def requeue(self, ref: JobRef, request_id: str) -> bool:
        """Begin a dead letter again as ``retry`` does; false where there is none of this id."""
        return await self._runner.asked(ref, commands.Requeue(id=str(ref), request_id=request_id)) == "requeued"

    async def purge(self, ref: JobRef) -> bool:
        """Forget a dead letter and everything of its job; false where there is none of this id."""
        return await self._runner.on_job(ref, commands.Purge(id=str(ref))) == "purged"

    async def get(self, ref: JobRef) -> Job | None:
        """The job, or None where there is none or its record has expired."""
        record = await self.record(ref)
        return Job.from_record(ref, record) if record else None

    async def record(self, ref: JobRef) -> dict[str, str]:
        """The record's fields, empty where there is no such job."""
        return record_of(await self._redis.hgetall(self._runner.keys(ref).job(ref)))

    async def records(self, refs: Sequence[JobRef]) -> list[dict[str, str]]:
        """The records of jobs in one round trip, empty where one has expired."""
        rows = await self._runner.hashes(self._runner.keys(ref).job(ref) for ref in refs)
        return [record_of(row) for row in rows]

    async def payload(self, ref: JobRef) -> bytes | None:
        return cast("bytes | None", await self._redis.get(self._runner.keys(ref).payload(ref)))

    async def payload_bytes(self, ref: JobRef) -> int:
        """The size of a request; 0 where it has expired."""
        return int(await self._redis.strlen(self._runner.keys(ref).payload(ref)))

    async def result(self, ref: JobRef) -> bytes | None:
        return cast("bytes | None", await self._redis.get(self._runner.keys(ref).result(ref)))

    async def artifact(self, ref: JobRef, field: str) -> bytes | None:
        return cast("bytes | None", await self._redis.hget(self._runner.keys(ref).artifact(ref), field))

    async def artifacts(self, ref: JobRef, fields: Sequence[str]) -> list[bytes | None]:
        """Several fields at once, None for each that is missing."""
        if not fields:
            return []
        return cast("list[bytes | None]", await self._redis.hmget(self._runner.keys(ref).artifact(ref), list(fields)))

    async def artifact_fields(self, ref: JobRef) -> list[str]:
        return [name.decode() for name in await self._redis.hkeys(self._runner.keys(ref).artifact(ref))]

    async def section_texts(self, ref: JobRef) -> dict[str, str]:
        """Texts of the sections that are finished, by section id."""
        named = [(section_of(field), field) for field in await self.artifact_fields(ref)]
        finished = [(section_id, field) for section_id, field in named if section_id is not None]
        texts = await self.artifacts(ref, [field for _, field in finished])
        return {
            section_id: text.decode() for (section_id, _), text in zip(finished, texts, strict=True) if text is not None
        }

    async def checkpoint_hash(self, part: str, ref: JobRef) -> dict[bytes, bytes]:
        """A whole part of the graph's checkpoints."""
        return cast("dict[bytes, bytes]", await self._redis.hgetall(self._runner.keys(ref).checkpoint(part, ref)))

    async def drop_checkpoints(self, ref: JobRef, parts: Sequence[str]) -> None:
        await self._redis.unlink(*(self._runner.keys(ref).checkpoint(part, ref) for part in parts))

    async def replay(self, ref: JobRef, after: EventId, count: int) -> Replay:
        """A piece of the journal after an id, and what the record said before and after it was read."""
        record, events = self._runner.keys(ref).job(ref), self._runner.keys(ref).events(ref)
        before, newest, page, later = await self._redis.together(
            ("HGETALL", record),
            ("XREVRANGE", events, "+", "-", "COUNT", 1),
            ("XRANGE", events, f"({after}", "+", "COUNT", count),
            ("HGETALL", record),
        )
        last = event_id(newest[0][0]) if newest else None
        return Replay(record_of(before), last, [entry(*item) for item in page], record_of(later))

    async def last_event_id(self, ref: JobRef) -> EventId | None:
        """Id of the newest event, or None where there is none."""
        newest = await self._redis.xrevrange(self._runner.keys(ref).events(ref), count=1)
        return event_id(newest[0][0]) if newest else None
