"""People who stop, begin again, change and approve documents in the moment in which these are handed over."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.chaos.client import Told
from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.state import look
from tests.chaos.world import World
from tests.support.waiting import eventually

ALWAYS = ("--appendonly", "yes", "--appendfsync", "always")
JOBS = 16
EDITORS = 2
EDITS = 2
"""Of each editor, unless the job is approved meanwhile."""
KILLED_AFTER = (4, 14, 24)
"""Requests of those people: Redis dies with some under way."""
_PEOPLE = {"cancel", "retry", "patch", "approve"}
PATIENCE_SECONDS = 60.0


@fault(27, "cancel, retry, edits and approve race with the hand-over", server_options=ALWAYS)
async def race_with_handover(world: World) -> None:
    """Redis is killed meanwhile: an approval that was taken is carried out, an edit is in what is written."""
    await world.start("gateway", "outline_worker", "document_worker")
    jobs = [world.requests.from_prompt(review=number % 2 == 1, max_attempts=9) for number in range(JOBS)]
    edits: dict[str, list[str]] = {job.id: [] for job in jobs}
    await world.submit(jobs)
    async with asyncio.TaskGroup() as people:
        people.create_task(_kill_redis(world))
        for job in jobs[0::2]:
            people.create_task(_stop_and_go(world, job))
        for job in jobs[1::2]:
            people.create_task(_review(world, job, edits[job.id]))
    await world.settled(*jobs, seconds=PATIENCE_SECONDS)
    state = await look(world.server.port)
    for job in jobs:
        found = state.jobs[job.id]
        world.expect(found.result is not None, "all are written in the end", job.id, **found.record)
        written = found.result["document"]["sections"] if found.result else []
        missing = set(edits[job.id]) - {section["title"] for section in written}
        world.expect(not missing, "an edit that was taken is in what is written", job.id, missing=missing)
    world.expect(any(edits.values()), "some edits came before the approval")


async def _kill_redis(world: World) -> None:
    def asked() -> int:
        return sum(entry.phase == "invoke" and entry.what in _PEOPLE for entry in world.history.entries)

    for requests in KILLED_AFTER:
        await eventually(lambda requests=requests: asked() >= requests, seconds=PATIENCE_SECONDS)  # type: ignore[misc]
        await world.server.stop()
        world.history.note("redis killed")
        await asyncio.sleep(0.3)
        await world.server.start(*ALWAYS)


async def _answered(ask: Callable[[], Awaitable[Told]]) -> Told:
    """The first answer that says what became of the request."""
    told = Told("info")

    async def answered() -> bool:
        nonlocal told
        told = await ask()
        return told.phase != "info"

    await eventually(answered, seconds=PATIENCE_SECONDS, every=0.1)
    return told


async def _reaches(world: World, job: Job, *states: str) -> str:
    """What a client sees of the job once it is in one of the states."""
    status = ""

    async def reached() -> bool:
        nonlocal status
        status = (await world.clients.get(job.id)).body.get("status", "")
        return status in states

    await eventually(reached, seconds=PATIENCE_SECONDS, every=0.05)
    return status


async def _stop_and_go(world: World, job: Job) -> None:
    """Cancel about when the job is handed over, and begin it again."""
    await eventually(lambda: world.model.begun(job.marker)["draft"] > 0, seconds=PATIENCE_SECONDS)
    await asyncio.sleep(world.random.uniform(0.0, 0.4))
    await _cancel_and_retry(world, job)


async def _cancel_and_retry(world: World, job: Job) -> None:
    await _answered(lambda: world.clients.cancel(job.id))
    if await _reaches(world, job, "cancelled", "completed") == "cancelled":
        told = await _answered(lambda: world.clients.retry(job.id))
        # Where the first answer was lost, the job has begun again by now: 409.
        world.expect(told.status in {202, 409}, "a cancelled job can be begun again", job.id, status=told.status)
        world.follow(job)


async def _review(world: World, job: Job, taken: list[str]) -> None:
    """Two edit the outline, a third approves it; now and then somebody has stopped the job before."""
    await _reaches(world, job, "awaiting_review")
    if world.random.random() < 0.5:
        await _edit(world, job, f"First of {job.marker}", taken)
        await _cancel_and_retry(world, job)
        await _reaches(world, job, "awaiting_review")
    async with asyncio.TaskGroup() as people:
        people.create_task(_approve(world, job))
        for editor in range(EDITORS):
            people.create_task(_edit_often(world, job, f"Editor {editor}", taken))


async def _approve(world: World, job: Job) -> None:
    await asyncio.sleep(world.random.uniform(0.0, 2.0))
    told = await _answered(lambda: world.clients.approve(job.id))
    world.expect(told.phase == "ok", "what waits for a person can be approved", job.id, status=told.status)


async def _edit_often(world: World, job: Job, name: str, taken: list[str]) -> None:
    for number in range(EDITS):
        await _edit(world, job, f"{name} {number} of {job.marker}", taken)


async def _edit(world: World, job: Job, title: str, taken: list[str]) -> None:
    """Add a section to the latest version, unless it is too late."""
    operation = {"op": "add", "parent": None, "node": {"title": title, "target_words": 40}}
    while (found := await _answered(lambda: world.clients.outline(job.id))).phase == "ok":
        version = found.body["version"]
        told = await _answered(lambda version=version: world.clients.patch(job.id, version, operation))  # type: ignore[misc]
        if told.phase == "ok":
            taken.append(title)
        if told.status != 412:
            late = told.phase == "ok" or told.status == 409
            world.expect(late, "an edit is taken, or comes too late", job.id, status=told.status, body=told.body)
            return
