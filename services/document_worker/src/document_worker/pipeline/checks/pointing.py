"""Where a text points at the section beside it, and at what that section no longer says.

English and Chinese only. Few sentences are found, and those for a reason: a document loses less by a stale pointer than
by an edit that nobody asked for.
"""

import re
from typing import Literal

from shared.evidence.citations import without_keys
from shared.language.text import sentence_spans, terms

_PLACE = r"(?:sub)?(?:section|chapter|part)"
_SAID = r"(?:defined|described|discussed|explained|introduced|listed|mentioned|noted|outlined|said|seen|shown|stated)"
_POINTERS = {
    "back": re.compile(
        rf"\b(?:the|this|our)\s+(?:previous|preceding|foregoing|last)\s+{_PLACE}\b|\bthe\s+{_PLACE}\s+(?:above|before)\b"
        rf"|\b{_SAID}\s+(?:above|earlier|before)\b|\b(?:aforementioned|above-mentioned)\b"
        r"|上文|前文|上一[节節章]|前一[节節章]|[上前]一部分|如[前上]所述|前面(?:一[节節章]|提到|[说說][过過到])",
        re.IGNORECASE,
    ),
    "ahead": re.compile(
        rf"\b(?:the|this|our)\s+(?:next|following|coming|subsequent)\s+{_PLACE}\b|\bthe\s+{_PLACE}\s+(?:below|after)\b"
        rf"|\b{_SAID}\s+(?:below|later|next)\b"
        r"|下文|[后後]文|下一[节節章]|[后後]一[节節章]|[下后後]一部分",
        re.IGNORECASE,
    ),
}
_FEWEST = 2
"""Terms that tell what a pointer means; one may be there by chance."""

Direction = Literal["back", "ahead"]


def outdated(block: str, direction: Direction, before: str, now: str) -> list[str]:
    """The sentences of a block that point in a direction, at a section that read ``before`` and reads ``now``, where
    less than half of the terms they took up from it are left.
    """
    had, has = set(terms(without_keys(before))), set(terms(without_keys(now)))
    found = []
    for start, end in sentence_spans(block):
        sentence = without_keys(block[start:end])
        said, pointers = _POINTERS[direction].subn(" ", sentence)
        taken = had.intersection(terms(said)) if pointers else set()
        if len(taken) >= _FEWEST and 2 * len(taken & has) < len(taken):
            found.append(" ".join(sentence.split()))
    return found
