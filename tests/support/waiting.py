"""Waiting for conditions instead of sleeping for times."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = 5.0, every: float = 0.02
) -> None:
    """Wait until the condition holds; fails the test if it does not within the time."""
    try:
        async with asyncio.timeout(seconds):
            while not await _holds(condition):  # noqa: ASYNC110
                await asyncio.sleep(every)
    except TimeoutError:
        message = f"not within {seconds} s: {inspect.getsource(condition).strip()}"
        raise AssertionError(message) from None


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    found = condition()
    return await found if inspect.isawaitable(found) else found
