"""What the writing may draw on: files and search results, cut into passages, kept in a ledger under opaque keys.

The gateway reads ledgers, too: what needs more than pydantic is imported from its own module.
"""

from shared.evidence.ledger import Ledger, Passage

__all__ = ["Ledger", "Passage"]
