"""Keeps the leases of one worker."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

import structlog

from shared.contracts.errors import LeaseLostError
from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import JobKind
from shared.lifecycle.clock import Clock
from shared.redis.attempts import Owned
from shared.redis.failures import ANY, UNAVAILABLE
from shared.redis.keys import shard_of
from shared.redis.queues import Queues

log = structlog.get_logger()

RENEWALS_PER_LEASE = 3
TRUSTED_PART = 0.9
"""How much of a lease a worker trusts by its own clock."""


class Ending(StrEnum):
    """Why a handler is stopped from outside."""

    CANCELLED = "cancelled"
    """The job's end was asked for."""
    LOST = "lost"
    """The lease is gone, or may be."""
    TIME_OVER = "time_over"
    """The job's hard time limit has come."""
    RELEASED = "released"
    """The worker shuts down and gives the job back."""


@dataclass(eq=False, slots=True)
class Held:
    """A claim while its handler runs."""

    claim: Claim
    trusted_until: float
    """Monotonic time up to which the owner believes in its lease."""
    handler: "asyncio.Task[object] | None" = None
    ending: Ending | None = None
    settling: bool = False
    """Its outcome is being written: the script that does so tells whether the job was still ours."""

    def end(self, ending: Ending) -> None:
        """Stop the handler; the first reason stays, but a lost lease overrides all: nothing may be written then.

        Cancels once for a reason: another cancellation would break into the handler's cleaning up.
        """
        if self.ending is not None and (ending is not Ending.LOST or self.ending is Ending.LOST):
            return
        self.ending = ending
        if self.handler is not None and not self.handler.done():
            self.handler.cancel()


class LeaseKeeper:
    """Renews what the worker holds and stops the handlers of what it lost."""

    def __init__(self, queues: Queues, clock: Clock, lease_seconds: float) -> None:
        self._queues = queues
        self._clock = clock
        self.lease_seconds = lease_seconds
        self._held: dict[JobRef, Held] = {}
        self._failing: set[int] = set()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def failing(self) -> bool:
        """Whether the last renewal failed on some shard."""
        return bool(self._failing)

    def holding(self) -> list[Held]:
        return list(self._held.values())

    def take(self, claim: Claim, claimed_at: float) -> Held:
        """Begin to keep a lease that was given by a fetch sent at ``claimed_at`` (monotonic)."""
        stale = self._held.get(claim.ref)
        if stale is not None:
            # The process stalled for longer than its lease and took its own job over.
            stale.end(Ending.LOST)
        held = Held(claim, claimed_at + self.lease_seconds * TRUSTED_PART)
        self._held[claim.ref] = held
        return held

    def drop(self, held: Held) -> None:
        """Stop keeping a lease: the job is settled or lost."""
        if self._held.get(held.claim.ref) is held:
            del self._held[held.claim.ref]

    def cancel(self, ref: JobRef, fence: int) -> None:
        """The end of a job was asked for; nothing happens if this worker does not hold it under that fence."""
        held = self._held.get(ref)
        if held is not None and held.claim.fence == fence:
            held.end(Ending.CANCELLED)

    def check(self, held: Held) -> None:
        """Raise LeaseLostError unless the lease can still be trusted. Called before each costly step.

        Also tells a handler again that it is to stop, should some library have lost the cancellation.
        """
        if held.ending is Ending.LOST or self._clock.monotonic() >= held.trusted_until:
            held.end(Ending.LOST)
            msg = f"lease of {held.claim.ref} lost"
            raise LeaseLostError(msg)
        if held.ending is not None and held.handler is not None:
            held.handler.cancel()

    async def run(self) -> None:
        """Renew, and stop trusting what could not be renewed, for ever."""
        async with asyncio.TaskGroup() as group:
            for shard in range(self._queues.shards):
                group.create_task(self._renew_forever(shard))
            group.create_task(self._expire_forever())

    async def _renew_forever(self, shard: int) -> None:
        # Each shard for itself: one that is away must not cost the leases of the others.
        while True:
            try:
                await self._renew(shard)
                self._failing.discard(shard)
            except (*UNAVAILABLE, ANY) as error:
                self._failing.add(shard)
                log.warning("lease_renewal_failed", shard=shard, error=str(error))
            await self._clock.sleep(self.lease_seconds / RENEWALS_PER_LEASE)

    async def _expire_forever(self) -> None:
        # A task of its own: a renewal that hangs must not keep a lost lease alive.
        while True:
            self._expire()
            await self._clock.sleep(min(0.5, self.lease_seconds / 20))

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for held in self.holding():
            if now >= held.trusted_until and held.ending is not Ending.LOST:
                log.warning("lease_expired", job=str(held.claim.ref), fence=held.claim.fence)
                held.end(Ending.LOST)

    async def _renew(self, shard: int) -> None:
        by_kind: dict[JobKind, list[Held]] = defaultdict(list)
        for held in self._held.values():
            if held.ending is not Ending.LOST and shard_of(held.claim.ref, self._queues.shards) == shard:
                by_kind[held.claim.kind].append(held)
        for kind, group in by_kind.items():
            sent_at = self._clock.monotonic()
            leases = [(held.claim.ref, held.claim.fence) for held in group]
            replies = await self._queues.renew(shard, kind, round(self.lease_seconds * 1000), leases)
            for held, reply in zip(group, replies, strict=True):
                self._apply(held, reply, sent_at)

    def _apply(self, held: Held, reply: Owned, sent_at: float) -> None:
        if self._held.get(held.claim.ref) is not held:
            return
        match reply:
            case Owned.OK | Owned.CANCEL:
                held.trusted_until = sent_at + self.lease_seconds * TRUSTED_PART
                if reply is Owned.CANCEL:
                    held.end(Ending.CANCELLED)
            case Owned.FENCED | Owned.REPEATED if held.settling:
                log.debug("renewed_while_settling", job=str(held.claim.ref), fence=held.claim.fence)
            case Owned.FENCED | Owned.REPEATED:
                log.warning("lease_fenced", job=str(held.claim.ref), fence=held.claim.fence)
                held.end(Ending.LOST)
