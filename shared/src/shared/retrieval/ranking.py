"""Which passages speak of what: Okapi BM25 over Latin words and Han bigrams."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from shared.retrieval.ledger import Passage
from shared.retrieval.text import terms

_K1 = 1.5
_B = 0.75


class Ranking:
    """BM25 (Robertson and Zaragoza, 2009) with the usual k1 = 1.5, b = 0.75, over one job's passages.

    An inverted index: a query touches the passages that hold one of its terms, and no others.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = list(passages)
        self._lengths: list[int] = []
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index, passage in enumerate(passages):
            counts = Counter(terms(passage.text))
            self._lengths.append(sum(counts.values()))
            for term, count in counts.items():
                self._postings[term].append((index, count))
        self._average = sum(self._lengths) / len(self._lengths) if self._lengths else 0.0

    def scores(self, query: str) -> dict[int, float]:
        """Relevance by index of passage, of those that share a term with the query."""
        found: dict[int, float] = defaultdict(float)
        for term in set(terms(query)):
            holders = self._postings.get(term, [])
            idf = math.log(1 + (len(self._passages) - len(holders) + 0.5) / (len(holders) + 0.5))
            for index, count in holders:
                norm = _K1 * (1 - _B + _B * self._lengths[index] / self._average)
                found[index] += idf * count * (_K1 + 1) / (count + norm)
        return found

    def best(self, query: str, count: int) -> list[Passage]:
        """The most relevant passages, best first, none that shares no term with the query."""
        scored = sorted(self.scores(query).items(), key=lambda item: (-item[1], item[0]))
        return [self._passages[index] for index, _ in scored[:count]]
