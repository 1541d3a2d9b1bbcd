"""Brings a text down to its length by whole sentences. Adds no word and cuts none in two."""

import re
from dataclasses import dataclass

from shared.evidence.citations import cited_in, length_of
from shared.language.markdown import paragraphs
from shared.language.text import sentence_spans

LONG = 1.08
"""Times the budget: a longer text is shortened."""
SHORT = 0.88
"""Times the budget: a shorter text is written on."""
LEAST_WORDS = 40
"""Below this a sentence more or less is most of the difference."""
_AIM = 1.03
_WHOLE = re.compile(r"\s*(?:```|~~~|\||[-*+]\s|\d+[.)]\s|>|\$\$|#{1,6}\s)")
"""Blocks that stay together or go together: code, tables, lists, quotations, formulas, headings."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is kept or left out as a whole."""

    block: int
    text: str
    words: int
    cites: bool


def too_long(words: int, target: int) -> bool:
    return target >= LEAST_WORDS and words > target * LONG


def too_short(words: int, target: int) -> bool:
    return target >= LEAST_WORDS and words < target * SHORT


def shortened(text: str, target: int) -> str:
    """The text from its beginning, as many whole sentences as come nearest to the target.

    The first sentence that cites stays in, wherever it stands, since a text without any evidence is worth less than
    one without its third paragraph.
    """
    units = _units(text)
    room = round(target * _AIM)
    citing = next((unit for unit in units if unit.cites), None)
    if citing is not None:
        room -= citing.words
    kept: list[_Unit] = []
    for unit in units:
        if unit is citing:
            kept.append(unit)
            continue
        if unit.words > room:
            # A little over the target is nearer to it than far below.
            if kept and unit.words - room < room:
                kept.append(unit)
            break
        room -= unit.words
        kept.append(unit)
    if citing is not None and citing not in kept:
        kept.append(citing)
    return _joined(kept) if kept else text


def _units(text: str) -> list[_Unit]:
    units: list[_Unit] = []
    for number, block in enumerate(paragraphs(text)):
        whole = bool(_WHOLE.match(block))
        pieces = [block] if whole else [block[start:end] for start, end in sentence_spans(block)]
        units.extend(_Unit(number, piece, length_of(piece), bool(cited_in(piece))) for piece in pieces)
    return units


def _joined(units: list[_Unit]) -> str:
    blocks: dict[int, str] = {}
    for unit in units:
        blocks[unit.block] = blocks.get(unit.block, "") + unit.text
    return "\n\n".join(block.strip() for block in blocks.values() if block.strip())
