"""One typed function for each Lua script. The scripts' headers say what they read, write and return."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.ids import EventId, JobRef
from shared.contracts.jobs import Claim, JobSpec
from shared.contracts.states import Band, JobKind
from shared.contracts.usage import Usage
from shared.redis import commands
from shared.redis.client import Connections
from shared.redis.command import Command
from shared.redis.keys import Keyspace, shard_of
from shared.redis.runner import ScriptRunner


class Submitted(StrEnum):
    """Answer of submit."""

    CREATED = "created"
    REPLAYED = "replayed"
    CONFLICT = "conflict"


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
class Fetcher:
    """Identifies one fetch by worker and sequence number, so that jobs claimed by a fetch whose reply was lost can be
    given back."""

    worker: str
    number: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """Claimed jobs, and where the streams stood: ids of the bands in the order asked for, then of control."""

    claims: list[Claim]
    last_ids: list[str]


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


def _json(usage: Usage | None) -> bytes:
    return usage.model_dump_json().encode() if usage is not None else b""


_CLAIMED = ("fence", "attempt", "worked", "waited", "probation", *Claim.FIELDS)
"""What fetch tells of a claim, in this order."""


class Scripts:
    """The commands on jobs. All but ``fetch`` are idempotent and are repeated when a connection breaks."""

    def __init__(self, connections: Connections, shards: int, confirm_seconds: float | None = None) -> None:
        self._connections = connections
        self._runner = ScriptRunner(connections)
        self._confirm_seconds = confirm_seconds
        """How long what a caller asks for may take to reach a replica; None asks none."""
        self.shards = shards

    async def _on_job(self, ref: JobRef, command: Command) -> str:
        reply = await self._runner.run(command, shard_of(ref, self.shards))
        return str(reply.decode())

    async def asked(self, ref: JobRef, command: Command) -> str:
        """As ``_on_job``, for what is acknowledged to a caller; raises UnconfirmedError."""
        if self._confirm_seconds is None:
            return await self._on_job(ref, command)
        reply = await self._runner.run_confirmed(command, shard_of(ref, self.shards), self._confirm_seconds)
        return str(reply.decode())

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
        return Submitted(await self.asked(spec.ref, command))

    async def safe(self, ref: JobRef) -> bool:
        """Whether a job is there still, on a replica too where that is asked for; raises UnconfirmedError."""
        if self._confirm_seconds is None:
            return True
        shard = shard_of(ref, self.shards)
        return await self._runner.exists_confirmed(Keyspace(shard).job(ref), shard, self._confirm_seconds)

    async def fetch(
        self,
        shard: int,
        kind: JobKind,
        fetcher: Fetcher,
        lease_ms: int,
        count: int,
        bands: Sequence[Band],
        *,
        suspects: bool = True,
    ) -> Fetched:
        """Claim up to ``count`` jobs. Never repeated: ``reconcile`` gives back what a lost reply claimed.

        Of the jobs in their last attempt after their workers died, one at most, and none unless ``suspects``.
        """
        command = commands.Fetch(
            kind=kind,
            worker=fetcher.worker,
            number=fetcher.number,
            lease_ms=lease_ms,
            most=count,
            suspects=suspects,
            bands=bands,
            fields=Claim.FIELDS,
        )
        claims, last_ids = await self._runner.run(command, shard, self._connections.once)
        return Fetched([_claim(kind, item) for item in claims], [item.decode() for item in last_ids])

    async def reconcile(self, shard: int, kind: JobKind, answered: Fetcher) -> int:
        """Give back what was claimed by fetches after the last one that was answered; returns how many jobs."""
        command = commands.Reconcile(kind=kind, worker=answered.worker, answered=answered.number)
        return int(await self._runner.run(command, shard))

    async def renew(self, shard: int, kind: JobKind, lease_ms: int, held: Sequence[tuple[JobRef, int]]) -> list[Owned]:
        """Prolong leases, on the heartbeat's own connection; one answer for each job held."""
        pairs = [part for ref, fence in held for part in (str(ref), fence)]
        command = commands.Renew(kind=kind, lease_ms=lease_ms, held=pairs)
        replies = await self._runner.run(command, shard, self._connections.heartbeat)
        return [Owned(reply.decode()) for reply in replies]

    async def append_events(self, claim: Claim, events: Sequence[NewEvent]) -> Owned:
        """Write events in order; repeating a batch writes nothing twice."""
        parts = [part for event in events for part in (event.seq, event.type, event.data)]
        command = commands.AppendEvents(id=str(claim.ref), fence=claim.fence, events=parts)
        return Owned(await self._on_job(claim.ref, command))

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
        return Owned(await self._on_job(claim.ref, command))

    async def put_checkpoint(self, ref: JobRef, fence: int, items: Sequence[CheckpointItem]) -> Owned:
        """Store parts of the graph's checkpoints in one step."""
        parts = [part for item in items for part in (item.part, "add" if item.keep else "set", item.field, item.value)]
        return Owned(await self._on_job(ref, commands.PutCheckpoint(id=str(ref), fence=fence, items=parts)))

    async def finish(self, claim: Claim, seq: int, result: bytes, usage: Usage | None = None) -> Settled:
        """Complete the job. ``result`` is a JSON object without usage, which the script adds."""
        command = commands.Finish(id=str(claim.ref), fence=claim.fence, seq=seq, result=result, usage=_json(usage))
        return Settled(await self._on_job(claim.ref, command))

    async def fail(
        self, claim: Claim, seq: int, error: bytes, wait_ms: int | None, usage: Usage | None = None
    ) -> Settled:
        """End an attempt with an error; ``wait_ms`` None means that no other attempt follows."""
        command = commands.FailAttempt(
            id=str(claim.ref), fence=claim.fence, seq=seq, failure=error, wait_ms=wait_ms, usage=_json(usage)
        )
        return Settled(await self._on_job(claim.ref, command))

    async def release(self, claim: Claim, seq: int, usage: Usage | None = None) -> Settled:
        """Give the job back unharmed, or settle it as cancelled where that was asked for."""
        command = commands.Release(id=str(claim.ref), fence=claim.fence, seq=seq, usage=_json(usage))
        return Settled(await self._on_job(claim.ref, command))

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
        return Settled(await self._on_job(claim.ref, command))

    async def promote(self, shard: int, kind: JobKind) -> tuple[int, int | None]:
        """Queue what is due. Returns how many, and in how many ms the next one is due, if any."""
        moved, following = await self._runner.run(commands.Promote(kind=kind), shard)
        return int(moved), None if following == b"-1" else int(following)

    async def cancel(self, ref: JobRef) -> Cancelled:
        """End a waiting job, or ask the owner of a running one to end it."""
        return Cancelled(await self.asked(ref, commands.Cancel(id=str(ref))))

    async def retry(self, ref: JobRef, request_id: str) -> Retried:
        """Begin a failed or cancelled job again, from its checkpoint, with its attempts counted afresh."""
        return Retried(await self.asked(ref, commands.Retry(id=str(ref), request_id=request_id)))

    async def requeue(self, ref: JobRef, request_id: str) -> bool:
        """Begin a dead letter again as ``retry`` does; false where there is none of this id."""
        return await self.asked(ref, commands.Requeue(id=str(ref), request_id=request_id)) == "requeued"

    async def purge(self, ref: JobRef) -> bool:
        """Forget a dead letter and everything of its job; false where there is none of this id."""
        return await self._on_job(ref, commands.Purge(id=str(ref))) == "purged"


def _claim(kind: JobKind, item: Sequence[bytes]) -> Claim:
    ref, *values = (part.decode() for part in item)
    return Claim.from_record(JobRef.parse(ref), kind, dict(zip(_CLAIMED, values, strict=True)))


def event_id(raw: bytes) -> EventId:
    """A stream id of a journal as an event id."""
    fence, _, seq = raw.partition(b"-")
    return EventId(int(fence), int(seq))
