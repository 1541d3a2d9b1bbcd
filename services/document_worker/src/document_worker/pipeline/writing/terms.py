"""Names that several sections share, so that all writers spell them alike."""

import re
from collections import Counter

from shared.contracts.outline import Outline

_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b(?:[A-Z][\w&-]*[A-Z][\w&-]*|[A-Z][a-z]+(?:\s[A-Z][a-z]+)+)\b", re.MULTILINE)
"""Acronyms and capitals inside a word; names of several words. Not at the beginning of a sentence."""
_QUOTED = re.compile(r"[“「『《]([^”」』》]{2,30})[”」』》]")
_MOST = 12


def shared_terms(outline: Outline) -> list[str]:
    """Names and quoted terms in the titles and summaries of at least two nodes, the commonest first."""
    counts: Counter[str] = Counter()
    for node, _ in outline.walk():
        text = f"{node.title}\n{node.summary}"
        counts.update({*_NAME.findall(text), *_QUOTED.findall(text)})
    return [term for term, count in counts.most_common(_MOST) if count > 1]
