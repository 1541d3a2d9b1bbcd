"""One server, one model, processes with a proxy each before Redis, and clients that write a history."""

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from shared.contracts.ids import JobRef
from shared.redis import lua_source
from shared.redis.lua_source import source
from tests.chaos.client import Client
from tests.chaos.history import History
from tests.chaos.invariants import View, Violation, check
from tests.chaos.jobs import Job, Requests
from tests.chaos.registry import Fault
from tests.chaos.state import KEYS, client, look, resting
from tests.chaos.stub_model import StubModel
from tests.support.machine.mutants import Mutant
from tests.support.processes import Fleet, Service, fleet
from tests.support.proxy import Command, Proxy
from tests.support.servers import Server, free_port, running
from tests.support.waiting import eventually

LEASE_SECONDS = 2.0
LUA = Path(lua_source.__file__).with_name("lua")
REST_SECONDS = 50.0
_SETTINGS = {
    "DRAFTLINE_LEASE_SECONDS": str(LEASE_SECONDS),
    "DRAFTLINE_POLL_SECONDS": "1",
    "DRAFTLINE_GRACE_SECONDS": "5",
    "DRAFTLINE_BACKOFF_BASE_SECONDS": "0.2",
    "DRAFTLINE_BACKOFF_CAP_SECONDS": "2",
    "DRAFTLINE_SAMPLE_SECONDS": "1",
}


