"""Keeps requests to one provider apart in time, where its terms ask for it."""

from shared.lifecycle.clock import Clock
from shared.search.errors import SearchUnavailableError


class Turns:
    """Hands out moments at least ``interval_seconds`` apart, to all jobs of a process."""

    def __init__(self, provider: str, interval_seconds: float, clock: Clock, *, patience_seconds: float) -> None:
        self._provider = provider
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._free_at = clock.monotonic()

    async def wait(self) -> None:
        """Return when it is the caller's turn. Raises SearchUnavailableError at once where that would
        take longer than ``patience_seconds``.
        """
        now = self._clock.monotonic()
        wait = max(0.0, self._free_at - now)
        if wait > self._patience_seconds:
            message = (
                f"The search provider {self._provider} takes a request every {self._interval_seconds:g} s, and too "
                "many wait for it."
            )
            raise SearchUnavailableError(message, wait)
        self._free_at = now + wait + self._interval_seconds
        if wait:
            await self._clock.sleep(wait)
