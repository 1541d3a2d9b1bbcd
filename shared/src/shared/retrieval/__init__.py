"""What the writing may draw on: context files, cut into passages, ranked, kept in a ledger under opaque keys."""

from shared.retrieval.files import ReadFile, read_files
from shared.retrieval.ledger import Ledger, Passage, build_ledger
from shared.retrieval.ranking import Ranking

__all__ = ["Ledger", "Passage", "Ranking", "ReadFile", "build_ledger", "read_files"]
