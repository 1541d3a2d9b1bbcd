"""Titles: without numbers of their own, short, and none twice."""

import re

from outline_worker.pipeline.quoting import opening
from shared.language.text import is_han, terms, units

LONGEST_TITLE = 120
_NUMBERING = re.compile(
    r"^\s*(?:(?:section|chapter|part)\s+(?:\d{1,2}|[IVX]+)\s*[.:)–-]\s*"
    r"|\d{1,2}(?:\.\d{1,2})*\s*[.)、]\s*"
    r"|(?:II|III|IV|VI{1,3}|IX|XI{0,3})\.\s+"
    r"|第[一二三四五六七八九十\d]+[章节][\s：:、]+)",
    re.IGNORECASE,
)
"""Only what is surely a number of the outline: ``2008: the crisis`` and ``V. S. Naipaul`` are titles."""
_NAMELESS = re.compile(
    r"^(?:(?:(?:sub)?sections?|chapter|part)\s*\d*|第[一二三四五六七八九十\d]+[章节部分]*)$", re.IGNORECASE
)
_EDGES = ' \t\n,;:：，；。"“”*#'
_HAN_PARTICLES = str.maketrans("", "", "的之了")
_NEARLY_THE_SAME = 0.8


def clean_title(title: str) -> str:
    """The title without a number of its own, since numbers are given when the document is put together.

    Of a whole paragraph it is the beginning.
    """
    return opening(_NUMBERING.sub("", title).strip(_EDGES), LONGEST_TITLE).strip(_EDGES)


def is_nameless(title: str) -> bool:
    """Whether the title is but a number."""
    return bool(_NAMELESS.match(title))


def wording(title: str) -> tuple[str, ...]:
    """A title's words without case and marks; two titles of one wording are the same."""
    return tuple(units(title)) or (title.casefold(),)


def nearly_the_same(title: str, other: str, language: str) -> bool:
    """Whether two titles hardly differ: in Chinese and Japanese by a few characters, else only in empty words."""
    first, second = _said_by(title), _said_by(other)
    if not is_han(language):
        return first == second
    return len(first & second) >= _NEARLY_THE_SAME * max(len(first), len(second))


def _said_by(title: str) -> frozenset[str]:
    # Ranking has no use for single letters and digits, but ``Phase 1`` is not ``Phase 2``.
    single = [unit for unit in units(title) if len(unit) == 1 and unit.isascii() and unit != "a"]
    return frozenset([*terms(title.translate(_HAN_PARTICLES)), *single] or wording(title))
