"""Which section gets which passage of the evidence, where each passage is for one section only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

_ENOUGH = 0.25
"""Of a passage's best score in any section; where it says less, it is another section's evidence."""


def deal(scores: Sequence[Mapping[int, float]], sizes: Sequence[int], room: int, most: int) -> list[list[int]]:
    """The passages of each section, best first; no passage twice.

    ``scores`` are each section's, by index of passage; ``sizes`` the passages', in tokens. A section holds at most
    ``most`` passages of ``room`` tokens together. Sections draw in rounds, one passage each, so that none hoards; a
    passage goes only where it scores at least a quarter of its best. In the end, sections without any look again.

    A section stays empty only where each passage that scores above zero for it, and fits, is held by another section
    that holds nothing else, or is held and scores below a quarter of its best here.
    """
    best: dict[int, float] = {}
    for section in scores:
        for passage, score in section.items():
            best[passage] = max(best.get(passage, 0.0), score)
    table = _Table(sizes, room, most, len(scores))
    wanted = [
        _ranked({passage: score for passage, score in section.items() if score >= _ENOUGH * best[passage]})
        for section in scores
    ]
    _draw(table, wanted)
    for number in _by_hope(table, scores):
        table.rescue(number, scores[number], best)
    return table.hands


class _Table:
    """What is dealt so far."""

    def __init__(self, sizes: Sequence[int], room: int, most: int, sections: int) -> None:
        self.hands: list[list[int]] = [[] for _ in range(sections)]
        self._sizes = sizes
        self._left = [room] * sections
        self._most = most
        self._holders: dict[int, int] = {}

    def may_take(self, number: int, passage: int) -> bool:
        return passage not in self._holders and self._fits(number, passage)

    def take(self, number: int, passage: int) -> None:
        self._holders[passage] = number
        self.hands[number].append(passage)
        self._left[number] -= self._sizes[passage]

    def rescue(self, number: int, section: Mapping[int, float], best: Mapping[int, float]) -> None:
        """A passage for an empty section: one that nobody holds, or one that another can spare."""
        for score, passage in _ranked(section):
            if not self._fits(number, passage):
                continue
            holder = self._holders.get(passage)
            if holder is not None:
                if len(self.hands[holder]) == 1 or score < _ENOUGH * best[passage]:
                    continue
                self.hands[holder].remove(passage)
                self._left[holder] += self._sizes[passage]
            self.take(number, passage)
            return

    def _fits(self, number: int, passage: int) -> bool:
        return len(self.hands[number]) < self._most and self._sizes[passage] <= self._left[number]


def _draw(table: _Table, wanted: Sequence[Sequence[tuple[float, int]]]) -> None:
    """Rounds, until nobody takes anything. What could not be taken once cannot be later: it is held, or too large."""
    offers = [_takeable(table, number, ranked) for number, ranked in enumerate(wanted)]
    heads = _next_of_each(offers, range(len(offers)))
    while heads:
        for number, head in sorted(heads.items(), key=lambda item: (-item[1][0], item[0])):
            entry = head if table.may_take(number, head[1]) else next(offers[number], None)
            if entry is not None:
                table.take(number, entry[1])
        heads = _next_of_each(offers, heads)


def _next_of_each(
    offers: Sequence[Iterator[tuple[float, int]]], numbers: Iterable[int]
) -> dict[int, tuple[float, int]]:
    found = {number: next(offers[number], None) for number in numbers}
    return {number: head for number, head in found.items() if head is not None}


def _takeable(table: _Table, number: int, ranked: Sequence[tuple[float, int]]) -> Iterator[tuple[float, int]]:
    return (entry for entry in ranked if table.may_take(number, entry[1]))


def _by_hope(table: _Table, scores: Sequence[Mapping[int, float]]) -> list[int]:
    """The empty sections, those with the best score first."""
    empty = [number for number, hand in enumerate(table.hands) if not hand]
    return sorted(empty, key=lambda number: (-max(scores[number].values(), default=0.0), number))


def _ranked(section: Mapping[int, float]) -> list[tuple[float, int]]:
    """Score and passage, best first, of those that score above zero."""
    found = [(score, passage) for passage, score in section.items() if score > 0]
    return sorted(found, key=lambda entry: (-entry[0], entry[1]))
