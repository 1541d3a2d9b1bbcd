"""What a batch holds: which jobs, and which items are none.

Plain commands, all of which may be repeated: the jobs say themselves where they stand, and this record only names them.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.contracts.ids import JobRef
from shared.contracts.states import JobKind
from shared.redis.failures import UnconfirmedError
from shared.redis.runner import ScriptRunner


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True)


class Member(_Stored):
    """An item that is sound: its job is stored, or will be."""

    index: int
    """Which of the items, from 0."""
    job_id: str
    kind: JobKind
    digest: str
    """Of the job's body: another job may have the id."""

    @property
    def ref(self) -> JobRef:
        return JobRef(self.job_id)


class Fault(_Stored):
    """One fault of an item."""

    pointer: str
    message: str


class Refusal(_Stored):
    """An item that was refused, as a problem of its own."""

    index: int
    status: int
    code: str
    detail: str
    errors: tuple[Fault, ...]


class BatchRecord(_Stored):
    """Written before the first job is, and once more after the last."""

    digest: str
    """Tells whether two requests ask for the same."""
    created_at: datetime
    request_id: str
    life_seconds: int
    """How long it stays after it was looked at."""
    members: tuple[Member, ...]
    refusals: tuple[Refusal, ...]
    """Members are among them whose job could not be stored."""
    stored: bool = False
    """Whether there is a job for every member, but those among the refusals."""

    @property
    def total(self) -> int:
        """Items that were sent."""
        return len({each.index for each in self.members} | {each.index for each in self.refusals})


class Batches:
    """The records of batches. A batch has a name like a job's."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner
        self._redis: Any = runner.connections.commands

    async def begin(self, ref: JobRef, record: BatchRecord) -> BatchRecord:
        """Store a record, unless there is one; returns the one that stands."""
        key = self._key(ref)
        _, stored = await self._redis.together(
            ("SET", key, record.model_dump_json(), "NX", "EX", record.life_seconds), ("GET", key)
        )
        return BatchRecord.model_validate_json(stored)

    async def end(self, ref: JobRef, record: BatchRecord) -> None:
        """Store what became of its items; raises UnconfirmedError as ``confirm`` does."""
        await self._redis.set(self._key(ref), record.model_dump_json(), ex=record.life_seconds)
        await self.confirm(ref)

    async def confirm(self, ref: JobRef) -> None:
        """Raise UnconfirmedError where a replica was asked for, and none has the record in time."""
        if not await self._runner.is_safe(self._key(ref), ref):
            msg = "the record of the batch is gone again"
            raise UnconfirmedError(msg)

    async def get(self, ref: JobRef) -> BatchRecord | None:
        """The record, which stays as long again; None where there is none, or nobody looked at it for too long."""
        stored = await self._redis.get(self._key(ref))
        if stored is None:
            return None
        record = BatchRecord.model_validate_json(stored)
        await self._redis.expire(self._key(ref), record.life_seconds)
        return record

    def _key(self, ref: JobRef) -> str:
        return self._runner.keys(ref).batch(ref)
