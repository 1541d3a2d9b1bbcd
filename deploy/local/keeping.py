"""Once everything was ready, what dies is started again."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.children import Child, ChildSpec, Fleet
from deploy.local.endings import Died, first_of
from deploy.local.errors import LaunchError
from deploy.local.machine import full_disk_line
from deploy.local.readiness import READY_SECONDS, Probe, wait_ready
from shared.lifecycle.supervisor import RESTART_EXIT_STATUS


@dataclass(frozen=True, slots=True)
class Part:
    """A child to start and to keep."""

    spec: ChildSpec
    probe: Probe
    needed: bool
    """The others can't work without it, and nobody can ask it to shut down: it is started again whatever its status."""
    port: int | None = None
    """The loopback port that it binds itself; None where it is handed a socket."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon and how often a child that died is started again."""

    first_delay_seconds: float = 0.5
    longest_delay_seconds: float = 30.0
    settled_seconds: float = 60.0
    """A life at least this long clears the earlier short ones."""
    most_short_lives: int = 5
    ready_seconds: float = READY_SECONDS
    """After this it is said that a child is not ready; the wait goes on."""

    def delay_seconds(self, short_lives: int) -> float:
        """Before the next start; none was short where the child had settled."""
        return min(self.first_delay_seconds * 2.0 ** max(0, short_lives - 1), self.longest_delay_seconds)


DEFAULT_PACE = Pace()


class Keeper:
    """Keeps one child running and says so when it can't at once."""

    def __init__(self, part: Part, fleet: Fleet, say: Callable[[str], None], pace: Pace) -> None:
        self._part = part
        self._fleet = fleet
        self._say = say
        self._pace = pace
        self._short_lives = 0
        self._away_since: float | None = None

    async def keep(self, child: Child) -> Died:
        """Start it again whenever it ends; returns when it has died too often."""
        while True:
            await self._end_of(child)
            if child.exit_status == 0 and not self._part.needed:
                self._say(f"{child.spec.name} was shut down as asked; the others go on without it.")
                for listener in child.spec.listeners:
                    listener.close()  # else its clients would wait in the backlog for an answer that never comes
                await asyncio.Event().wait()  # never set: only a child that is given up ends the keeping
            elif child.exit_status == RESTART_EXIT_STATUS:
                self._say(f"{child.spec.name} restarts as asked.")
            elif self._short_lives >= self._pace.most_short_lives:
                return Died(child)
            else:
                if self._short_lives <= 1 and (full := full_disk_line(child.log.parent)) is not None:
                    self._say(full)
                delay = self._pace.delay_seconds(self._short_lives)
                self._say(f"{child.death()}; starting it again in {delay:.1f} s. Its log: {child.log}")
                await asyncio.sleep(delay)
            child = await self._fleet.start(self._part.spec)

    async def _end_of(self, child: Child) -> None:
        """Wait for it, note when it was and how long the child had lived."""
        if self._away_since is None:
            await child.process.wait()
        else:
            await first_of(child.process.wait(), self._return_of(child, self._away_since))
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - child.started_monotonic >= self._pace.settled_seconds:
            self._short_lives = 0
        elif child.exit_status != RESTART_EXIT_STATUS:
            self._short_lives += 1

    async def _return_of(self, child: Child, away_since: float) -> int:
        """Say when it is ready again; ends with the child, as only that is an end."""
        while self._away_since is not None:
            try:
                await wait_ready(child, self._part.probe, self._pace.ready_seconds)
            except LaunchError as error:
                self._say(str(error))
            else:
                self._say(f"{child.spec.name} is back after {math.ceil(time.monotonic() - away_since)} s.")
                self._away_since = None
        return await child.process.wait()
