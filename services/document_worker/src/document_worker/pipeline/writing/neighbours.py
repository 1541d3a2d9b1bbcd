"""Where a section says what another says already."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from document_worker.pipeline.checks.repetition import Gram, eight_grams, repeated_sentences, without_repeats
from shared.evidence.citations import length_of, without_keys
from shared.language.markdown import paragraphs

_LEAST_LEFT = 0.5
"""A text of which less would be left says nothing but what is said: it stays, and `quality` tells."""


class Before(AbstractSet[Gram]):
    """What the sections in front of one say. All of a document share one dictionary: a set for each would grow with the
    square of their number.
    """

    def __init__(self, first: Mapping[Gram, int], position: int) -> None:
        self._first = first
        self._position = position

    def __contains__(self, gram: object) -> bool:
        return self._first.get(gram, self._position) < self._position  # type: ignore[call-overload,no-any-return]

    def __iter__(self) -> Iterator[Gram]:
        return (gram for gram, position in self._first.items() if position < self._position)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def first_said(texts: Iterable[str]) -> dict[Gram, int]:
    """Every 8-gram of a document's sections, with the position of the first that says it."""
    first: dict[Gram, int] = {}
    for position, text in enumerate(texts):
        for gram in eight_grams(text):
            first.setdefault(gram, position)
    return first


@dataclass(frozen=True, slots=True)
class Rough:
    """A block of a section that should be put in other words."""

    number: int
    text: str
    said: list[str]
    """Its sentences that others have."""


def rough_blocks(text: str, said: AbstractSet[Gram]) -> list[Rough]:
    """The blocks to reword, in reading order; none where the whole section would have to be."""
    if said_once(text, said) == text:
        return []
    found = []
    for number, block in enumerate(paragraphs(text)):
        repeated = repeated_sentences(block, said)
        if repeated:
            found.append(Rough(number, block, [without_keys(sentence).strip() for sentence in repeated]))
    return found


def said_once(text: str, said: AbstractSet[Gram] = frozenset()) -> str:
    """The text without sentences that it or others have said before, if that leaves enough of it."""
    left, removed = without_repeats(text, said)
    return left if removed and length_of(left) >= _LEAST_LEFT * length_of(text) else text
