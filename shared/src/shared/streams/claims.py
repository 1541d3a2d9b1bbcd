"""Takes jobs from the shards, each of which may be away while the others are not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.lifecycle.clock import Clock
from shared.lifecycle.pauses import Pauses
from shared.redis.failures import ANY, TIMED_OUT, UNAVAILABLE
from shared.redis.queues import Fetcher, Queues
from shared.streams.doorbell import Doorbell

log = structlog.get_logger()

REVERSE_EVERY = 8
"""One fetch in so many reads the bands from the low end, so that a steady stream of urgent jobs starves nobody."""


@dataclass(slots=True)
class _Shard:
    """What the worker knows of one shard."""

    answered: int = 0
    """Number of the last fetch whose reply came."""
    unanswered: bool = False
    """Whether a later one may have claimed something."""
    away_until: float = 0.0
    """Monotonic time before which it is left alone."""
    silent: bool = False
    """Whether it did not answer at all: asking again would hold up the others, until somebody had an answer."""
    pauses: Pauses = field(default_factory=lambda: Pauses(most=1.0))


class Claims:
    """Fetches of one worker. They are numbered, so that what a lost reply claimed can be given back."""

    def __init__(
        self, worker: str, kind: JobKind, queues: Queues, doorbell: Doorbell, clock: Clock, lease_seconds: float
    ) -> None:
        self._worker = worker
        self._kind = kind
        self._queues = queues
        self._doorbell = doorbell
        self._clock = clock
        self._lease_ms = round(lease_seconds * 1000)
        self._shards = [_Shard() for _ in range(queues.shards)]

    @property
    def all_away(self) -> bool:
        """Whether no shard answered when it was asked last."""
        return all(shard.away_until for shard in self._shards)

    def seconds_until_back(self, most: float) -> float:
        """Until a shard that is away is to be asked again, ``most`` where none is; ``reached`` tells of silent ones."""
        now = self._clock.monotonic()
        away = [shard for shard in self._shards if shard.away_until and not shard.silent]
        return min([most, *(max(0.0, shard.away_until - now) for shard in away)])

    def reached(self, number: int) -> None:
        """Somebody had an answer of the shard."""
        if self._shards[number].silent:
            self._shards[number].silent = False
            self._doorbell.ring()

    async def fetch(self, number: int, count: int, turn: int, *, suspects: bool) -> list[Claim]:
        """Up to ``count`` jobs of a shard; none while it is away. Jobs on probation only where ``suspects``."""
        shard = self._shards[number]
        if shard.silent or self._clock.monotonic() < shard.away_until:
            return []
        try:
            claims = await self._fetch(number, shard, count, turn, suspects=suspects)
        except (*UNAVAILABLE, ANY) as error:
            pause = shard.pauses.following()
            shard.away_until = self._clock.monotonic() + pause
            shard.silent = isinstance(error, TIMED_OUT)
            log.warning("fetch_failed", shard=number, error=str(error))
            return []
        shard.away_until = 0.0
        shard.pauses.reset()
        return claims

    async def _fetch(self, number: int, shard: _Shard, count: int, turn: int, *, suspects: bool) -> list[Claim]:
        bands: Sequence[Band] = list(Band)[::-1] if turn % REVERSE_EVERY == 0 else list(Band)
        if shard.unanswered:
            given_back = await self._queues.reconcile(number, self._kind, Fetcher(self._worker, shard.answered))
            log.info("reconciled", shard=number, given_back=given_back)
        shard.unanswered = True
        fetcher = Fetcher(self._worker, turn)
        fetched = await self._queues.fetch(number, self._kind, fetcher, self._lease_ms, count, bands, suspects=suspects)
        shard.unanswered = False
        shard.answered = turn
        if not self._doorbell.knows(number):
            self._doorbell.begin(number, bands, fetched.last_ids)
        return fetched.claims
