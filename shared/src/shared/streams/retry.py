"""When a failed job is tried again."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff: base, doubling, a cap, and a fifth of jitter either way. In seconds."""

    base_seconds: float
    cap_seconds: float

    def after(self, attempt: int, asked_seconds: float | None, random: Callable[[], float]) -> float:
        """Wait after the given attempt (1 is the first); never shorter than what the model asked for."""
        # A large exponent would overflow long after the cap is reached.
        doubled = self.base_seconds * 2.0 ** min(attempt - 1, 60)
        waited = min(self.cap_seconds, doubled * (0.8 + 0.4 * random()))
        return max(waited, asked_seconds or 0.0)
