"""What a pipeline needs of whoever gathers its evidence."""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.commands import ContextFile
from shared.contracts.document import Degradation
from shared.contracts.outline import Research
from shared.retrieval.ledger import Ledger


class Gathered(Protocol):
    """The evidence, and what was done less well than it could have been."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def degradations(self) -> tuple[Degradation, ...]: ...


class Gatherer(Protocol):
    """Reads context files and searches."""

    async def gather(
        self, job: str, files: Sequence[ContextFile], queries: Sequence[str], research: Research
    ) -> Gathered:
        """Evidence under keys that depend on ``job``. Searches for ``queries`` only if ``research`` is ``web``."""
        ...
