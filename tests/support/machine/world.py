"""The real scripts on a real server, run one at a time, with every move they make."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from shared.contracts.ids import JobRef
from shared.contracts.states import TERMINAL_STATES, Band, JobKind
from shared.redis.client import Connections
from shared.redis.keys import GROUP
from shared.redis.queues import Overview
from shared.redis.store import Store
from tests.support.board import KEYS
from tests.support.machine.moves import CHANGE_IN_PLACE, MOVES, Move, allowed
from tests.support.machine.queues import HOUR_MS, Event
from tests.support.machine.seen import FAMILIES, NOTHING, Seen, Standing, look, read

JOBS = ("a", "b", "c", "d", "e")
_TIMES = {"created_at", "queued_at", "started_at", "finished_at", "claimed_at", "not_before", "result_expires_at",
    "review_since"}  # fmt: skip
Reply = TypeVar("Reply")


class World:
    """A server, from outside: what the callers of the scripts and the faults do to it, and what is seen then."""

    def __init__(self, runner: asyncio.Runner, connections: Connections) -> None:
        # Not run by the runner, which sets and resets a signal handler for each of these many calls.
        self._loop = runner.get_loop()
        self.redis: Any = connections.commands
        self.store = Store(connections, shards=1)
        self.moves: set[Move] = set()
        """All that were seen so far."""
        self.seen = NOTHING
        self.heard: list[tuple[str, Event]] = []
        """The feed."""

    def empty(self) -> None:
        """Begin anew."""
        self.run(self.redis.flushall())
        self.seen, self.heard = NOTHING, []
        self.look()

    def run(self, call: Coroutine[Any, Any, Reply]) -> Reply:
        return self._loop.run_until_complete(call)

    def act(self, script: str, call: Coroutine[Any, Any, Reply]) -> Reply:
        """Run a script and note the moves it made."""
        self.later()
        reply = self.run(call)
        last, now = self.seen, self.look()
        for name in last.jobs.keys() | now.jobs.keys():
            self._note(script, name, last.standing(name), now.standing(name))
        return reply

    def look(self) -> Seen:
        """See how things are, without a script having run."""
        self.seen = self.run(look(self.redis, JOBS, self.seen))
        self.heard += self.seen.feed
        return self.seen

    def overview(self, kind: JobKind) -> Overview:
        return self.run(self.store.queues.overview(kind))

    def dump(self) -> dict[bytes, tuple[bytes, int]]:
        """Every key with its value and its time of expiry."""
        return self.run(self._dump())

    async def _dump(self) -> dict[bytes, tuple[bytes, int]]:
        keys = sorted(await self.redis.keys())
        commands = [(command, key.decode()) for key in keys for command in ("DUMP", "PEXPIRETIME")]
        values = await read(self.redis, *commands)
        return dict(zip(keys, zip(values[::2], values[1::2], strict=True), strict=True))

    def _note(self, script: str, name: str, last: Standing, now: Standing) -> None:
        (begin, fence, attempt), (end, new_fence, new_attempt) = last, now
        if (begin, fence) == (end, new_fence):
            return
        move = (begin, end, script)
        if move == CHANGE_IN_PLACE:
            assert (new_fence, new_attempt) == (fence + 1, attempt)
            return
        assert allowed(begin, end), f"{name}: {move} is not in TRANSITIONS"
        assert move in MOVES, f"{name}: {move} is no move that a script makes"
        self.moves.add(move)
        cost = MOVES[move]
        counted = 0 if cost.attempt is None else attempt + cost.attempt
        assert (new_fence, new_attempt) == (fence + cost.fence, counted), f"{name}: fence or attempt of {move}"

    def ended(self) -> Counter[str]:
        """How many runs ended how, as the statistics count them."""
        return self.run(self._ended())

    async def _ended(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for key in await self.redis.keys(KEYS.stats(0).removesuffix("0") + "*"):
            for field, number in (await self.redis.hgetall(key)).items():
                kind, band, what, *_ = field.decode().split(":")
                if what in TERMINAL_STATES:
                    counted[f"{kind}:{band}:{what}"] += int(number)
        return counted

    def later(self) -> int:
        """The time of Redis, ms, after that of the last look: jobs of one time stand in the order of their names, so
        two steps must not fall into one."""
        while (now := self.run(self._now())) <= self.seen.now:
            pass
        return now

    async def _now(self) -> int:
        seconds, microseconds = await self.redis.time()
        return int(seconds) * 1_000 + int(microseconds) // 1_000

    def end_lease(self, kind: JobKind, name: str) -> None:
        """As if the lease had run out an hour ago."""
        self.run(self.redis.zadd(KEYS.leases(kind), {str(JobRef(name)): self.later() - HOUR_MS}))

    def add_lease(self, kind: JobKind, name: str) -> None:
        """One more, which ended before all others."""
        self.run(self.redis.zadd(KEYS.leases(kind), {str(JobRef(name)): 1}))

    def delete_entry(self, kind: JobKind, band: Band, name: str) -> None:
        """Out of the stream; it stays pending."""
        self.run(self.redis.xdel(KEYS.requests(kind, band), self.seen.jobs[name].record["entry"]))

    def add_entry(self, kind: JobKind, band: Band, name: str) -> None:
        """One more in the stream, which no record names."""
        self.run(self.redis.xadd(KEYS.requests(kind, band), {"id": str(JobRef(name))}))

    def delete_place(self, kind: JobKind, what: str, name: str) -> None:
        """Out of the leases, or else out of the schedule."""
        key = KEYS.leases(kind) if what == "lease" else KEYS.delayed(kind)
        self.run(self.redis.zrem(key, str(JobRef(name))))

    def destroy_group(self, kind: JobKind, band: Band) -> None:
        """Without the group nothing is pending any more."""
        if self.run(self.redis.exists(KEYS.requests(kind, band))):
            self.run(self.redis.xgroup_destroy(KEYS.requests(kind, band), GROUP))

    def jump(self, ms: int) -> None:
        """The clock of Redis jumps: everything that was written down lies further back, or ahead, by so much."""
        self.run(self._jump(ms))

    async def _jump(self, ms: int) -> None:
        async with asyncio.TaskGroup() as group:
            for kind, queues in self.seen.kinds.items():
                for key, places in ((KEYS.leases(kind), queues.leases), (KEYS.delayed(kind), queues.delayed)):
                    for name in places:
                        group.create_task(self.redis.zincrby(key, -ms, str(JobRef(name))))
            for name, job in self.seen.jobs.items():
                for time in [time for time in _TIMES if job.record.get(time)]:
                    group.create_task(self.redis.hincrby(KEYS.job(JobRef(name)), time, -ms))

    def write(self, name: str, fields: dict[str, str | int]) -> None:
        """Into the record, by hand."""
        self.run(self.redis.hset(KEYS.job(JobRef(name)), mapping=fields))

    def omit(self, name: str, fields: Iterable[str]) -> None:
        """Out of the record, by hand."""
        self.run(self.redis.hdel(KEYS.job(JobRef(name)), *fields))

    def forget(self, name: str, families: Iterable[str]) -> None:
        """Delete keys of a job, as their TTLs would."""
        keys = [FAMILIES[family](JobRef(name)) for family in families]
        self.run(self.redis.unlink(*keys))