@dataclass(slots=True)
class Process:
    """A service and its way to Redis."""

    service: Service
    link: Proxy
    api: str = ""
    """Of a gateway."""

    @property
    def pid(self) -> int:
        return self.service.process.pid

    @property
    def alive(self) -> bool:
        return self.service.process.returncode is None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; do not wait."""
        if self.alive:
            # Not by the process object, which would look for its end first and take it from under the loop.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def log(self) -> str:
        return self.service.log.read_text()


@dataclass(slots=True)
class World:
    """What a fault acts on."""

    seed: int
    binary: Path
    server: Server
    folder: Path
    fleet: Fleet
    model: StubModel
    history: History
    tasks: asyncio.TaskGroup
    guard: Mutant | None = None
    """The guard that the scripts of all processes lack."""
    old: str = ""
    """The commit whose services stand for an earlier version; empty for the one before the last change."""
    processes: list[Process] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    broken: list[Violation] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    """Accepted jobs that the fault is documented to lose."""
    forgiven: set[str] = field(default_factory=set)
    """Jobs of which clients may have seen what is documented to be lost."""
    holes: bool = False
    clients: Client = field(init=False)
    random: Random = field(init=False)
    requests: Requests = field(init=False)
    following: list[asyncio.Task[None]] = field(default_factory=list)
    preferred: Process | None = None
    """The gateway clients use while it lives; else all by turns."""
    direct: dict[str, str] | None = None
    """Where Redis is, for services that are to have no proxy before it."""
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.requests = Requests(Random(self.seed + 1))
        self.clients = Client(self.history, self._gateways)
        if self.guard is not None:
            self.fleet.launch = ("-m", "tests.chaos.mutated", self.guard.name)

    async def start(self, *names: str, python: str = sys.executable, **settings: str) -> list[Process]:
        """Start services side by side, each with a link of its own; returns once all are ready."""
        started = list(await asyncio.gather(*(self._start(name, python, settings) for name in names)))
        self.processes += started
        return started

    async def _start(self, name: str, python: str, settings: dict[str, str]) -> Process:
        link = await self.stack.enter_async_context(Proxy(self.server.port, self.seed))
        port = free_port()
        where = {"REDIS_URL": link.url} if self.direct is None else self.direct
        service = await self.fleet.start(name, python=python, **{**where, "PORT": str(port), **settings})
        api = f"http://127.0.0.1:{port}/api/v1" if "gateway" in name else ""
        return Process(service, link, api)

    def _gateways(self) -> list[str]:
        if self.preferred is not None and self.preferred.alive:
            return [self.preferred.api]
        found = [process.api for process in self.processes if process.api and process.alive]
        return found or [process.api for process in self.processes if process.api][-1:]

    def workers(self) -> list[Process]:
        """Those that live."""
        return [process for process in self.processes if not process.api and process.alive]

    async def submit(self, jobs: Iterable[Job], *, follow: bool = True) -> list[Job]:
        """Have jobs accepted, some at once, and follow them."""
        wanted = list(jobs)
        self.jobs.update({job.id: job for job in wanted})
        gate = asyncio.Semaphore(8)

        async def ask(job: Job) -> None:
            async with gate:
                await self.clients.accepted(job)

        await asyncio.gather(*map(ask, wanted))
        if follow:
            for job in wanted:
                self.follow(job)
        return wanted

    def follow(self, job: Job) -> None:
        """Follow a job in the background."""
        self.following.append(self.tasks.create_task(self.clients.follow(job.id)))

    def script(self, name: str, about: Job | None = None, *, naming: bytes = b"") -> Callable[[Command], bool]:
        """Matches calls of one of the scripts that the processes run: about a job, with an argument."""
        text = self.text_of(name).encode()
        ours = {text, hashlib.sha1(text).hexdigest().encode()}
        wanted = about.id.encode() if about is not None else b""

        def matches(command: Command) -> bool:
            if command[0].upper() not in {b"EVALSHA", b"EVAL"} or command[1] not in ours:
                return False
            return any(wanted in part for part in command) and (not naming or naming in command)

        return matches

    def text_of(self, name: str) -> str:
        """A script as the processes run it."""
        return source(name) if self.guard is None else self.guard.source(name)

    async def know_scripts(self) -> None:
        """Make the scripts known to the server, so that each of their calls is one command."""
        for path in LUA.glob("*.lua"):
            if path.read_text().startswith("#!lua"):
                await self.redis("SCRIPT", "LOAD", self.text_of(path.stem))

    def expect(self, kept: bool, promise: str, job: str = "", **evidence: object) -> None:
        """Note a promise of the fault's own that was not kept."""
        if not kept:
            self.broken.append(Violation("promise", job, f"{promise} {evidence or ''}".strip()))

    async def record(self, job: Job) -> dict[str, str]:
        """What Redis has of a job now; empty where it has nothing."""
        async with client(self.server.port) as redis:
            found: dict[str, str] = await redis.hgetall(KEYS.job(JobRef(job.id)))
            return found

    async def redis(self, *command: str) -> Any:
        """One command to the server itself."""
        async with client(self.server.port) as redis:
            return await redis.execute_command(*command)

    async def state_is(self, job: Job, *states: str, seconds: float = 20) -> dict[str, str]:
        """The record once the job is in one of these states."""
        found: dict[str, str] = {}

        async def reached() -> bool:
            nonlocal found
            found = await self.record(job)
            return found.get("state") in states

        await eventually(reached, seconds=seconds, every=0.05)
        return found

    async def stored(self, job: Job, field: str, seconds: float = 10) -> None:
        """Wait until a piece of a job's work is there."""
        key = KEYS.artifact(JobRef(job.id))

        async def there() -> bool:
            return bool(await self.redis("HEXISTS", key, field))

        await eventually(there, seconds=seconds)

    async def settled(self, *jobs: Job, seconds: float = 40) -> None:
        """Wait until jobs have ended."""
        for job in jobs:
            await self.state_is(job, "completed", "failed", "cancelled", seconds=seconds)

    def active_since(self, at: float) -> set[str]:
        """Jobs that clients heard anything of since a time of the history."""
        return {entry.job for entry in self.history.entries if entry.at >= at and entry.phase in {"ok", "event"}}

    async def rest(self, seconds: float = REST_SECONDS) -> None:
        """Heal every link, and wait until all is done and all followers have read to the end."""
        for process in self.processes:
            process.link.heal()
        await eventually(lambda: resting(self.server.port), seconds=seconds, every=0.2)
        if self.following:
            _, late = await asyncio.wait(self.following, timeout=15)
            for task in late:
                task.cancel()
            self.expect(not late, "followers read to the end", late=len(late))

    async def judge(self) -> list[Violation]:
        """Everything that is not as promised."""
        state = await look(self.server.port)
        view = View(
            self.history, state, self.jobs, self.model.texts(), self.model.mixed,
            frozenset(self.lost), frozenset(self.forgiven | self.lost), self.holes,
        )  # fmt: skip
        return self.broken + check(view)


@asynccontextmanager
async def new_world(
    fault: Fault, server: tuple[str, Path], seed: int, guard: Mutant | None, old: str = ""
) -> AsyncIterator[World]:
    """The world of one run of one fault."""
    name, binary = server
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="draftline-chaos-")))
        if fault.own_servers:
            started = Server(name, binary, free_port(), folder)
            stack.push_async_callback(started.stop)
        else:
            started = await stack.enter_async_context(running(name, binary, *fault.server_options))
        model = await stack.enter_async_context(StubModel())
        settings = {**_SETTINGS, **fault.settings}
        processes = await stack.enter_async_context(fleet(started.url, model.url, folder, **settings))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        world = World(seed, binary, started, folder, processes, model, History(seed), tasks, guard, old)
        await stack.enter_async_context(world.stack)
        await stack.enter_async_context(world.clients)
        if not fault.own_servers:
            await world.know_scripts()
        try:
            yield world
        finally:
            for task in world.following:
                task.cancel()
