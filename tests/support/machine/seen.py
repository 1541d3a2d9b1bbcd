"""Everything the scripts left in Redis, read at once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Any

from shared.contracts.ids import DEFAULT_TENANT, JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.keys import GROUP
from tests.support.board import KEYS
from tests.support.machine.moves import NOWHERE
from tests.support.machine.queues import Event

Standing = tuple[str, int, int]
"""State, fence and attempt of a job."""
FAMILIES: dict[str, Callable[[JobRef], str]] = {
    "job": KEYS.job,
    "events": KEYS.events,
    "payload": KEYS.payload,
    "job_result": KEYS.result,
    "artifact": KEYS.artifact,
    "checkpoint:heads": partial(KEYS.checkpoint, "heads"),
    "checkpoint:blobs": partial(KEYS.checkpoint, "blobs"),
    "checkpoint:writes": partial(KEYS.checkpoint, "writes"),
}
"""The keys of a job."""


@dataclass(frozen=True, slots=True)
class SeenJob:
    """The keys of one job."""

    record: dict[str, str]
    journal: list[Event]
    artifact: dict[str, str]
    heads: dict[str, str]
    writes: dict[str, str]
    result: dict[str, Any] | None
    ttls: dict[str, int]
    """By family; -1 where a key has none."""

    @property
    def phase(self) -> str:
        """The kind whose queues it is in; a record from before there were phases has none."""
        return self.record.get("phase") or self.record["kind"]


@dataclass(frozen=True, slots=True)
class SeenKind:
    """The queues of one kind: names of jobs, with scores or entry ids."""

    leases: dict[str, float]
    delayed: dict[str, float]
    counts: dict[str, str]
    streams: dict[Band, list[tuple[str, str]]]
    pending: dict[Band, list[str]]
    dead: dict[Band, set[str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One moment."""

    jobs: dict[str, SeenJob]
    fences: dict[str, int]
    """Those that purged jobs left."""
    left: dict[str, dict[str, int]]
    """The TTLs of keys without a record, by job and family."""
    kinds: dict[JobKind, SeenKind]
    index: set[str]
    paused: set[str]
    feed: list[tuple[str, Event]]
    """What came since the last look."""
    feed_end: str
    now: int
    """By the clock of Redis, ms."""

    def standing(self, name: str) -> Standing:
        """Of a job that there is, or was, or was never."""
        if name not in self.jobs:
            return NOWHERE, self.fences.get(name, 0), 0
        record = self.jobs[name].record
        return record["state"], int(record["fence"]), int(record["attempt"])


NOTHING = Seen({}, {}, {}, {}, set(), set(), [], "0-0", 0)


async def read(redis: Any, *commands: tuple[str, ...]) -> list[Any]:
    """The replies to several reads, of one moment; None for one that is refused."""
    return list(await redis.eval(_READ, 0, *map(_encoded, commands)))


_encoded = lru_cache(maxsize=1_000)(json.dumps)
_READ = """#!lua flags=no-writes
local replies = {}
for place, command in ipairs(ARGV) do
  local reply = redis.pcall(unpack(cjson.decode(command)))
  replies[place] = (type(reply) ~= 'table' or not reply.err) and reply
end
return replies
"""


async def look(redis: Any, names: Sequence[str], last: Seen) -> Seen:
    """Read the keys of some jobs, all queues, and the feed from where the last look ended."""
    asked = [command for name in names for command in _of_job(JobRef(name))]
    asked += [command for kind in JobKind for command in _of_kind(kind)]
    asked += [("ZRANGE", KEYS.index(DEFAULT_TENANT), "0", "-1"), ("HKEYS", KEYS.paused)]
    asked += [("XRANGE", KEYS.feed, f"({last.feed_end}", "+"), ("TIME",)]
    replies = iter(await read(redis, *asked))
    jobs = {name: _job(replies) for name in names}
    kinds = {kind: _kind(replies) for kind in JobKind}
    index, paused, feed, (seconds, microseconds) = replies
    return Seen(
        jobs={name: job for name, job in jobs.items() if "state" in job.record},
        fences={name: int(job.record["fence"]) for name, job in jobs.items() if job.record.keys() == {"fence"}},
        left={name: job.ttls for name, job in jobs.items() if "state" not in job.record},
        kinds=kinds,
        index={_name(raw) for raw in index},
        paused={raw.decode() for raw in paused},
        feed=[_heard(_texts(fields)) for _, fields in feed],
        feed_end=feed[-1][0].decode() if feed else last.feed_end,
        now=int(seconds) * 1000 + int(microseconds) // 1000,
    )


