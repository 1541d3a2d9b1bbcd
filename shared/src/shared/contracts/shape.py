"""How many sections, chapters and subsections a length asks for, and how long each is to be."""

import math
from dataclasses import dataclass

from shared.contracts.outline import OutlineNode, apportioned
from shared.contracts.roles import frame_titles

WORDS_PER_LEAF = 250
"""Where neither the outline nor the request says how long."""
DEFAULT_TARGET_WORDS = 1_500
"""Of a document whose request does not say how long."""
DEEP_FROM_WORDS = 3_000
"""From this length on, chapters have subsections."""
FRAMED_FROM_WORDS = 700
"""From this length on, there is an introduction and a conclusion."""
INTRODUCTION_SHARE, CONCLUSION_SHARE = 0.08, 0.07
_BODY_SHARE = 1 - INTRODUCTION_SHARE - CONCLUSION_SHARE
_WORDS_PER_SECTION = 220
_WORDS_PER_CHAPTER = 660
_WORDS_PER_SUBSECTION = 350
"""On average: of weight 3 it then has no more than about 450 words, which one answer of a model keeps."""
_FEWEST_CHAPTERS, _MOST_SECTIONS = 6, 12
_FEWEST_SUBSECTIONS, _MOST_SUBSECTIONS = 2, 4
_USUAL_ENTRY_TOKENS = 80
_LONGEST_ENTRY_TOKENS = 160


@dataclass(frozen=True, slots=True)
class Shape:
    """What is asked of the model: sections, each with so many subsections (0: with none)."""

    sections: int
    subsections: int

    @property
    def answer_tokens(self) -> int:
        """What a plan of this shape takes at most, in tokens."""
        return 300 + _LONGEST_ENTRY_TOKENS * self.sections * (1 + self.subsections)


def is_framed(language: str, target_words: int) -> bool:
    """Whether an introduction and a conclusion are added to what the model plans."""
    return target_words >= FRAMED_FROM_WORDS and frame_titles(language) is not None


def shape_of(target_words: int, answer_tokens: int, *, framed: bool) -> Shape:
    """The shape for a length, no larger than one answer of the model can hold."""
    body = target_words * _BODY_SHARE if framed else target_words
    entries = max(_FEWEST_CHAPTERS, answer_tokens // _USUAL_ENTRY_TOKENS)
    if target_words < DEEP_FROM_WORDS:
        return Shape(min(max(3, round(body / _WORDS_PER_SECTION)), _MOST_SECTIONS, entries), 0)
    room = entries // (1 + _FEWEST_SUBSECTIONS)
    if room < _FEWEST_CHAPTERS:
        # Chapters cost a small model the room that its sections need.
        return Shape(min(max(_FEWEST_CHAPTERS, round(body / _WORDS_PER_SUBSECTION)), entries), 0)
    chapters = min(max(_FEWEST_CHAPTERS, round(target_words / _WORDS_PER_CHAPTER)), _MOST_SECTIONS, room)
    wished = math.ceil(body / chapters / _WORDS_PER_SUBSECTION)
    most = min(_MOST_SUBSECTIONS, entries // chapters - 1)
    return Shape(chapters, min(max(_FEWEST_SUBSECTIONS, wished), most))


def budgets(leaves: list[OutlineNode], total: int | None) -> dict[str, int]:
    """Words for each leaf, by its id. A total of the request is kept exactly, in the outline's proportions."""
    wished = {leaf.id or "": float(leaf.target_words or 0) for leaf in leaves}
    known = [words for words in wished.values() if words]
    usual = sum(known) / len(known) if known else (total or WORDS_PER_LEAF * len(leaves)) / len(leaves)
    weights = {name: words or usual for name, words in wished.items()}
    whole = total or round(sum(weights.values()))
    return apportioned(weights, max(whole, len(leaves)))
