"""Passages by their words and, where there are vectors, by their meaning."""

import struct
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shared.evidence.ledger import Passage
from shared.evidence.ranking import Ranking

Matrix: TypeAlias = npt.NDArray[np.float32]
Rows: TypeAlias = Matrix | Sequence[Sequence[float]]
"""One vector of unit length a row."""

_FUSION = 60
_NEAREST = 50
_MAGIC = b"DLV1"
_HEADER = struct.Struct("<4sII")
_ROUNDING = 1e-6


class HybridRanking:
    """BM25 and cosine similarity, fused by Reciprocal Rank Fusion (Cormack et al., 2009; k = 60).

    Without vectors the scores are BM25's. A query's cosine speaks only for passages that stand out: at least one
    standard deviation above the mean of all passages, the 50 nearest at most. Cosines are never zero for texts that
    have nothing in common, and where they lie differs by the model (about 0.1 for one, 0.7 for another), so a fixed
    limit would let through all passages or none. Raises ValueError where the vectors are not one a passage.
    """

    def __init__(self, passages: Sequence[Passage], vectors: Rows | None = None) -> None:
        self._words = Ranking(passages)
        self._vectors = None if vectors is None or not passages else _matrix(vectors, len(passages))

    def scores(self, query: str, query_vector: Sequence[float] | None = None) -> dict[int, float]:
        """Relevance by index of passage, of those for which something speaks."""
        return self.score_all([query], None if query_vector is None else [query_vector])[0]

    def score_all(self, queries: Sequence[str], query_vectors: Rows | None = None) -> list[dict[int, float]]:
        """As ``scores``, for each query. Raises ValueError where its vectors do not go with the passages'."""
        by_words = [self._words.scores(query) for query in queries]
        if self._vectors is None or query_vectors is None or not queries:
            return by_words
        wanted = _matrix(query_vectors, len(queries))
        if wanted.shape[1] != self._vectors.shape[1]:
            msg = f"vectors of {wanted.shape[1]} components for passages of {self._vectors.shape[1]}"
            raise ValueError(msg)
        cosines = wanted @ self._vectors.T
        return [_fused(_order(words), _nearest(row)) for words, row in zip(by_words, cosines, strict=True)]


def pack(vectors: Rows) -> bytes:
    """Vectors as stored work: a header, then 16-bit floats, which order unit vectors as 32 bits do.

    Raises ValueError where they differ in length.
    """
    rows = _matrix(vectors, len(vectors)) if len(vectors) else np.empty((0, 0), np.float32)
    return _HEADER.pack(_MAGIC, *rows.shape) + rows.astype("<f2").tobytes()


def unpack(packed: bytes) -> Matrix:
    """The vectors that were packed, one a row; raises ValueError for bytes that are none."""
    if len(packed) < _HEADER.size:
        msg = "too short for packed vectors"
        raise ValueError(msg)
    magic, count, dimension = _HEADER.unpack_from(packed)
    if magic != _MAGIC or len(packed) != _HEADER.size + 2 * count * dimension:
        msg = "no packed vectors, or not all of them"
        raise ValueError(msg)
    values = np.frombuffer(packed, "<f2", offset=_HEADER.size).astype(np.float32).reshape(count, dimension)
    return _matrix(values, count)


def _matrix(vectors: Rows, count: int) -> Matrix:
    rows: Matrix = np.asarray(vectors, dtype=np.float32)
    if len(rows) != count or (count and rows.ndim != 2) or not np.isfinite(rows).all():
        msg = f"not {count} vectors of finite numbers and one length"
        raise ValueError(msg)
    return rows


def _order(scores: dict[int, float]) -> list[int]:
    return sorted(scores, key=lambda index: (-scores[index], index))


def _nearest(cosines: Matrix) -> list[int]:
    """The passages that stand out, nearest first."""
    # Of two passages the nearer one lies exactly on the limit.
    limit = max(float(cosines.mean() + cosines.std()) - _ROUNDING, _ROUNDING)
    near = np.flatnonzero(cosines >= limit)
    return [int(index) for index in near[np.argsort(-cosines[near], kind="stable")][:_NEAREST]]


def _fused(*orders: Sequence[int]) -> dict[int, float]:
    found: dict[int, float] = defaultdict(float)
    for order in orders:
        for rank, index in enumerate(order, 1):
            found[index] += 1 / (_FUSION + rank)
    return dict(found)
