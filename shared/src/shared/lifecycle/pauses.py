"""How long to leave alone what is away."""

import random


class Pauses:
    """Waits between tries, in seconds: at random and growing, so that a fleet does not come back in step.

    "Decorrelated jitter" of M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self, least: float = 0.1, most: float = 2.0) -> None:
        self._least = least
        self._most = most
        self._last = least

    def following(self) -> float:
        """The next wait, after another failure."""
        self._last = min(self._most, random.uniform(self._least, self._last * 3))
        return self._last

    def reset(self) -> None:
        """It answered."""
        self._last = self._least
