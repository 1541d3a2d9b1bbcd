"""Waits until what was started answers."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2

from deploy.local.children import Child
from deploy.local.errors import LaunchError
from deploy.local.problems import problem_text

READY_SECONDS = 60.0
POLL_SECONDS = 0.1
PROBE_SECONDS = 5.0
"""A service accepts connections only once it runs; before, the kernel takes them and no answer comes."""

Probe = Callable[[], Awaitable[str | None]]
"""Asks once; answers None if ready, else why not."""


def http_probe(client: httpx2.AsyncClient, url: str) -> Probe:
    """Ready when a GET answers 200."""

    async def probe() -> str | None:
        try:
            response = await client.get(url, timeout=PROBE_SECONDS)
        except httpx2.TimeoutException:
            return f"GET {url}: no answer within {PROBE_SECONDS:.0f} s"
        except httpx2.TransportError as error:
            return f"GET {url}: {str(error) or type(error).__name__}"
        return None if response.status_code == 200 else f"GET {url} answers {problem_text(response)}"

    return probe


async def wait_ready(child: Child, probe: Probe, seconds: float = READY_SECONDS) -> None:
    """Ask until it is ready; raises LaunchError with the last reason when the time is over.

    A child that dies meanwhile is noticed by the fleet, which ends this wait.
    """
    reason: str | None = "It has not answered yet"
    try:
        async with asyncio.timeout(seconds):
            while (reason := await probe()) is not None:  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        msg = f"{child.spec.name} is not ready after {seconds:.0f} s. {reason}.\n{child.last_words()}"
        raise LaunchError(msg) from error
