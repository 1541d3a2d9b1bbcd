"""The master dies, is cut off from its replicas, or is frozen, and another one takes its place."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.chaos.client import Told
from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.world import Process, World
from tests.support.replication import SentinelSetup, Timing, sentinel_setup
from tests.support.servers import Server, free_port
from tests.support.waiting import eventually

RESUMED_SECONDS = 10.0
SIGHT_SECONDS = 2.0
"""Before the end of a master: what clients saw of jobs then, no replica may know."""
REPLICATED = {"DRAFTLINE_DURABILITY": "replicated"}
_LOST_SIGHT = "of workers' writes, what no replica had; no 202"


async def _set_up(world: World, *, proxied: bool = False, replicas: int = 1) -> SentinelSetup:
    """A master under Sentinels instead of the one server, with the services pointed at it."""
    # A new master that forks for its replicas may be silent for a second: that is no reason to replace it, too.
    timing = Timing(failover=30.0) if proxied else Timing(down_after=2.0)
    setup = await world.stack.enter_async_context(
        sentinel_setup(world.binary, replicas=replicas, proxied=proxied, timing=timing)
    )
    world.server, world.direct = setup.servers[0], setup.environment
    return setup


async def _take_over(world: World, setup: SentinelSetup, old: Server) -> None:
    """Wait for the new master; what clients saw of jobs shortly before may be undone."""
    world.forgiven |= world.active_since(world.history.now() - SIGHT_SECONDS)
    world.history.note("master gone")
    world.server = await setup.promoted(old)
    world.forgiven |= world.active_since(world.history.now() - 2 * SIGHT_SECONDS)
    world.history.note("master", port=world.server.port)


async def _under_load(world: World, jobs: Sequence[Job], every: float = 0.1) -> None:
    for job in jobs:
        await world.submit([job])
        await asyncio.sleep(every)


@fault(14, "Sentinel: the master is killed under load", own_servers=True, relaxes=_LOST_SIGHT, settings=REPLICATED)
async def kill_master(world: World) -> None:
    """A 202 that a replica confirmed stays; requests and jobs go on within ten seconds."""
    setup = await _set_up(world, replicas=2)
    await world.start("gateway", "outline_worker", "document_worker")
    jobs = world.requests.mixed(40)

    async def kill() -> None:
        await asyncio.sleep(1.5)
        begun = world.history.now()
        old = await setup.kill_master()
        await _take_over(world, setup, old)
        await eventually(lambda: _accepted_since(world, begun + 1.2), seconds=30)
        took = world.history.now() - begun
        world.expect(took < RESUMED_SECONDS, "requests are accepted again within 10 s", seconds=took)

    await asyncio.gather(_under_load(world, jobs), kill())
    await world.settled(*jobs)


def _accepted_since(world: World, at: float) -> bool:
    return any(entry.at > at for entry in world.history.told("submit"))


@fault(
    15, "replication falls silent, then the master is killed", own_servers=True, settings=REPLICATED,
    relaxes="with DRAFTLINE_DURABILITY=local the jobs accepted in the gap",
)  # fmt: skip
async def silent_replication(world: World) -> None:
    """What no replica confirmed is answered with 503; asked again after the failover, it is accepted once."""
    setup = await _set_up(world, proxied=True)
    careful, *_ = await world.start("gateway", "outline_worker", "document_worker")
    (careless,) = await world.start("gateway", DRAFTLINE_DURABILITY="local")
    safe = [world.requests.document(1) for _ in range(4)]
    await _via(world, careful, safe)
    await world.settled(*safe)
    await asyncio.wait([*world.following], timeout=5)
    for link in setup.links:
        link.black_hole()
    unconfirmed = world.requests.mixed(3)
    # The second time they are there, and a replica still is not.
    for told in await _via(world, careful, [*unconfirmed, *unconfirmed], once=True):
        code = (told.status, told.body.get("code"))
        world.expect(code == (503, "durability_unconfirmed"), "no replica, no 202", answer=code)
        world.expect("retry-after" in told.headers, "a refusal says when to come again", answer=code)
    gone = [world.requests.document(1) for _ in range(3)]
    await _via(world, careless, gone, once=True)
    world.lost.update(job.id for job in gone)
    old = await setup.kill_master()
    await _take_over(world, setup, old)
    world.preferred = careful
    # The new master has no replica yet: with one again, a 202 is to be had.
    await world.stack.enter_async_context(_replica(world))
    await world.submit([*unconfirmed, *gone], follow=False)
    await world.settled(*unconfirmed, *gone)
    for job in (*safe, *unconfirmed, *gone):
        record = await world.record(job)
        world.expect(record["state"] == "completed", "all is done in the end", job.id, **record)


async def _via(world: World, gateway: Process, jobs: Sequence[Job], *, once: bool = False) -> list[Told]:
    """Submit through one gateway; ``once`` whatever it answers."""
    world.preferred = gateway
    world.jobs.update({job.id: job for job in jobs})
    if once:
        return [await world.clients.submit(job) for job in jobs]
    await world.submit(jobs)
    return []


@fault(16, "the master is frozen, fails over, and wakes up", own_servers=True, relaxes=_LOST_SIGHT, settings=REPLICATED)
async def freeze_master(world: World) -> None:
    """It wakes up in the belief that it is the master; what it is told then is lost with it, and no 202 is."""
    setup = await _set_up(world, replicas=2)
    await world.start("gateway", "outline_worker", "document_worker")
    jobs = world.requests.mixed(40)

    async def freeze() -> None:
        await asyncio.sleep(1.5)
        old = setup.servers[0]
        assert old.process is not None
        old.process.send_signal(signal.SIGSTOP)
        await _take_over(world, setup, old)
        old.process.send_signal(signal.SIGCONT)
        await eventually(lambda: _demoted(setup), seconds=20, every=0.2)
        world.forgiven |= world.active_since(world.history.now() - 2 * SIGHT_SECONDS)

    await asyncio.gather(_under_load(world, jobs), freeze())
    await world.settled(*jobs)


async def _demoted(setup: SentinelSetup) -> bool:
    return await setup.role(setup.servers[0]) == "slave"


@asynccontextmanager
async def _replica(world: World) -> AsyncIterator[Server]:
    """One more replica of the master of the moment."""
    folder = world.folder / "replica"
    folder.mkdir()
    server = Server("replica", world.binary, free_port(), folder)
    await server.start("--replicaof", f"127.0.0.1 {world.server.port}")
    try:
        yield server
    finally:
        await server.stop()
