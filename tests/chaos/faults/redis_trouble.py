"""A Redis that loads, forgets, or has lost its groups."""

import asyncio

from shared.contracts.ids import JobRef
from shared.contracts.states import Band, JobKind
from shared.redis.keys import GROUP
from tests.chaos.client import Told
from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.state import KEYS
from tests.chaos.world import World
from tests.support.waiting import eventually

STREAM = KEYS.requests(JobKind.DOCUMENT, Band.DEFAULT)
_AOF = ("--appendonly", "yes", "--appendfsync", "always")
_SLOW_LOAD = ("--key-load-delay", "150")


@fault(
    13, "LOADING, FLUSHALL, a dropped group", server_options=_AOF,
    relaxes="after FLUSHALL all jobs that were there",
)  # fmt: skip
async def loading_flushed_dropped(world: World) -> None:
    """503 with Retry-After while it lasts; afterwards all goes on, and nothing runs twice."""
    _, worker = await world.start("gateway", "document_worker")
    await _dropped_group(world)
    await _stray_entry(world)
    await _loading(world)
    await _flushed(world)
    world.expect(worker.alive, "the worker lives through it all")


async def _dropped_group(world: World) -> None:
    """With jobs waiting and running, and one scheduled for its second attempt."""
    world.model.latency = 0.8
    jobs = await world.submit([world.requests.document(1) for _ in range(4)])
    await eventually(lambda: all(world.model.begun(job.marker) for job in jobs), seconds=10)
    await world.redis("XGROUP", "DESTROY", STREAM, GROUP)
    more = await world.submit([world.requests.document(1) for _ in range(2)])
    await world.settled(*jobs, *more)
    for job in (*jobs, *more):
        calls = world.model.begun(job.marker)
        world.expect(calls == {job.section(1): 1}, "a group made anew runs nothing twice", job.id, calls=calls)
    world.model.latency = 0.1


async def _stray_entry(world: World) -> None:
    """A waiting job's record is lost, the client asks again, then the group is lost: two entries, one job."""
    await world.clients.call("POST", "/queues/document/pause")
    job = world.requests.document(1)
    await world.submit([job], follow=False)
    await world.redis("DEL", KEYS.job(JobRef(job.id)))
    await world.clients.accepted(job)
    world.expect(int(await world.redis("XLEN", STREAM)) == 2, "the old entry is still there", job.id)
    await world.redis("XGROUP", "DESTROY", STREAM, GROUP)
    await world.clients.call("POST", "/queues/document/resume")
    await world.settled(job)
    world.expect(int(await world.redis("XLEN", STREAM)) == 0, "an entry no record names is dropped", job.id)


async def _loading(world: World) -> None:
    """A restart with a large append-only file: jobs are refused for now, and none is forgotten."""
    job = world.requests.document(1)
    world.model.slow[job.section(1)] = 2.0
    await world.submit([job])
    for _ in range(8):
        await world.redis("EVAL", "for i = 1, 2000 do redis.call('SET', KEYS[1], i) end", "1", "filler")
    await world.redis("DEL", "filler")
    await world.server.stop()
    late = world.requests.document(1)
    world.jobs[late.id] = late
    told: list[Told] = []

    async def ask() -> None:
        while not told or told[-1].phase != "ok":
            told.append(await world.clients.submit(late))
            await asyncio.sleep(0.1)

    _, _, loaded = await asyncio.gather(world.server.start(*_AOF, *_SLOW_LOAD), ask(), _says_loading(world))
    world.expect(loaded, "Redis took a while to load")
    refused = [answer for answer in told if answer.phase != "ok"]
    world.expect(bool(refused), "requests came while it loaded")
    for answer in refused:
        kept = answer.status == 503 and "retry-after" in answer.headers
        world.expect(kept, "503 and Retry-After while Redis loads", late.id, status=answer.status, body=answer.body)
    await world.settled(job, late)


async def _says_loading(world: World) -> bool:
    """Whether the server answers with LOADING before it answers at all."""
    said = b""
    async with asyncio.timeout(20):
        while not said:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
                writer.write(b"PING\r\n")
                said = await reader.readline()
                writer.close()
            except OSError:
                await asyncio.sleep(0.02)
    return said.startswith(b"-LOADING")


async def _flushed(world: World) -> None:
    """Everything is forgotten while jobs wait and run; new ones are taken as if nothing had been."""
    lost = [world.requests.document(1) for _ in range(3)]
    world.model.slow.update({each.section(1): 1.0 for each in lost})
    await world.submit(lost, follow=False)
    await eventually(lambda: any(world.model.begun(each.marker) for each in lost), seconds=10)
    world.history.note("flushall")
    await world.redis("FLUSHALL")
    world.lost.update(world.jobs)
    jobs = await world.submit([world.requests.document(1) for _ in range(4)])
    await world.settled(*jobs)
    await _all_completed(world, jobs)


async def _all_completed(world: World, jobs: list[Job]) -> None:
    for job in jobs:
        record = await world.record(job)
        world.expect(record["state"] == "completed", "new jobs run to their end", job.id, **record)
