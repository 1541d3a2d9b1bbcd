"""A long run: a thousand jobs, clients of every kind, and all that can go wrong at random; then everything heals."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.chaos.actions import AOF, Harm
from tests.chaos.driver import Run, keep_history
from tests.chaos.invariants import TERMINAL, Violation
from tests.chaos.jobs import Job
from tests.chaos.registry import Fault
from tests.chaos.state import State, look
from tests.chaos.world import World, new_world

SERVICES = (
    "gateway", "gateway", "outline_worker", "outline_worker", "document_worker", "document_worker", "document_worker",
)  # fmt: skip
HEAL_SECONDS = 180.0
ATTEMPTS = 20
LATENCY_SECONDS = 1.2
HARMS = 2
"""At a time."""
SETTINGS = {"DRAFTLINE_MODEL_IDLE_SECONDS": "3", "DRAFTLINE_GRACE_SECONDS": "2"}


async def _nothing(_world: World) -> None:
    return


EVERYTHING = Fault(0, "everything at random", _nothing, AOF, SETTINGS)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it."""

    jobs: int
    minutes: float

    @property
    def seconds(self) -> float:
        return self.minutes * 60


class Crowd:
    """The clients."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self._chance = world.random
        self._asked: list[Job] = []
        self._held: set[str] = set()
        """Jobs about which a cancellation is under way: a new run of them would blur what it was told."""
        self._stopped: list[str] = []
        """Jobs that somebody tried to cancel."""
        self.submitted = False

    async def run(self) -> None:
        """Until all jobs are accepted."""
        async with asyncio.TaskGroup() as group:
            others = [
                group.create_task(self._cancel()),
                group.create_task(self._retry()),
                group.create_task(self._get()),
            ]
            # Half of the time for submitting: the rest is for what was retried, delayed, or taken over.
            pause = self._plan.seconds / self._plan.jobs * 0.8
            try:
                for _ in range(self._plan.jobs):
                    group.create_task(self._submit(self._made()))
                    await asyncio.sleep(self._chance.uniform(0.5, 1.5) * pause)
                await asyncio.sleep(self._plan.seconds * 0.1)
            finally:
                self.submitted = True
                for task in others:
                    task.cancel()

    def _made(self) -> Job:
        options: dict[str, Any] = {"priority": self._chance.randrange(10), "max_attempts": ATTEMPTS}
        if self._chance.random() < 0.1:
            options["delay_seconds"] = self._chance.uniform(0.5, 5)
        if self._chance.random() < 0.3:
            return self._world.requests.outline(**options)
        if self._chance.random() < 0.3:
            return self._world.requests.from_prompt(review=self._chance.random() < 0.5, **options)
        return self._world.requests.document(self._chance.randint(1, 3), **options)

    async def _submit(self, job: Job) -> None:
        self._world.jobs[job.id] = job
        await self._world.clients.accepted(job, seconds=120)
        self._asked.append(job)
        if self._chance.random() < 0.3:
            self._world.follow(job)

    async def _cancel(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 4))
            if recent := self._asked[-3:]:
                job = self._chance.choice(recent)
                self._held.add(job.id)
                await self._world.clients.cancel(job.id)
                self._held.discard(job.id)
                self._stopped.append(job.id)

    async def _retry(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 3))
            if waiting := [name for name in self._stopped[-10:] if name not in self._held]:
                name = self._chance.choice(waiting)
                told = await self._world.clients.retry(name)
                if told.phase == "ok":
                    self._world.follow(self._world.jobs[name])

    async def review(self) -> None:
        """Approve what waits for somebody, for ever."""
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 2.0))
            waiting = await self._world.clients.call("GET", "/jobs?status=awaiting_review")
            for job in waiting.body.get("items", []):
                await self._world.clients.approve(job["job_id"])

    async def _get(self) -> None:
        while True:
            await asyncio.sleep(0.3)
            if self._asked:
                await self._world.clients.get(self._chance.choice(self._asked[-60:]).id)


async def run_long(server: tuple[str, Path], seed: int, plan: Plan) -> Run:
    """The run, with its figures printed at the end."""
    begun = time.monotonic()
    async with new_world(EVERYTHING, server, seed, None) as world:
        world.model.latency = LATENCY_SECONDS
        harm = Harm(world)
        violations: list[Violation] = []
        try:
            await world.start(*SERVICES)
            await _carry_out(world, Crowd(world, plan), harm, begun)
            violations = await world.judge()
        except Exception as error:  # noqa: BLE001 - whatever went wrong is a finding, to be shown with the figures
            violations = [*world.broken, Violation("promise", "", repr(error))]
        print(_figures(world, harm, await look(world.server.port)), flush=True)
        history = keep_history(world, EVERYTHING, server[0]) if violations else None
    return Run(EVERYTHING, server[0], seed, len(world.jobs), time.monotonic() - begun, violations, history=history)


async def _carry_out(world: World, crowd: Crowd, harm: Harm, begun: float) -> None:
    reviewer = world.tasks.create_task(crowd.review())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.run())
            for _ in range(HARMS):
                group.create_task(harm.go_on(lambda: crowd.submitted))
            group.create_task(_report(world, crowd, begun))
        world.history.note("healed")
        await world.rest(HEAL_SECONDS)
    finally:
        reviewer.cancel()


async def _report(world: World, crowd: Crowd, begun: float) -> None:
    while not crowd.submitted:
        await asyncio.sleep(5)
        if round(time.monotonic() - begun) % 30 < 5:
            print(
                f"      {time.monotonic() - begun:.0f} s: {len(world.jobs)} jobs, {world.model.calls} calls", flush=True
            )


def _figures(world: World, harm: Harm, state: State) -> str:
    states = Counter(job.record["state"] for job in state.jobs.values())
    events = [event for job in state.jobs.values() for event in job.journal]
    kinds = Counter(event.type for event in events)
    released = sum(event.type == "queued" and event.data["reason"] == "released" for event in events)
    taken_over = sum(event.type == "started" and event.data["attempt"] > 1 for event in events)
    ends = sorted(int(job.record["finished_at"]) for job in state.jobs.values() if job.record["state"] in TERMINAL)
    gap = max((after - before for before, after in pairwise(ends)), default=0) / 1000
    runs = sum(len(job.runs()) for job in state.jobs.values())
    lines = [
        f"jobs {len(state.jobs)}, runs {runs}: " + ", ".join(f"{name} {count}" for name, count in states.items()),
        f"faults {harm.done.total()}: " + ", ".join(f"{name} {count}" for name, count in sorted(harm.done.items())),
        f"begun again {taken_over}, after a failed attempt {kinds['retrying']}; released or given back {released}",
        f"model calls {world.model.calls}, answered twice to the same request {world.model.repeated()}",
        f"longest time in which no job ended {gap:.1f} s; operations {len(world.history.entries)}",
    ]
    return "\n".join(f"      {line}" for line in lines)
