"""Clients that do not read what they are sent."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.redis.attempts import NewEvent
from shared.redis.client import connections
from shared.redis.queues import Fetcher
from shared.redis.store import Store
from shared.settings import RedisSettings
from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.world import Process, World
from tests.support.waiting import eventually

SLOW, HEALTHY = 100, 900
LONG_JOBS = 10
EVENT_CHARACTERS, EVENTS_EACH = 16_000, 40
"""Of each long job: together more than the kernel takes for a client that does not read."""
LIVE_EVENTS, PAUSE_SECONDS = 16, 0.5
MOST_MIB = 250
RESULT = b'{"outline":{"nodes":[]}}'


@fault(20, "100 clients that stop reading, 900 that read", settings={"DRAFTLINE_SLOW_CLIENT_SECONDS": "4"})
async def stop_reading(world: World) -> None:
    """The slow ones are cut, the memory of the gateway is bounded, the others do not wait for them."""
    (gateway,) = await world.start("gateway")
    jobs = await world.submit((world.requests.outline() for _ in range(LONG_JOBS + 1)), follow=False)
    async with _store(world) as store:
        claims = await _claim_all(store, jobs)
        live, *long = (claims[job.id] for job in jobs)
        for claim in long:
            await _append(store, claim, "x" * EVENT_CHARACTERS, range(1, EVENTS_EACH + 1))
        before, lags = _memory_mib(gateway), list[float]()
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(_read(gateway, jobs[0], world, lags)) for _ in range(HEALTHY)]
            await eventually(lambda: _streams(gateway, HEALTHY), seconds=20, every=0.2)
            with ExitStack() as slow:
                for _ in range(SLOW):
                    slow.enter_context(_stalled(gateway, jobs[1:]))
                await eventually(lambda: _streams(gateway, HEALTHY + SLOW), seconds=20, every=0.05)
                for number in range(1, LIVE_EVENTS + 1):
                    await _append(store, live, f"{world.history.now()}", [number])
                    await asyncio.sleep(PAUSE_SECONDS)
                await eventually(lambda: _streams(gateway, HEALTHY), seconds=20, every=0.2)
            grown = _memory_mib(gateway) - before
            await store.attempts.finish(live, LIVE_EVENTS + 1, RESULT, None)
            await asyncio.wait(readers, timeout=20)
        for claim in long:
            await store.attempts.finish(claim, EVENTS_EACH + 1, RESULT, None)
    _judge(world, lags, grown)


def _judge(world: World, lags: list[float], grown: float) -> None:
    world.expect(len(lags) == HEALTHY * LIVE_EVENTS, "healthy clients miss nothing", received=len(lags))
    p99 = sorted(lags)[len(lags) * 99 // 100]
    world.history.note("lag", p99=p99, worst=max(lags), grown_mib=grown)
    world.expect(p99 < 1, "healthy clients hear within a second", p99=p99)
    world.expect(grown < MOST_MIB, "the gateway's memory is bounded", grown_mib=grown)


@asynccontextmanager
async def _store(world: World) -> AsyncIterator[Store]:
    async with connections(RedisSettings(url=SecretStr(world.server.url))) as opened:
        yield Store(opened, 1)


async def _claim_all(store: Store, jobs: Sequence[Job]) -> dict[str, Claim]:
    """By hand, as a worker would."""
    fetched = await store.queues.fetch(0, JobKind.OUTLINE, Fetcher("by-hand-1", 1), 120_000, len(jobs), list(Band))
    return {claim.ref.job_id: claim for claim in fetched.claims}


async def _append(store: Store, claim: Claim, text: str, numbers: Sequence[int]) -> None:
    for number in numbers:
        data = {"section_id": "s1", "revision": 0, "offset": 0, "text": text}
        await store.attempts.append_events(claim, [NewEvent(number, "delta", json.dumps(data).encode())])


async def _read(gateway: Process, job: Job, world: World, lags: list[float]) -> None:
    """A client that reads to the end, and notes how old each text is."""
    address = urlsplit(gateway.api)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(_request(f"{address.path}/jobs/{job.id}/events"))
    try:
        while line := await reader.readline():
            if line.startswith(b"event: "):
                kind = line.split()[1]
                if kind == b"completed":
                    return
            elif line.startswith(b"data: ") and kind == b"delta":
                lags.append(world.history.now() - float(json.loads(line[6:])["data"]["text"]))
    finally:
        writer.close()


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: gateway\r\nAccept: text/event-stream\r\n\r\n".encode()


def _stalled(gateway: Process, jobs: Sequence[Job]) -> socket.socket:
    """A client of all the long jobs that never reads a byte."""
    address = urlsplit(gateway.api)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect((address.hostname, address.port))
    client.sendall(_request(f"{address.path}/events?" + "&".join(f"job_id={job.id}" for job in jobs)))
    return client


async def _streams(gateway: Process, number: int) -> bool:
    """Whether so many streams are open."""
    found = re.search(r"^draftline_sse_connections (\d+)", await gateway.service.metrics(), re.MULTILINE)
    return found is not None and int(found[1]) == number


def _memory_mib(gateway: Process) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{gateway.pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0
