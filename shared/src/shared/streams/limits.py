"""How long a job may be worked on: the time of all attempts of a run counts, the waiting between them does not."""

from dataclasses import dataclass

from shared.contracts.jobs import Claim
from shared.settings import WorkerSettings

LAST_TEXTS_SECONDS = 60.0
"""After the soft limit: how long texts that are being written may take to come to their end, at most."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Of one attempt, as monotonic times."""

    soft_at: float
    """From here on nothing new is begun."""
    texts_at: float
    """Texts that are being written end here, where they are."""
    hard_at: float
    """The job fails."""

    @classmethod
    def of(cls, claim: Claim, settings: WorkerSettings, claimed_at: float) -> "TimeLimits":
        """The request's own limits, else the worker's; a longer soft limit moves the hard one with it."""
        margin = settings.hard_time_limit_seconds - settings.soft_time_limit_seconds
        asked = claim.soft_limit_seconds
        hard = claim.hard_limit_seconds or max(settings.hard_time_limit_seconds, (asked or 0.0) + margin)
        soft = min(asked or settings.soft_time_limit_seconds, hard)
        began = claimed_at - claim.worked_seconds
        texts = soft + min((hard - soft) / 2, LAST_TEXTS_SECONDS)
        return cls(began + soft, began + texts, began + hard)
