"""A Redis without room: in its memory, or on its disk."""

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.chaos.client import Told
from tests.chaos.jobs import Job
from tests.chaos.registry import NotAtHandError, fault
from tests.chaos.world import World
from tests.support.servers import Server, free_port
from tests.support.waiting import eventually

DISK = "8m"


@fault(17, "maxmemory is reached", relaxes="progress events while full")
async def maxmemory(world: World) -> None:
    """New jobs are refused with 503 and Retry-After, what runs is finished, and all is well once there is room."""
    await world.start("gateway", "document_worker")
    jobs = await _running(world, 4)
    used = int((await world.redis("INFO", "memory"))["used_memory"])
    world.holes = True
    await world.redis("CONFIG", "SET", "maxmemory", str(used - 100_000))
    refused, late = await _until_refused(world, 10)
    world.expect(refused.body.get("code") == "redis_full", "a full Redis takes no new jobs", body=refused.body)
    await world.settled(*jobs, seconds=20)
    for job in jobs:
        record = await world.record(job)
        kept = (record["state"], record["attempt"]) == ("completed", "1")
        world.expect(kept, "running jobs finish on a full server", job.id, **record)
    await world.redis("CONFIG", "SET", "maxmemory", "0")
    await world.submit(late)
    await world.settled(*late)


@fault(18, "the disk of the AOF is full", own_servers=True)
async def full_disk(world: World) -> None:
    """Nothing is accepted that cannot be kept; once there is room, what was accepted goes on."""
    disk = await _small_disk(world)
    world.server = Server("full", world.binary, free_port(), disk)
    await world.server.start("--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0")
    await world.know_scripts()
    _, worker = await world.start("gateway", "document_worker")
    jobs = await _running(world, 3)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for _ in count():
            file.write(bytes(4_096))
    world.history.note("disk full")
    refused, late = await _until_refused(world, 20)
    world.expect(refused.body.get("code") == "redis_unavailable", "what cannot be kept is refused", body=refused.body)
    await asyncio.sleep(3)
    filler.unlink(missing_ok=True)
    await world.submit(late)
    await world.settled(*jobs, *late)
    world.expect(worker.alive, "the worker lives through it")


async def _running(world: World, number: int) -> list[Job]:
    """Jobs of which the first section is written, and the second is being written."""
    jobs = [world.requests.document(2) for _ in range(number)]
    for job in jobs:
        world.model.slow[job.section(2)] = 1.5
    await world.submit(jobs)
    await eventually(lambda: all(world.model.begun(job.marker)[job.section(2)] for job in jobs), seconds=10)
    return jobs


async def _until_refused(world: World, seconds: float) -> tuple[Told, list[Job]]:
    """The first refusal, and the jobs that were asked for; what is sampled may take a moment."""
    asked: list[Job] = []

    def another() -> Iterator[Job]:
        while True:
            asked.append(world.requests.document(1))
            world.jobs[asked[-1].id] = asked[-1]
            yield asked[-1]

    async with asyncio.timeout(seconds):
        for job in another():
            told = await world.clients.submit(job)
            if told.status == 503:
                break
            await asyncio.sleep(0.1)
    world.expect("retry-after" in told.headers, "a refusal says when to come again", body=told.body)
    return told, asked


async def _small_disk(world: World) -> Path:
    """A file system of a few MiB, taken away at the end; raises NotAtHandError."""
    place = world.folder / "disk"
    place.mkdir()
    if status := await _run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)):
        lack = f"a small tmpfs cannot be mounted here: mount ended with {status}"
        raise NotAtHandError(lack)

    async def take_away() -> None:
        await world.server.stop()
        assert await _run("umount", str(place)) == 0

    world.stack.push_async_callback(take_away)
    return place


async def _run(*command: str) -> int:
    """The exit status of a command; 127 where there is none of that name."""
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    except FileNotFoundError:
        return 127
    return await process.wait()
