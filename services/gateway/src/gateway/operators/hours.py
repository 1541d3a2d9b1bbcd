"""What ended in the last hour, and how long jobs waited and ran, from what the scripts count by the minute."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.contracts.states import Band, JobKind

MINUTES = 60


@dataclass(slots=True)
class Hour:
    """One kind and band, or several of them together."""

    ended: Counter[str] = field(default_factory=Counter)
    """Jobs by the state in which they ended."""
    lengths: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """``wait`` and ``run``: how many fell into which bucket."""

    def add(self, other: "Hour") -> None:
        self.ended += other.ended
        for what, buckets in other.lengths.items():
            self.lengths[what] += buckets

    def quantile(self, what: str, part: float) -> float | None:
        """Seconds that this part of the waits or runs did not exceed; None where there were none.

        The middle of a bucket of a quarter octave (measure.lua): a tenth off at most.
        """
        buckets = self.lengths.get(what, Counter())
        rest = part * buckets.total()
        for bucket, count in sorted(buckets.items()):
            rest -= count
            if rest <= 0:
                return round(float(2 ** (bucket / 4)) / 1000, 3)
        return None


def gather(tallies: Iterable[Mapping[str, int]]) -> dict[tuple[JobKind, Band], Hour]:
    """The hour of each kind and band."""
    hours = {(kind, band): Hour() for kind in JobKind for band in Band}
    for tally in tallies:
        for name, count in tally.items():
            kind, band, what, *bucket = name.split(":")
            hour = hours[JobKind(kind), Band(band)]
            if what == "wait":
                hour.lengths[what][int(bucket[0])] += count
            else:
                hour.ended[what] += count
                if bucket:
                    hour.lengths["run"][int(bucket[0])] += count
    return hours
