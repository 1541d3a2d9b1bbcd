"""The queues of a kind: claims, leases, schedules, upkeep, and what operators ask of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.ids import JobRef
from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.redis import commands
from shared.redis.attempts import Owned
from shared.redis.command import Command
from shared.redis.failures import REFUSED
from shared.redis.keys import GROUP, Keyspace
from shared.redis.runner import ScriptRunner

MOST_COUNTED = 1_000
"""Entries counted in a band to tell a position in the queue."""
_CLAIMED = ("fence", "attempt", "worked", "waited", "probation", *Claim.FIELDS)
"""What fetch tells of a claim, in this order."""


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
class Counts:
    """How many jobs of one kind and band stand where."""

    waiting: int = 0
    running: int = 0
    scheduled: int = 0
    awaiting_review: int = 0
    dead: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.waiting + other.waiting,
            self.running + other.running,
            self.scheduled + other.scheduled,
            self.awaiting_review + other.awaiting_review,
            self.dead + other.dead,
        )


@dataclass(frozen=True, slots=True)
class Overview:
    """One kind on all shards."""

    paused_at_ms: int | None
    bands: dict[Band, Counts]


@dataclass(frozen=True, slots=True)
class Swept:
    """What one step of a sweep did; the cursor is 0 at the end of a round."""

    cursor: int
    dropped: int
    restored: int


class Queues:
    """Commands on whole queues; all but ``fetch`` may be repeated."""

    def __init__(self, runner: ScriptRunner, most_counted: int = MOST_COUNTED) -> None:
        self._runner = runner
        self.shards = runner.shards
        self.most_counted = most_counted
        self._redis: Any = runner.connections.commands

    async def ensure_groups(self, kind: JobKind) -> None:
        """Create the consumer groups of a kind where they are missing, from the first entry on."""
        for shard in range(self.shards):
            for band in Band:
                try:
                    await self._redis.xgroup_create(Keyspace(shard).requests(kind, band), GROUP, id="0", mkstream=True)
                except REFUSED as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

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
        claims, last_ids = await self._runner.run(command, shard, self._runner.connections.once)
        return Fetched([_claim(kind, item) for item in claims], [item.decode() for item in last_ids])

    async def reconcile(self, shard: int, kind: JobKind, answered: Fetcher) -> int:
        """Give back what was claimed by fetches after the last one that was answered; returns how many jobs."""
        command = commands.Reconcile(kind=kind, worker=answered.worker, answered=answered.number)
        return int(await self._runner.run(command, shard))

    async def renew(self, shard: int, kind: JobKind, lease_ms: int, held: Sequence[tuple[JobRef, int]]) -> list[Owned]:
        """Prolong leases, on the heartbeat's own connection; one answer for each job held."""
        pairs = [part for ref, fence in held for part in (str(ref), fence)]
        command = commands.Renew(kind=kind, lease_ms=lease_ms, held=pairs)
        replies = await self._runner.run(command, shard, self._runner.connections.heartbeat)
        return [Owned(reply.decode()) for reply in replies]

    async def promote(self, shard: int, kind: JobKind) -> tuple[int, int | None]:
        """Queue what is due. Returns how many, and in how many ms the next one is due, if any."""
        moved, following = await self._runner.run(commands.Promote(kind=kind), shard)
        return int(moved), None if following == b"-1" else int(following)

    async def sweep(self, shard: int, kind: JobKind, tenant: str, cursor: int, lease_ms: int = 0) -> Swept:
        """Drop what has expired from the index, and put back jobs of the kind that stand nowhere; a part a call.

        The owner of a running job without a lease, if it lives, has ``lease_ms`` to renew it.
        """
        following, dropped, restored = await self._runner.run(
            commands.Sweep(kind=kind, owner=tenant, cursor=cursor, lease_ms=lease_ms), shard
        )
        return Swept(int(following), int(dropped), int(restored))

    async def pause(self, kind: JobKind) -> None:
        """Let no worker claim jobs of the kind."""
        for shard in range(self.shards):
            await self._runner.run(commands.Pause(kind=kind, paused=True), shard)

    async def resume(self, kind: JobKind) -> None:
        """Let workers claim again."""
        for shard in range(self.shards):
            await self._runner.run(commands.Pause(kind=kind, paused=False), shard)

    async def overview(self, kind: JobKind) -> Overview:
        """How many jobs of a kind stand where."""
        paused: int | None = None
        bands = {band: Counts() for band in Band}
        for since, *numbers in await self._everywhere(commands.CountQueues(kind=kind, bands=list(Band))):
            paused = int(since) if since and paused is None else paused
            for place, band in enumerate(Band):
                bands[band] += Counts(*(int(number) for number in numbers[5 * place : 5 * place + 5]))
        return Overview(paused, bands)

    async def ahead(self, kind: JobKind, entries: Sequence[tuple[Band, str]]) -> list[int]:
        """How many jobs stand before each of the given entries; in a band of a shard at most ``most_counted`` count."""
        pairs = [part for each in entries for part in each]
        command = commands.FindPositions(kind=kind, most=self.most_counted, bands=list(Band), entries=pairs)
        found = await self._everywhere(command)
        # Below 0: given to a worker and handed back, so it is the next.
        return [0 if min(numbers) < 0 else sum(numbers) for numbers in zip(*found, strict=True)]

    async def _everywhere(self, command: Command) -> list[Any]:
        """The replies of all shards; asked for at once, since they may be on several servers."""
        return await asyncio.gather(*(self._runner.run(command, shard) for shard in range(self.shards)))

    async def oldest_waiting_ms(self, shard: int, kind: JobKind, band: Band) -> int | None:
        """When the oldest job came that no worker was given yet (ms since the epoch); None where there is none."""
        stream = Keyspace(shard).requests(kind, band)
        if not await self._redis.xlen(stream):
            return None
        groups = await self._redis.xinfo_groups(stream)
        delivered = groups[0]["last-delivered-id"].decode() if groups else "0-0"
        waiting = await self._redis.xrange(stream, min=f"({delivered}", count=1)
        return int(waiting[0][0].partition(b"-")[0]) if waiting else None


def _claim(kind: JobKind, item: Sequence[bytes]) -> Claim:
    ref, *values = (part.decode() for part in item)
    return Claim.from_record(JobRef.parse(ref), kind, dict(zip(_CLAIMED, values, strict=True)))
