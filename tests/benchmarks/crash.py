"""``crash``: what is asked of the model again after kill -9 in the middle of a document."""

import asyncio
import random
import signal
from dataclasses import asdict, dataclass

from pydantic import JsonValue

from shared.contracts.ids import JobRef
from shared.contracts.plan import text_field
from tests.benchmarks.documents import KEYS, SECTIONS, Stage, body, stage, submit_all
from tests.benchmarks.line import Check, Line, Options
from tests.benchmarks.model_process import Call
from tests.support.waiting import eventually

KILLS, QUICK_KILLS = 5, 2
SEED = 20_241
LATENCIES_MS = [200 + 150 * number for number in range(SECTIONS)]
LEASE_SECONDS = "2"
_METHOD = f"""\
A document of {SECTIONS} sections whose model calls take {LATENCIES_MS[0]} to {LATENCIES_MS[-1]} ms, so that
finished sections and sections in flight stand side by side. The worker is killed with SIGKILL at a random moment
(seed {SEED}), what Redis holds is read at once, and a second worker finishes the job. In flight: sections that had
asked the model and whose text was not stored. The model counts every call; a call beyond one a section was paid
twice."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill and what it cost."""

    after_seconds: float
    finished: int
    in_flight: int
    calls: int
    asked_again: int
    finished_asked_again: int


async def measure(options: Options) -> Line:
    """Calls asked again, over several kills."""
    chance = random.Random(SEED)
    kills = []
    async with stage(options, latency=1.0, DRAFTLINE_LEASE_SECONDS=LEASE_SECONDS) as ready:
        for number in range(QUICK_KILLS if options.quick else KILLS):
            kills.append(await _kill(ready, f"killed-{number}", chance.uniform(0.1, LATENCIES_MS[-1] / 1000)))
            options.say(f"crash: {kills[-1]}")
    again, flying = sum(kill.asked_again for kill in kills), sum(kill.in_flight for kill in kills)
    figures: dict[str, JsonValue] = {"seed": SEED, "kills": [asdict(kill) for kill in kills]}
    return Line(
        name="crash",
        what="Model calls asked again after kill -9 of a worker in the middle of a document",
        method=_METHOD,
        checks=[
            Check(f"calls asked again; bar: in flight at {len(kills)} kills", again, flying, "calls"),
            Check("beyond those in flight, the worst kill",
                  max(0, *(kill.asked_again - kill.in_flight for kill in kills)), 0, "calls"),
            Check("finished sections asked again", sum(kill.finished_asked_again for kill in kills), 0, "sections"),
        ],
        figures=figures,
        commands=["python -m document_worker", "kill -9"],
    )  # fmt: skip


async def _kill(ready: Stage, job_id: str, after_seconds: float) -> Kill:
    first = await ready.fleet.start("document_worker")
    await submit_all(ready.fleet, [body(job_id, LATENCIES_MS)])

    async def begun() -> bool:
        return bool((await ready.model.asked()).of(job_id))

    await eventually(begun, seconds=30, every=0.01)
    await asyncio.sleep(after_seconds)
    await first.stop(signal.SIGKILL)
    artifact = KEYS.artifact(JobRef(job_id))
    stored = set(await ready.redis.hkeys(artifact))
    before = (await ready.model.asked()).of(job_id)
    second = await ready.fleet.start("document_worker")
    settled = await ready.fleet.settled(job_id, seconds=60)
    if settled["status"] != "completed":
        message = f"{job_id} was not finished: {settled}"
        raise RuntimeError(message)
    await second.stop()
    after = (await ready.model.asked()).of(job_id)
    return _told(after_seconds, stored, before, after)


def _told(after_seconds: float, stored: set[str], before: list[Call], after: list[Call]) -> Kill:
    # The sections' titles count from 1, as their ids do.
    finished = {f"Section {n}" for n in range(1, SECTIONS + 1) if text_field(f"s{n}") in stored}
    asked = {call.section for call in before}
    later = [call.section for call in after[len(before) :]]
    return Kill(
        after_seconds=after_seconds,
        finished=len(finished),
        in_flight=len(asked - finished),
        calls=len(after),
        asked_again=len(after) - SECTIONS,
        finished_asked_again=len(finished.intersection(later)),
    )
