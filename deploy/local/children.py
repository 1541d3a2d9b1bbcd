"""The processes the launcher started: starting, noticing a death, stopping in order."""

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from deploy.local.logs import read_tail
from deploy.local.machine import memory_mb

WATCH_SECONDS = 0.1
TETHER = Path(__file__).with_name("tether.py")


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to start."""

    name: str
    program: tuple[str, ...]
    """Absolute path of the program, then its arguments."""
    environment: Mapping[str, str]
    stop_order: int
    """Children of the lowest number are stopped first, those of one number together."""
    stop_seconds: float
    """From SIGTERM to SIGKILL."""
    listeners: tuple[socket.socket, ...] = ()
    """Sockets that the child inherits, each under the descriptor it has here."""
    needs_mb: int | None = None
    """Memory, where it is much; said if the kernel kills the child."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process that was started, and where its output goes."""

    spec: ChildSpec
    process: Process
    log: Path
    started_monotonic: float

    @property
    def exit_status(self) -> int | None:
        """As of subprocess: negative for a signal, None while it runs."""
        return self.process.returncode

    def death(self) -> str:
        """How it ended, in one line without a full stop."""
        status = self.exit_status
        how = f"was killed by {signal.Signals(-status).name}" if status and status < 0 else f"exited with {status}"
        return f"{self.spec.name} {how}{self._lack_of_memory()}"

    def _lack_of_memory(self) -> str:
        """SIGKILL comes from the kernel, or from a person who knows that they sent it."""
        if self.exit_status != -signal.SIGKILL or self.spec.needs_mb is None:
            return ""
        here = f", and there are {total} MB in all" if (total := memory_mb()) is not None else ""
        return f", most likely because memory ran out: it needs {self.spec.needs_mb} MB{here}"

    def obituary(self) -> str:
        """How it ended and the end of its log."""
        return f"{self.death()}. {self.last_words()}"

    def last_words(self) -> str:
        """The end of its log, for people."""
        lines = read_tail(self.log)
        if not lines:
            return f"Its log, {self.log}, is empty."
        return f"The end of its log, {self.log}:\n" + "\n".join(f"  {line}" for line in lines)


class Fleet:
    """All children of the launcher, each in a session of its own, so that Ctrl-C reaches only the launcher."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self._children: dict[str, Child] = {}

    async def start(self, spec: ChildSpec) -> Child:
        """Start one with an empty log, or again: then it takes the place of its former life and adds to that log."""
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self.logs / f"{spec.name}.log"
        with log.open("ab" if spec.name in self._children else "wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-IS",
                str(TETHER),
                str(os.getpid()),
                *spec.program,
                env=dict(spec.environment),
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                start_new_session=True,
                pass_fds=[listener.fileno() for listener in spec.listeners],
            )
        child = Child(spec, process, log, time.monotonic())
        self._children[spec.name] = child
        return child

    def dead(self) -> Child | None:
        """The first that ended by itself."""
        return next((child for child in self._children.values() if child.exit_status is not None), None)

    async def first_death(self) -> Child:
        """Wait until one ends by itself."""
        while (child := self.dead()) is None:  # noqa: ASYNC110 - children are still being added
            await asyncio.sleep(WATCH_SECONDS)
        return child

    async def stop(self) -> list[str]:
        """Stop and forget all, the lowest stop order first; names those that were killed as their time was over."""
        killed = []
        ordered = sorted(self._children.values(), key=lambda child: child.spec.stop_order)
        for _, group in groupby(ordered, key=lambda child: child.spec.stop_order):
            async with asyncio.TaskGroup() as tasks:
                stopping = {child.spec.name: tasks.create_task(_stop(child)) for child in group}
            killed += [name for name, task in stopping.items() if not task.result()]
        self._children.clear()
        return killed

    def kill(self) -> None:
        """Kill all that still run, with whatever they started."""
        for child in self._children.values():
            _kill(child)


async def _stop(child: Child) -> bool:
    """Whether it ended in its time.

    SIGTERM goes to the child alone: it ends its own helpers when it no longer needs them.
    """
    if child.exit_status is None:
        with suppress(ProcessLookupError):
            child.process.terminate()
    try:
        async with asyncio.timeout(child.spec.stop_seconds):
            await child.process.wait()
    except TimeoutError:
        _kill(child)
        await child.process.wait()
        return False
    return True


def _kill(child: Child) -> None:
    if child.exit_status is None:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
