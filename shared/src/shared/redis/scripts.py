"""One typed function for each Lua script. The scripts' headers say what they read, write and return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.contracts.ids import EventId, JobRef
from shared.contracts.jobs import Claim, Origin
from shared.contracts.states import Band, JobKind, Review
from shared.contracts.usage import Usage
from shared.redis.client import Connections
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
class Submission:
    """Everything submit writes."""

    ref: JobRef
    kind: JobKind
    digest: str
    priority: int
    max_attempts: int
    request_id: str
    metadata: str
    payload: bytes
    delay_ms: int
    not_before_ms: int
    result_ttl_seconds: int
    record_ttl_seconds: int
    failed_ttl_seconds: int
    soft_limit_ms: int | None = None
    hard_limit_ms: int | None = None
    phase: JobKind | None = None
    """The workers that take it first; None: those of its kind."""
    review: bool = False
    origin: Origin = field(default_factory=Origin)
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    work: Mapping[str, bytes] = field(default_factory=dict)
    """Stored work that it begins with, by field."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Who fetches, and its how manieth fetch that is: names what a lost reply claimed."""

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


def usage_argument(usage: Usage | None) -> bytes:
    return usage.model_dump_json().encode() if usage is not None else b""


class Scripts:
    """The commands on jobs. All but ``fetch`` are idempotent and are repeated when a connection breaks."""

    def __init__(self, connections: Connections, shards: int, confirm_seconds: float | None = None) -> None:
        self._connections = connections
        self._runner = ScriptRunner(connections)
        self._confirm_seconds = confirm_seconds
        """How long what a caller asks for may take to reach a replica; None asks none."""
        self.shards = shards

    async def _on_job(self, name: str, ref: JobRef, *args: Any) -> str:
        reply = await self._runner.run(name, shard_of(ref, self.shards), [str(ref), *args])
        return str(reply.decode())

    async def asked(self, name: str, ref: JobRef, *args: Any) -> str:
        """As ``_on_job``, for what is acknowledged to a caller; raises UnconfirmedError."""
        if self._confirm_seconds is None:
            return await self._on_job(name, ref, *args)
        arguments = [str(ref), *args]
        shard = shard_of(ref, self.shards)
        reply = await self._runner.run_confirmed(name, shard, arguments, self._confirm_seconds)
        return str(reply.decode())

    async def submit(self, new: Submission) -> Submitted:
        """Accept a job once."""
        return Submitted(
            await self.asked(
                "submit",
                new.ref,
                new.digest,
                new.kind,
                Band.of(new.priority),
                new.priority,
                new.max_attempts,
                new.request_id,
                new.metadata,
                new.payload,
                new.delay_ms,
                new.not_before_ms,
                new.result_ttl_seconds,
                new.record_ttl_seconds,
                new.failed_ttl_seconds,
                "" if new.soft_limit_ms is None else new.soft_limit_ms,
                "" if new.hard_limit_ms is None else new.hard_limit_ms,
                new.phase or new.kind,
                Review.WANTED if new.review else "",
                new.origin.parent,
                new.origin.root,
                new.origin.section,
                new.origin.batch,
                "" if new.max_tokens is None else new.max_tokens,
                "" if new.max_cost_usd is None else new.max_cost_usd,
                *(part for item in new.work.items() for part in item),
            )
        )

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
        args = [fetcher.worker, fetcher.number, lease_ms, count, int(suspects), kind, *bands]
        claims, last_ids = await self._runner.run("fetch", shard, args, self._connections.once)
        return Fetched([_claim(kind, item) for item in claims], [item.decode() for item in last_ids])

    async def reconcile(self, shard: int, kind: JobKind, answered: Fetcher) -> int:
        """Give back what was claimed by fetches after the last one that was answered; returns how many jobs."""
        return int(await self._runner.run("reconcile", shard, [kind, answered.worker, answered.number]))

    async def renew(self, shard: int, kind: JobKind, lease_ms: int, held: Sequence[tuple[JobRef, int]]) -> list[Owned]:
        """Prolong leases, on the heartbeat's own connection; one answer for each job held."""
        args: list[Any] = [kind, lease_ms]
        for ref, fence in held:
            args += [str(ref), fence]
        replies = await self._runner.run("renew", shard, args, self._connections.heartbeat)
        return [Owned(reply.decode()) for reply in replies]

    async def append_events(self, claim: Claim, events: Sequence[NewEvent]) -> Owned:
        """Write events in order; repeating a batch writes nothing twice."""
        args: list[Any] = [claim.fence]
        for event in events:
            args += [event.seq, event.type, event.data]
        return Owned(await self._on_job("append_events", claim.ref, *args))

    async def put_artifact(self, claim: Claim, write: ArtifactWrite) -> Owned:
        """Store a piece of work and count what was spent; a repeated write counts nothing twice."""
        args = (claim.fence, write.field, write.value, usage_argument(write.usage), write.name)
        return Owned(await self._on_job("put_artifact", claim.ref, *args))

    async def put_checkpoint(self, ref: JobRef, fence: int, items: Sequence[CheckpointItem]) -> Owned:
        """Store parts of the graph's checkpoints in one step."""
        args: list[Any] = [fence]
        for item in items:
            args += [item.part, "add" if item.keep else "set", item.field, item.value]
        return Owned(await self._on_job("put_checkpoint", ref, *args))

    async def finish(self, claim: Claim, seq: int, result: bytes, link: str, usage: Usage | None = None) -> Settled:
        """Complete the job. ``result`` is a JSON object without usage, which the script adds."""
        args = (claim.fence, seq, result, link, usage_argument(usage))
        return Settled(await self._on_job("finish", claim.ref, *args))

    async def fail(
        self, claim: Claim, seq: int, error: bytes, wait_ms: int | None, usage: Usage | None = None
    ) -> Settled:
        """End an attempt with an error; ``wait_ms`` None means that no other attempt follows."""
        args = (claim.fence, seq, error, -1 if wait_ms is None else wait_ms, usage_argument(usage))
        return Settled(await self._on_job("fail", claim.ref, *args))

    async def release(self, claim: Claim, seq: int, usage: Usage | None = None) -> Settled:
        """Give the job back unharmed, or settle it as cancelled where that was asked for."""
        args = (claim.fence, seq, usage_argument(usage))
        return Settled(await self._on_job("release", claim.ref, *args))

    async def hand_over(
        self, claim: Claim, seq: int, version: int, outline: bytes, told: bytes, usage: Usage | None = None
    ) -> Settled:
        """Give a planned document to those who write it, or let it wait for a person. ``outline`` is that version as
        stored, ``told`` the end of the event's JSON object.
        """
        args = (claim.fence, seq, version, outline, told, usage_argument(usage))
        return Settled(await self._on_job("handover", claim.ref, *args))

    async def promote(self, shard: int, kind: JobKind) -> tuple[int, int | None]:
        """Queue what is due. Returns how many, and in how many ms the next one is due, if any."""
        moved, following = await self._runner.run("promote", shard, [kind])
        return int(moved), None if following == b"-1" else int(following)

    async def cancel(self, ref: JobRef) -> Cancelled:
        """End a waiting job, or ask the owner of a running one to end it."""
        return Cancelled(await self.asked("cancel", ref))

    async def retry(self, ref: JobRef, request_id: str) -> Retried:
        """Begin a failed or cancelled job again, from its checkpoint, with its attempts counted afresh."""
        return Retried(await self.asked("retry", ref, request_id))

    async def requeue(self, ref: JobRef, request_id: str) -> bool:
        """Begin a dead letter again as ``retry`` does; false where there is none of this id."""
        return await self.asked("requeue", ref, request_id) == "requeued"

    async def purge(self, ref: JobRef) -> bool:
        """Forget a dead letter and everything of its job; false where there is none of this id."""
        return await self._on_job("purge", ref) == "purged"


