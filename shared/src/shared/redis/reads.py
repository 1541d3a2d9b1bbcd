"""Plain reads of the job's keys and of the streams, typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from shared.contracts.errors import CannotStartError
from shared.contracts.ids import EventId, JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.client import BLOCK_MS, Connections
from shared.redis.failures import REFUSED
from shared.redis.keys import GROUP, SHARDS_KEY, Keyspace, shard_of
from shared.redis.scripts import event_id
from shared.redis.traffic import Traffic


class ShardMismatchError(CannotStartError):
    """This process was told another number of shards than the keys were made with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as stored: its id, type, time (ms since the epoch) and data (JSON)."""

    id: EventId
    type: str
    time_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One event as the feed carries it, with the job it belongs to."""

    ref: JobRef
    kind: str
    request_id: str
    event: Entry


@dataclass(frozen=True, slots=True)
class Replay:
    """What one look at a job found, in this order: its record, its newest event, a page of its journal, its record."""

    record: dict[str, str]
    newest: EventId | None
    page: list[Entry]
    later: dict[str, str]


class Reads:
    """Reads on the connection for commands; all of them may be repeated."""

    def __init__(self, connections: Connections, shards: int) -> None:
        self._redis: Any = connections.commands
        self.shards = shards

    def keys(self, ref: JobRef) -> Keyspace:
        return Keyspace(shard_of(ref, self.shards))

    async def fix_shards(self) -> None:
        """Agree on the number of shards; raises ShardMismatchError where the stored one differs."""
        stored = await self._redis.get(SHARDS_KEY)
        if stored is None:
            # Only where it is missing: a full server refuses even a SET that would change nothing.
            await self._redis.set(SHARDS_KEY, self.shards, nx=True)
            stored = await self._redis.get(SHARDS_KEY)
        fixed = int(stored)
        if fixed != self.shards:
            msg = f"DRAFTLINE_SHARDS is {self.shards}, but this Redis was set up with {fixed}: start with {fixed}"
            raise ShardMismatchError(msg)

    async def ensure_groups(self, kind: JobKind) -> None:
        """Create the consumer groups of a kind where they are missing, from the first entry on."""
        for shard in range(self.shards):
            for band in Band:
                try:
                    await self._redis.xgroup_create(Keyspace(shard).requests(kind, band), GROUP, id="0", mkstream=True)
                except REFUSED as error:
                    if not str(error).startswith("BUSYGROUP"):
                        raise

    async def job(self, ref: JobRef) -> dict[str, str]:
        """The record's fields, empty where there is no such job."""
        return record_of(await self._redis.hgetall(self.keys(ref).job(ref)))

    async def payload(self, ref: JobRef) -> bytes | None:
        return cast("bytes | None", await self._redis.get(self.keys(ref).payload(ref)))

    async def payload_bytes(self, ref: JobRef) -> int:
        """The size of a request; 0 where it has expired."""
        return int(await self._redis.strlen(self.keys(ref).payload(ref)))

    async def result(self, ref: JobRef) -> bytes | None:
        return cast("bytes | None", await self._redis.get(self.keys(ref).result(ref)))

    async def artifact(self, ref: JobRef, field: str) -> bytes | None:
        return cast("bytes | None", await self._redis.hget(self.keys(ref).artifact(ref), field))

    async def artifacts(self, ref: JobRef, fields: Sequence[str]) -> list[bytes | None]:
        """Several fields at once, None for each that is missing."""
        if not fields:
            return []
        return cast("list[bytes | None]", await self._redis.hmget(self.keys(ref).artifact(ref), list(fields)))

    async def artifact_fields(self, ref: JobRef) -> list[str]:
        return [name.decode() for name in await self._redis.hkeys(self.keys(ref).artifact(ref))]

    async def checkpoint_hash(self, part: str, ref: JobRef) -> dict[bytes, bytes]:
        """A whole part of the graph's checkpoints."""
        return cast("dict[bytes, bytes]", await self._redis.hgetall(self.keys(ref).checkpoint(part, ref)))

    async def drop_checkpoints(self, ref: JobRef, parts: Sequence[str]) -> None:
        await self._redis.unlink(*(self.keys(ref).checkpoint(part, ref) for part in parts))

    async def replay(self, ref: JobRef, after: EventId, count: int) -> Replay:
        """A piece of the journal after an id, and what the record said before and after it was read."""
        record, events = self.keys(ref).job(ref), self.keys(ref).events(ref)
        before, newest, page, later = await self._redis.together(
            ("HGETALL", record),
            ("XREVRANGE", events, "+", "-", "COUNT", 1),
            ("XRANGE", events, f"({after}", "+", "COUNT", count),
            ("HGETALL", record),
        )
        last = event_id(newest[0][0]) if newest else None
        return Replay(record_of(before), last, [_entry(*item) for item in page], record_of(later))

    async def last_event_id(self, ref: JobRef) -> EventId | None:
        """Id of the newest event, or None where there is none."""
        newest = await self._redis.xrevrange(self.keys(ref).events(ref), count=1)
        return event_id(newest[0][0]) if newest else None

    async def oldest_waiting_ms(self, shard: int, kind: JobKind, band: Band) -> int | None:
        """When the oldest job came that no worker was given yet (ms since the epoch); None where there is none."""
        stream = Keyspace(shard).requests(kind, band)
        if not await self._redis.xlen(stream):
            return None
        groups = await self._redis.xinfo_groups(stream)
        delivered = groups[0]["last-delivered-id"].decode() if groups else "0-0"
        waiting = await self._redis.xrange(stream, min=f"({delivered}", count=1)
        return int(waiting[0][0].partition(b"-")[0]) if waiting else None


def record_of(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    """The fields of a record; of a purged one only its fence is left, and that counts as none."""
    return {name.decode(): value.decode() for name, value in raw.items()} if b"state" in raw else {}


async def newest_id(client: Traffic, stream: str) -> str:
    """Id of the last entry ever added to a stream; ``0-0`` where there is no stream."""
    try:
        info = await client.xinfo_stream(stream)
    except REFUSED as error:
        if "no such key" in str(error):
            return "0-0"
        raise
    return str(info["last-generated-id"].decode())


async def oldest_id(client: Traffic, stream: str) -> str | None:
    """Id of the first entry that is still there."""
    first = cast("list[tuple[bytes, Any]]", await client.xrange(stream, count=1))
    return first[0][0].decode() if first else None


async def read_streams(
    client: Traffic, positions: Mapping[str, str], count: int
) -> dict[str, list[tuple[str, dict[bytes, bytes]]]]:
    """Block until one of the streams has entries after its position, at most BLOCK_MS; empty if none came."""
    asked: dict[Any, Any] = dict(positions)
    reply: Any = await client.xread(asked, count=count, block=BLOCK_MS)
    return {name.decode(): [(entry_id.decode(), fields) for entry_id, fields in entries] for name, entries in reply}


def feed_entry(fields: Mapping[bytes, bytes]) -> FeedEntry:
    """An entry of the feed."""
    return FeedEntry(
        ref=JobRef.parse(fields[b"job"].decode()),
        kind=fields[b"kind"].decode(),
        request_id=fields[b"request_id"].decode(),
        event=_entry(fields[b"id"], fields),
    )


def _entry(raw_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    return Entry(event_id(raw_id), fields[b"type"].decode(), int(fields[b"time"]), fields[b"data"])
