"""Models that are busy, broken, talk nonsense, or say nothing."""

from tests.chaos.jobs import Job
from tests.chaos.registry import fault
from tests.chaos.world import World
from tests.support.scripted_model import Reply, failure, garbage, hang

BAD: dict[str, Reply] = {
    "429": failure(429, "slow down", retry_after="1"),
    "500": failure(500, "out of memory"),
    "garbage": garbage(),
    "nothing": hang(),
    "half": hang(after_chunks=2),
}


@fault(24, "a model that answers 429, 500, garbage, nothing", settings={"DRAFTLINE_MODEL_IDLE_SECONDS": "1"})
async def bad_models(world: World) -> None:
    """What passes is waited for; what does not ends the job with an error, and is a dead letter."""
    await world.start("gateway", "outline_worker", "document_worker")
    jobs = {name: [world.requests.document(2), world.requests.outline()] for name in BAD}
    hopeless = world.requests.document(1)
    left = {job.marker: 2 for each in jobs.values() for job in each}
    names = {job.marker: name for name, each in jobs.items() for job in each}

    def misbehave(marker: str, _step: str) -> Reply | None:
        if marker == hopeless.marker:
            return BAD["500"]
        if left.get(marker, 0):
            left[marker] -= 1
            return BAD[names[marker]]
        return None

    world.model.misbehave = misbehave
    asked = [job for each in jobs.values() for job in each]
    await world.submit([*asked, hopeless])
    await world.settled(*asked, hopeless)
    for job in asked:
        await _expect(world, job, "completed", f"a model that gave {names[job.marker]} twice")
    await _expect(world, hopeless, "failed", "a model that fails for ever")


async def _expect(world: World, job: Job, state: str, about: str) -> None:
    record = await world.record(job)
    world.expect(record["state"] == state, f"{about}: the job is {state}", job.id, **record)
