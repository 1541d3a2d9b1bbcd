"""Events as they are stored, in a job's journal and in the feed, and reads of streams."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from shared.contracts.ids import EventId, JobRef
from shared.redis.client import BLOCK_MS
from shared.redis.failures import REFUSED
from shared.redis.traffic import Traffic


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


def event_id(raw: bytes) -> EventId:
    """A stream id of a journal as an event id."""
    fence, _, seq = raw.partition(b"-")
    return EventId(int(fence), int(seq))


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
    client: Traffic, positions: Mapping[str, str], count: int, block_ms: int = BLOCK_MS
) -> dict[str, list[tuple[str, dict[bytes, bytes]]]]:
    """Block until one of the streams has entries after its position, at most ``block_ms``; empty if none came."""
    asked: dict[Any, Any] = dict(positions)
    reply: Any = await client.xread(asked, count=count, block=block_ms)
    return {name.decode(): [(entry_id.decode(), fields) for entry_id, fields in entries] for name, entries in reply}


def feed_entry(fields: Mapping[bytes, bytes]) -> FeedEntry:
    """An entry of the feed."""
    return FeedEntry(
        ref=JobRef.parse(fields[b"job"].decode()),
        kind=fields[b"kind"].decode(),
        request_id=fields[b"request_id"].decode(),
        event=entry(fields[b"id"], fields),
    )


def entry(raw_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """An entry of a journal or the feed by its id and fields."""
    return Entry(event_id(raw_id), fields[b"type"].decode(), int(fields[b"time"]), fields[b"data"])
