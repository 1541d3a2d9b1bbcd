"""Redis dies under load, or comes back without its last writes."""

import asyncio
from pathlib import Path

from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.world import World

_ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")
EVERYSEC_WINDOW_SECONDS = 2.0
"""How long Redis may put a write off while it syncs: acknowledged and only in its memory."""


@fault(
    11, "SIGKILL of Redis under load, AOF everysec and always", server_options=_ALWAYS,
    relaxes="everysec: what was acknowledged in the last 2 s",
)  # fmt: skip
async def kill_redis(world: World) -> None:
    """With AOF always nothing that was acknowledged is lost; jobs go on as soon as it is back."""
    await world.start("gateway", "outline_worker", "document_worker")
    for policy in ("everysec", "always"):
        await world.redis("CONFIG", "SET", "appendfsync", policy)
        jobs = world.requests.mixed(20)
        await asyncio.gather(_submit_slowly(world, jobs), _kill_twice(world, policy))
        await world.settled(*(job for job in jobs if job.id not in world.lost))


async def _submit_slowly(world: World, jobs: list[Job]) -> None:
    for job in jobs:
        await world.submit([job])
        await asyncio.sleep(0.1)


async def _kill_twice(world: World, policy: str) -> None:
    for _ in range(2):
        await asyncio.sleep(world.random.uniform(0.5, 1.0))
        await world.server.stop()
        world.history.note("redis killed", policy=policy)
        if policy == "everysec":
            world.lost |= world.active_since(world.history.now() - EVERYSEC_WINDOW_SECONDS)
        await asyncio.sleep(0.3)
        await world.server.start("--appendonly", "yes", "--appendfsync", policy)


@fault(
    12, "the tail of the AOF is cut off", server_options=_ALWAYS,
    relaxes="jobs acknowledged in the part that was cut off",
)  # fmt: skip
async def truncate(world: World) -> None:
    """The server starts from what is left; what was settled before stays, and clients may ask again for the rest."""
    await world.start("gateway", "outline_worker", "document_worker")
    before = await world.submit(world.requests.mixed(6))
    await world.settled(*before)
    await asyncio.wait(world.following, timeout=5)
    size, at = _aof(world).stat().st_size, world.history.now()
    after = await world.submit(world.requests.mixed(9))
    await asyncio.sleep(0.5)
    await world.server.stop()
    written = _aof(world).stat().st_size
    left = size + (written - size) * world.random.randrange(20, 80) // 100
    world.history.note("cut", was=written, left=left)
    with _aof(world).open("r+b") as file:
        file.truncate(left)
    world.lost |= world.active_since(at)
    world.expect(not {job.id for job in before} & world.lost, "what was done before is not in the lost part")
    await world.server.start(*_ALWAYS)
    await world.submit(after, follow=False)
    await world.settled(*after)
    for job in (*before, *after):
        record = await world.record(job)
        world.expect(record["state"] == "completed", "all is done in the end", job.id, **record)


def _aof(world: World) -> Path:
    """The file that grows."""
    (found,) = world.server.folder.glob("appendonlydir/*.incr.aof")
    return found
