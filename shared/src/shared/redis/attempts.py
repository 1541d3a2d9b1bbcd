"""What the holder of a claim writes: events, work, checkpoints, and the end of its attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.usage import Usage
from shared.redis import commands
from shared.redis.runner import ScriptRunner


class Owned(StrEnum):
    """Answer to a write by the holder of a fence."""

    OK = "ok"
    CANCEL = "cancel"
    FENCED = "fenced"
    REPEATED = "repeated"


class Settled(StrEnum):
    """Answer of finish, fail and release: where the job stands now."""

    COMPLETED = "completed"
    FAILED = "failed"
    RETRYING = "retrying"
    RELEASED = "released"
    HANDED_OVER = "handed_over"
    AWAITING_REVIEW = "awaiting_review"
    CANCELLED = "cancelled"
    REPEATED = "repeated"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class ArtifactWrite:
    """A piece of work and what was spent for it; by its name, unique in the job, a repeated write is counted once."""

    name: str
    field: str
    value: bytes
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class CheckpointItem:
    """One field of a checkpoint hash; ``keep`` leaves a value that is already there."""

    part: str
    field: str
    value: bytes
    keep: bool = False


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event of an owner, numbered by it."""

    seq: int
    type: str
    data: bytes


class Attempts:
    """Writes under a claim's fence; all may be repeated."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner

    async def append_events(self, claim: Claim, events: Sequence[NewEvent]) -> Owned:
        """Write events in order; repeating a batch writes nothing twice."""
        parts = [part for event in events for part in (event.seq, event.type, event.data)]
        command = commands.AppendEvents(id=str(claim.ref), fence=claim.fence, events=parts)
        return Owned(await self._runner.on_job(claim.ref, command))

    async def put_artifact(self, claim: Claim, write: ArtifactWrite) -> Owned:
        """Store a piece of work and count what was spent; a repeated write counts nothing twice."""
        command = commands.PutArtifact(
            id=str(claim.ref),
            fence=claim.fence,
            field=write.field,
            value=write.value,
            usage=_json(write.usage),
            write=write.name,
        )
        return Owned(await self._runner.on_job(claim.ref, command))

    async def put_checkpoint(self, ref: JobRef, fence: int, items: Sequence[CheckpointItem]) -> Owned:
        """Store parts of the graph's checkpoints in one step."""
        parts = [part for item in items for part in (item.part, "add" if item.keep else "set", item.field, item.value)]
        return Owned(await self._runner.on_job(ref, commands.PutCheckpoint(id=str(ref), fence=fence, items=parts)))

    async def finish(self, claim: Claim, seq: int, result: bytes, usage: Usage | None = None) -> Settled:
        """Complete the job. ``result`` is a JSON object without usage, which the script adds."""
        command = commands.Finish(id=str(claim.ref), fence=claim.fence, seq=seq, result=result, usage=_json(usage))
        return Settled(await self._runner.on_job(claim.ref, command))

    async def fail(
        self, claim: Claim, seq: int, error: bytes, wait_ms: int | None, usage: Usage | None = None
    ) -> Settled:
        """End an attempt with an error; ``wait_ms`` None means that no other attempt follows."""
        command = commands.FailAttempt(
            id=str(claim.ref), fence=claim.fence, seq=seq, failure=error, wait_ms=wait_ms, usage=_json(usage)
        )
        return Settled(await self._runner.on_job(claim.ref, command))

    async def release(self, claim: Claim, seq: int, usage: Usage | None = None) -> Settled:
        """Give the job back unharmed, or settle it as cancelled where that was asked for."""
        command = commands.Release(id=str(claim.ref), fence=claim.fence, seq=seq, usage=_json(usage))
        return Settled(await self._runner.on_job(claim.ref, command))

    async def hand_over(
        self, claim: Claim, seq: int, version: int, stored: bytes, outline: bytes, usage: Usage | None = None
    ) -> Settled:
        """Give a planned document to those who write it, or let it wait for a person.

        ``stored`` is the version of the outline as it is kept (JSON), ``outline`` the outline alone, for the event.
        """
        command = commands.HandOver(
            id=str(claim.ref),
            fence=claim.fence,
            seq=seq,
            version=version,
            stored=stored,
            outline=outline,
            usage=_json(usage),
        )
        return Settled(await self._runner.on_job(claim.ref, command))


def _json(usage: Usage | None) -> bytes:
    return usage.model_dump_json().encode() if usage is not None else b""
