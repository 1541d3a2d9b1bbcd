"""Everything Redis holds, read at once when nothing moves."""

import inspect
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import redis.asyncio as aioredis

from shared.contracts.ids import JobRef
from shared.contracts.outline import Outline
from shared.contracts.outline_versions import OutlineVersion, version_of
from shared.contracts.states import Band, JobKind
from shared.redis.keys import GROUP, SHARDS_KEY, Keyspace

KEYS = Keyspace(0)
ENDS = frozenset({"completed", "failed", "cancelled"})
_RECORD = KEYS.job(JobRef("0ref0")).removesuffix("0ref0")
PARTS = ("heads", "blobs", "writes")


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of a journal."""

    id: str
    type: str
    data: dict[str, Any]

    @property
    def place(self) -> tuple[int, int]:
        """Fence and number."""
        return place_of(self.id)


@dataclass(frozen=True, slots=True)
class JobState:
    """All there is of one job."""

    record: dict[str, str]
    journal: list[Event]
    payload: str
    result: dict[str, Any] | None
    work: dict[str, str]
    """The artifacts."""

    def runs(self) -> list[list[Event]]:
        """The journal, run by run."""
        found: list[list[Event]] = [[]]
        for event in self.journal:
            if event.type == "queued" and event.data["reason"] == "retried":
                found.append([])
            found[-1].append(event)
        return found

    def outlines(self) -> dict[int, Outline]:
        """The versions of its outline that are kept."""
        versions = {version: text for name, text in self.work.items() if (version := version_of(name)) is not None}
        return {version: OutlineVersion.model_validate_json(text).outline for version, text in versions.items()}


def stages(run: list[Event]) -> list[list[Event]]:
    """A run, cut where it was handed over from those who plan to those who write."""
    cut = [position for position, event in enumerate(run, 1) if event.type == "outline_ready"]
    return [run[start:end] for start, end in pairwise([0, *cut, len(run)])]


@dataclass(frozen=True, slots=True)
class Queue:
    """A request stream and its group."""

    length: int
    pending: int
    consumers: list[str]


@dataclass(frozen=True, slots=True)
class State:
    """A server at rest."""

    jobs: dict[str, JobState] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    """Members of leases and schedules."""
    dead: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    ended: int = 0
    """Ends that the statistics count."""
    ttls: dict[str, int] = field(default_factory=dict)
    """Every key with its TTL, -1 for none."""


def place_of(event_id: str) -> tuple[int, int]:
    """Fence and number of an event."""
    fence, _, number = event_id.partition("-")
    return int(fence), int(number)


def _families() -> Iterator[str]:
    placeholders = {"ref": JobRef("0ref0"), "tenant": "default", "minute": 0, "name": "0name0", "part": "0part0"}
    keyspace: Any = KEYS
    for name, member in vars(Keyspace).items():
        if name.startswith("_") or name in {"shard", "script_keys"}:
            continue
        if isinstance(member, property):
            yield getattr(keyspace, name)
            continue
        wanted = list(inspect.signature(member).parameters)[1:]
        for kind in JobKind if "kind" in wanted else [None]:
            for band in Band if "band" in wanted else [None]:
                given = {**placeholders, "kind": kind, "band": band}
                yield getattr(keyspace, name)(*(given[argument] for argument in wanted))


def known_keys() -> re.Pattern[str]:
    """Matches the keys that Keyspace can spell, of the one tenant and shard 0."""
    patterns = [re.escape(SHARDS_KEY)]
    for key in _families():
        pattern = re.escape(key).replace("0ref0", r"[^:/]+").replace("0name0", r"[^:]+")
        patterns.append(pattern.replace("0part0", f"(?:{'|'.join(PARTS)})").replace("stats:0", r"stats:\d+"))
    return re.compile("|".join(patterns))


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Any]:
    """A plain client of a local server."""
    opened: Any = aioredis.Redis(
        port=port, socket_timeout=10, decode_responses=True, encoding_errors="backslashreplace"
    )
    try:
        yield opened
    finally:
        await opened.aclose()


async def look(port: int) -> State:
    """Read all of a server."""
    async with client(port) as redis:
        ttls = {key: await redis.ttl(key) async for key in redis.scan_iter(count=1000)}
        state = State(ttls=ttls, ended=await _ended(redis, ttls))
        for key in ttls:
            name = key.removeprefix(_RECORD)
            if name != key and await redis.hexists(key, "state"):
                state.jobs[name] = await _job(redis, JobRef(name))
        for kind in JobKind:
            for band in Band:
                if (stream := KEYS.requests(kind, band)) in ttls:
                    state.queues[stream] = await _queue(redis, stream)
                state.dead.update(_names(await redis.zrange(KEYS.dead(kind, band), 0, -1)))
            for key in (KEYS.leases(kind), KEYS.delayed(kind)):
                state.places[key] = await redis.zrange(key, 0, -1)
            counts = await redis.hgetall(KEYS.counts(kind))
            state.counts.update({f"{kind}:{name}": int(value) for name, value in counts.items()})
        return state


def _names(members: list[str]) -> list[str]:
    return [member.partition("/")[2] for member in members]


async def _job(redis: Any, ref: JobRef) -> JobState:
    journal = [
        Event(name, fields["type"], json.loads(fields["data"])) for name, fields in await redis.xrange(KEYS.events(ref))
    ]
    result = await redis.get(KEYS.result(ref))
    return JobState(
        await redis.hgetall(KEYS.job(ref)),
        journal,
        await redis.get(KEYS.payload(ref)) or "",
        json.loads(result) if result is not None else None,
        await redis.hgetall(KEYS.artifact(ref)),
    )


async def _queue(redis: Any, stream: str) -> Queue:
    groups = await redis.xinfo_groups(stream)
    pending = sum(group["pending"] for group in groups)
    names = [group["name"] for group in groups if group["name"] != GROUP]
    consumers = [each["name"] for each in await redis.xinfo_consumers(stream, GROUP)] if groups else []
    return Queue(await redis.xlen(stream), pending, names + consumers)


async def _ended(redis: Any, keys: dict[str, int]) -> int:
    total = 0
    for key in keys:
        if "}:stats:" in key:
            fields = await redis.hgetall(key)
            # <kind>:<band>:<what>, perhaps with a bucket after it.
            total += sum(int(value) for name, value in fields.items() if name.split(":")[2] in ENDS)
    return total


async def resting(port: int) -> bool:
    """Whether nothing waits, be it for a person, and nothing runs or is scheduled."""
    async with client(port) as redis:
        for kind in JobKind:
            for band in Band:
                if await redis.xlen(KEYS.requests(kind, band)):
                    return False
            if await redis.exists(KEYS.leases(kind), KEYS.delayed(kind)):
                return False
            counts = await redis.hgetall(KEYS.counts(kind))
            if any(int(value) for name, value in counts.items() if name.startswith("awaiting_review:")):
                return False
    return True
