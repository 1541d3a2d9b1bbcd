"""What goes wrong in a long run: each action does its harm, waits, and makes good."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from shared.contracts.states import Band, JobKind
from shared.redis.keys import GROUP
from tests.chaos.state import KEYS
from tests.chaos.world import Process, World
from tests.support.scripted_model import Reply, failure, garbage, hang

AOF = ("--appendonly", "yes", "--appendfsync", "always")
_BAD = (failure(429, "slow down", retry_after="1"), failure(500, "out of memory"), garbage(), hang(after_chunks=1))


class Harm:
    """Does harm to a world, and counts it. Several may do so at a time: none touches what another has in hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.done: Counter[str] = Counter()
        self._chance = world.random
        self._in_hand: list[Process] = []
        self._redis = asyncio.Lock()
        self._actions: dict[str, Callable[[], Awaitable[None]]] = {
            "kill a worker": self._kill_worker,
            "stop a worker": self._stop_worker,
            "terminate a worker": self._terminate_worker,
            "kill a gateway": self._kill_gateway,
            "black hole": self._black_hole,
            "reset": self._reset,
            "slow link": self._slow_link,
            "lost replies": self._lost_replies,
            "restart Redis": self._restart_redis,
            "drop a group": self._drop_group,
            "bad model": self._bad_model,
        }

    async def go_on(self, until: Callable[[], bool]) -> None:
        """One action after the other."""
        while not until():
            name = self._chance.choice(list(self._actions))
            self.world.history.note(name)
            await self._actions[name]()
            self.done[name] += 1
            await asyncio.sleep(self._chance.uniform(0.5, 3.0))

    @asynccontextmanager
    async def _victim(self, among: list[Process]) -> AsyncIterator[Process]:
        while not (free := [process for process in among if process.alive and process not in self._in_hand]):
            # Whoever has them in hand gives them back, or starts others.
            await asyncio.sleep(0.5)
            among = self.world.processes
        victim = self._chance.choice(free)
        self._in_hand.append(victim)
        try:
            yield victim
        finally:
            self._in_hand.remove(victim)

    async def _kill_worker(self) -> None:
        async with self._victim(self.world.workers()) as victim:
            victim.kill()
            await self._again(victim)

    async def _stop_worker(self) -> None:
        async with self._victim(self.world.workers()) as victim:
            victim.kill(signal.SIGSTOP)
            try:
                await asyncio.sleep(self._chance.uniform(1, 6))
            finally:
                victim.kill(signal.SIGCONT)

    async def _terminate_worker(self) -> None:
        async with self._victim(self.world.workers()) as victim:
            status = await victim.service.stop(signal.SIGTERM, seconds=40)
            self.world.expect(status == 0, "a worker told to stop ends with status 0", status=status)
            await self._again(victim)

    async def _kill_gateway(self) -> None:
        async with self._victim([process for process in self.world.processes if process.api]) as victim:
            victim.kill()
            await self._again(victim)

    async def _again(self, victim: Process) -> None:
        await victim.service.process.wait()
        await self.world.start(victim.service.name)

    async def _black_hole(self) -> None:
        async with self._victim(self.world.processes) as victim:
            victim.link.black_hole()
            await asyncio.sleep(self._chance.uniform(1, 8))
            victim.link.heal()

    async def _reset(self) -> None:
        for process in self._alive():
            process.link.reset()

    async def _slow_link(self) -> None:
        async with self._victim(self.world.processes) as victim:
            victim.link.delay(0.0, 0.2)
            await asyncio.sleep(self._chance.uniform(1, 5))
            victim.link.heal()

    async def _lost_replies(self) -> None:
        for process in self._alive():
            script = (
                "submit"
                if process.api
                else self._chance.choice(["finish", "handover", "fetch", "append_events", "renew"])
            )
            process.link.drop_reply(self.world.script(script), times=self._chance.randint(1, 3))

    async def _restart_redis(self) -> None:
        async with self._redis:
            await self.world.server.stop(self._chance.choice([signal.SIGKILL, signal.SIGTERM]))
            await asyncio.sleep(self._chance.uniform(0.1, 3))
            await self.world.server.start(*AOF)

    async def _drop_group(self) -> None:
        stream = KEYS.requests(self._chance.choice(list(JobKind)), self._chance.choice(list(Band)))
        async with self._redis:
            await self.world.redis("XGROUP", "DESTROY", stream, GROUP)

    async def _bad_model(self) -> None:
        bad: Reply = self._chance.choice(_BAD)
        self.world.model.misbehave = lambda _marker, _step: bad
        await asyncio.sleep(self._chance.uniform(0.5, 2.0))
        self.world.model.misbehave = lambda _marker, _step: None

    def _alive(self) -> list[Process]:
        return [process for process in self.world.processes if process.alive]
