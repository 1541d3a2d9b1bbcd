"""What the writing of one section rests on."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from document_worker.pipeline.standing import Standing
from document_worker.pipeline.state import DocumentContext
from shared.contracts.plan import Plan, PlannedSection
from shared.retrieval import Passage
from shared.retrieval.claims import Weights
from shared.retrieval.repetition import Gram


@dataclass(frozen=True)
class Assignment:
    """One section of one document, for one attempt."""

    context: DocumentContext
    plan: Plan
    planned: PlannedSection
    evidence: list[Passage]
    addresses: Collection[str] = ()
    """Addresses of its sources: all that the text may link to."""
    digest: str = ""
    """For an introduction or a conclusion: the document it belongs to."""
    said: AbstractSet[Gram] = frozenset()
    """What the rest of the document says already, where that is known."""
    standing: Standing | None = None
    """Where the section is written again."""

    @cached_property
    def spans(self) -> dict[str, str]:
        """The passages by their keys."""
        return {passage.key: passage.text for passage in self.evidence}

    @cached_property
    def weights(self) -> Weights:
        return Weights(self.spans.values())

    @property
    def contents_tokens(self) -> int:
        """How much of a prompt the table of contents may take."""
        return self.context.context_tokens // 10
