"""Which passages speak of what: Okapi BM25 over Latin words and Han bigrams."""

import logging
from collections.abc import Sequence

import bm25s
import numpy as np

from shared.evidence.ledger import Passage
from shared.language.text import terms

_K1 = 1.5
_B = 0.75

# It sets its own level to DEBUG, so that every index would show in the logs of a service.
logging.getLogger("bm25s").setLevel(logging.WARNING)


class Ranking:
    """BM25 (Robertson and Zaragoza, 2009) with the usual k1 = 1.5, b = 0.75, over one job's passages.

    The idf is Lucene's, ``ln(1 + (N - n + 0.5) / (n + 0.5))``, which is never negative. A term counts once in a query,
    however often it stands there.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = list(passages)
        self._numbers: dict[str, int] = {}
        held = [
            [self._numbers.setdefault(term, len(self._numbers)) for term in terms(passage.text)]
            for passage in self._passages
        ]
        self._index: bm25s.BM25 | None = None
        # Where no passage holds a term there is no average length, and nothing to find.
        if self._numbers:
            self._index = bm25s.BM25(k1=_K1, b=_B, method="lucene", backend="numpy", csc_backend="numpy")
            self._index.index((held, self._numbers), create_empty_token=False, show_progress=False)

    def scores(self, query: str) -> dict[int, float]:
        """Relevance by index of passage, of those that share a term with the query."""
        asked = {self._numbers[term]: None for term in terms(query) if term in self._numbers}
        if self._index is None or not asked:
            return {}
        scored = self._index.get_scores_from_ids(list(asked))
        return {int(index): float(scored[index]) for index in np.flatnonzero(scored)}

    def best(self, query: str, count: int) -> list[Passage]:
        """The most relevant passages, best first, none that shares no term with the query."""
        scored = sorted(self.scores(query).items(), key=lambda item: (-item[1], item[0]))
        return [self._passages[index] for index, _ in scored[:count]]