def _of_job(ref: JobRef) -> list[tuple[str, ...]]:
    hashes = [
        ("HGETALL", FAMILIES[family](ref)) for family in ("job", "artifact", "checkpoint:heads", "checkpoint:writes")
    ]
    journal, result = ("XRANGE", KEYS.events(ref), "-", "+"), ("GET", KEYS.result(ref))
    return [*hashes, journal, result, *(("TTL", key(ref)) for key in FAMILIES.values())]


def _job(replies: Iterator[Any]) -> SeenJob:
    record, artifact, heads, writes = [_texts(next(replies)) for _ in range(4)]
    journal, result = next(replies), next(replies)
    ttls = {family: ttl for family, ttl in zip(FAMILIES, islice(replies, len(FAMILIES)), strict=True) if ttl != -2}
    return SeenJob(
        record=record,
        journal=[_event(entry_id.decode(), _texts(fields)) for entry_id, fields in journal],
        artifact=artifact,
        heads=heads,
        writes=writes,
        result=None if result is None else json.loads(result),
        ttls=ttls,
    )


def _of_kind(kind: JobKind) -> list[tuple[str, ...]]:
    scores = [("ZRANGE", key, "0", "-1", "WITHSCORES") for key in (KEYS.leases(kind), KEYS.delayed(kind))]
    streams = [KEYS.requests(kind, band) for band in Band]
    return [
        *scores,
        ("HGETALL", KEYS.counts(kind)),
        *(("XRANGE", stream, "-", "+") for stream in streams),
        *(("XPENDING", stream, GROUP, "-", "+", "1000") for stream in streams),
        *(("ZRANGE", KEYS.dead(kind, band), "0", "-1") for band in Band),
    ]


def _kind(replies: Iterator[Any]) -> SeenKind:
    leases, delayed = [
        {_name(name.encode()): float(score) for name, score in _texts(next(replies)).items()} for _ in range(2)
    ]
    return SeenKind(
        leases=leases,
        delayed=delayed,
        counts=_texts(next(replies)),
        streams={band: [(entry_id.decode(), _name(fields[1])) for entry_id, fields in next(replies)] for band in Band},
        # Refused where there is no group: then nothing was given to anyone.
        pending={band: [given[0].decode() for given in next(replies) or []] for band in Band},
        dead={band: {_name(raw) for raw in next(replies)} for band in Band},
    )


def _name(raw: bytes) -> str:
    return JobRef.parse(raw.decode()).job_id


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    """The pairs of a flat reply."""
    texts = [raw.decode() for raw in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _heard(fields: dict[str, str]) -> tuple[str, Event]:
    return JobRef.parse(fields["job"]).job_id, _event(fields["id"], fields)


def _event(event_id: str, fields: dict[str, str]) -> Event:
    return event_id, fields["type"], _detail(fields["type"], json.loads(fields["data"]))


def _detail(kind: str, data: dict[str, Any]) -> object:
    """What the model knows of an event's data."""
    match kind:
        case "queued":
            return data["reason"]
        case "started":
            return data["attempt"], data["worker"]
        case "progress":
            return data["percent"]
        case "section":
            return float(data["title"])
        case "retrying" | "failed":
            return data["error"]["code"]
        case "completed":
            return data["result"]["by"]
        case "outline_ready":
            return data["version"], data["awaiting_review"]
        case "outline_changed":
            return data["version"]
        case _:
            return None
