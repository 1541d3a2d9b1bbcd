"""How a run of the launcher ends, and who of several that could end it was first."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar

from deploy.local.children import Child
from deploy.local.errors import LaunchError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Finished:
    """All that was asked for is done."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A signal asked for the end."""


@dataclass(frozen=True, slots=True)
class Died:
    """A child ended by itself."""

    child: Child


@dataclass(frozen=True, slots=True)
class Failed:
    """Something could not be done."""

    reason: str


Ending = Finished | Interrupted | Died | Failed


async def attempt(work: Coroutine[None, None, Result]) -> Result | Failed:
    """The result of the work, or why there is none."""
    try:
        return await work
    except LaunchError as error:
        return Failed(str(error))


async def first_of(*ways: Coroutine[None, None, Result]) -> Result:
    """The result of the first to end, of the one named first where two end at once; the others are cancelled.

    Raises what one of them raises.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return next(task.result() for task in tasks if not task.cancelled())
