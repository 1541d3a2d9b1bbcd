"""Workers that die without a word."""

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.world import Process, World
from tests.support.proxy import Command
from tests.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Point:
    """Where in a pipeline a worker is killed: when it stores something, or when it asks the model."""

    node: str
    stores: bytes = b""
    asks: str = ""
    after: bytes = b""
    """Not what it stores itself but the checkpoint that follows it."""


OUTLINE = (
    Point("analyse", asks="analyse"), Point("gather", stores=b"ledger"), Point("draft", asks="draft"),
    Point("refine", asks="refine"), Point("validate", stores=b"result"),
)  # fmt: skip
DOCUMENT = (
    Point("split", stores=b"plan"), Point("section", stores=b"text:s1"), Point("collect", after=b"text:s2"),
    Point("fuse", stores=b"fused"), Point("references", stores=b"result"),
)  # fmt: skip


@fault(1, "SIGKILL a worker in each node of both pipelines")
async def kill_in_each_node(world: World) -> None:
    """What was finished is not run again: the model's answers are counted."""
    await world.start("gateway")
    await asyncio.gather(_chain(world, "outline_worker", OUTLINE), _chain(world, "document_worker", DOCUMENT))


async def _chain(world: World, name: str, points: Sequence[Point]) -> None:
    (worker,) = await world.start(name)
    for point in points:
        job = world.requests.outline(refined=True) if points is OUTLINE else world.requests.document(2)
        # The second section is in flight when the first is stored.
        world.model.slow[job.section(2)] = 0.8
        _arm(world, worker, job, point)
        await world.submit([job])
        await eventually(lambda worker=worker: not worker.alive, seconds=20)  # type: ignore[misc]
        (worker,) = await world.start(name)
        await world.settled(job)
        await _check(world, job, point)


def _arm(world: World, worker: Process, job: Job, point: Point) -> None:
    if point.asks:
        world.model.on_call[job.marker, point.asks] = lambda: os.kill(worker.pid, signal.SIGKILL)
        return
    stores = world.script("put_artifact", job, naming=point.stores or point.after)
    checkpoints = world.script("put_checkpoint", job)
    seen = False

    def fatal(command: Command) -> bool:
        nonlocal seen
        if stores(command):
            seen = True
            if point.stores:
                worker.kill()
                return True
        elif seen and checkpoints(command):
            worker.kill()
            return True
        return False

    worker.link.drop_reply(fatal)


async def _check(world: World, job: Job, point: Point) -> None:
    record = await world.record(job)
    kept = (record["state"], record["attempt"]) == ("completed", "2")
    world.expect(kept, f"killed in {point.node}, resumed and completed", job.id, **record)
    answered, begun = world.model.calls_of(job.marker), world.model.begun(job.marker)
    once = all(count == 1 for count in answered.values())
    world.expect(once, f"killed in {point.node}: nothing finished is run again", job.id, answered=answered)
    in_flight = {point.asks} if point.asks else {job.section(2)} if point.node == "section" else set()
    twice = {step for step, count in begun.items() if count > 1}
    world.expect(twice == in_flight, f"killed in {point.node}: only its own call is made again", job.id, twice=twice)


@fault(5, "all workers are killed with 100 jobs queued")
async def kill_all(world: World) -> None:
    """New workers finish what is left; what had been answered is not asked for again."""
    world.model.latency = 0.2
    _, *workers = await world.start("gateway", "document_worker", "document_worker", DRAFTLINE_CONCURRENCY="8")
    await world.clients.call("POST", "/queues/document/pause")
    jobs = await world.submit(world.requests.document(1) for _ in range(100))
    await world.clients.call("POST", "/queues/document/resume")
    await eventually(lambda: len(world.model.answered()) >= 25, seconds=20)
    for worker in workers:
        worker.kill()
    await world.start("document_worker", "document_worker")
    await world.settled(*jobs)
    states = [(await world.record(job))["state"] for job in jobs]
    world.expect(states == ["completed"] * 100, "all 100 are completed")
    repeated = world.model.repeated()
    world.expect(repeated <= 16, "only calls in flight are made again", repeated=repeated)


@fault(6, "a poison job takes its worker with it, every time")
async def poison(world: World) -> None:
    """It becomes a dead letter, the others are done; asked for again with a sound worker, it is done too."""
    await world.start("gateway")
    await world.clients.call("POST", "/queues/outline/pause")
    innocent = [world.requests.outline() for _ in range(8)]
    bad = world.requests.outline(metadata={"with": "poison"})
    await world.submit([*innocent[:4], bad, *innocent[4:]])
    await world.clients.call("POST", "/queues/outline/resume")
    (worker,) = await world.start("tests.chaos.poison_worker", DRAFTLINE_CONCURRENCY="4")
    crashes = 0
    async with asyncio.timeout(40):
        while (await world.record(bad))["state"] != "failed":
            if not worker.alive:
                crashes += 1
                (worker,) = await world.start("tests.chaos.poison_worker", DRAFTLINE_CONCURRENCY="4")
            await asyncio.sleep(0.05)
    await world.settled(*innocent)
    world.expect(crashes == 3, "it was given its three attempts", bad.id, crashes=crashes)
    for job in innocent:
        record = await world.record(job)
        world.expect(record["state"] == "completed", "others are unaffected by a poison job", job.id, **record)
    await _requeue(world, bad, worker)


async def _requeue(world: World, bad: Job, worker: Process) -> None:
    letters = (await world.clients.call("GET", "/dead-letters")).body["items"]
    names = [letter["job_id"] for letter in letters]
    world.expect(bad.id in names, "the poison job is a dead letter", bad.id, letters=names)
    await worker.service.stop()
    await world.start("outline_worker")
    told = await world.clients.call("POST", f"/dead-letters/{bad.id}/requeue")
    world.expect(told.status == 202, "a dead letter can be begun again", bad.id, status=told.status)
    world.follow(bad)
    record = await world.state_is(bad, "completed", seconds=20)
    world.expect(record["run"] == "2", "as a new run", bad.id, run=record["run"])
