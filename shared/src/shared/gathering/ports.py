"""What a pipeline needs of whoever gathers its evidence."""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.commands import ContextFile
from shared.contracts.document import Degradation
from shared.contracts.errors import PermanentError
from shared.contracts.outline import Research
from shared.evidence.ledger import Ledger


class SearchNotConfiguredError(PermanentError):
    code = "search_not_configured"
    meaning = "The request has `research: web`, but the workers have no search provider"
    advice = "Operators: set `DRAFTLINE_SEARCH_PROVIDERS`; or ask for `context_only`"


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
        """Evidence under keys that depend on ``job``. Searches for ``queries`` only if ``research`` is ``web``.

        Raises SearchNotConfiguredError where ``research`` is ``web`` and there is no search provider.
        """
        ...