def _claim(kind: JobKind, item: list[bytes]) -> Claim:
    (ref, fence, attempt, max_attempts, run, band, request_id, waited, worked, soft, hard, probation, makes,
     prompt, completion, cost, max_tokens, max_cost) = (part.decode() for part in item)  # fmt: skip
    return Claim(
        ref=JobRef.parse(ref),
        kind=kind,
        band=Band(band),
        fence=int(fence),
        attempt=int(attempt),
        max_attempts=int(max_attempts),
        run=int(run),
        request_id=request_id,
        waited_seconds=int(waited) / 1000,
        worked_seconds=int(worked) / 1000,
        soft_limit_seconds=int(soft) / 1000 if soft else None,
        hard_limit_seconds=int(hard) / 1000 if hard else None,
        on_probation=probation == "1",
        makes=JobKind(makes),
        spent=Usage(
            prompt_tokens=int(prompt or 0),
            completion_tokens=int(completion or 0),
            cost_usd=float(cost) if cost else None,
        ),
        max_tokens=int(max_tokens) if max_tokens else None,
        max_cost_usd=float(max_cost) if max_cost else None,
    )


def event_id(raw: bytes) -> EventId:
    """A stream id of a journal as an event id."""
    fence, _, seq = raw.partition(b"-")
    return EventId(int(fence), int(seq))
