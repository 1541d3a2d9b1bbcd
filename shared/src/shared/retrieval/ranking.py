"""Which passages speak of what: Okapi BM25 over Latin words and Han bigrams."""

import math
from collections import Counter
from collections.abc import Sequence

from shared.retrieval.ledger import Passage
from shared.retrieval.text import terms

_K1 = 1.5
_B = 0.75


class Ranking:
    """BM25 (Robertson and Zaragoza, 2009) with the usual k1 = 1.5, b = 0.75, over one job's passages."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = list(passages)
        self._counts = [Counter(terms(passage.text)) for passage in passages]
        self._lengths = [sum(counts.values()) for counts in self._counts]
        self._average = sum(self._lengths) / len(self._lengths) if self._lengths else 0.0
        self._holders = Counter(term for counts in self._counts for term in counts)

    def scores(self, query: str) -> list[float]:
        """Relevance of each passage to the query; 0 where they share no term."""
        wanted = set(terms(query))
        return [self._score(wanted, counts, length) for counts, length in zip(self._counts, self._lengths, strict=True)]

    def best(self, query: str, count: int) -> list[Passage]:
        """The most relevant passages, best first, none that shares no term with the query."""
        scored = sorted(zip(self.scores(query), range(len(self._passages)), strict=True), key=lambda item: -item[0])
        return [self._passages[index] for score, index in scored[:count] if score > 0]

    def _score(self, wanted: set[str], counts: Counter[str], length: int) -> float:
        score = 0.0
        for term in wanted & counts.keys():
            holders = self._holders[term]
            idf = math.log(1 + (len(self._passages) - holders + 0.5) / (holders + 0.5))
            weight = counts[term] * (_K1 + 1) / (counts[term] + _K1 * (1 - _B + _B * length / self._average))
            score += idf * weight
        return score
