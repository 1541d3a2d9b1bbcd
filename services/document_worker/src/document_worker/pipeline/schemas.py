"""What the nodes leave for each other as stored work."""

from pydantic import BaseModel, ConfigDict

from shared.contracts.document import SectionQuality
from shared.retrieval import Passage


class _Stored(BaseModel):
    # Fields of a newer worker are passed over: during an upgrade both work on the same jobs.
    model_config = ConfigDict(frozen=True, extra="ignore")


class PlannedSection(_Stored):
    """A heading of the document, and for a leaf what is to be written under it."""

    id: str
    title: str
    level: int
    summary: str
    leaf: bool
    target_words: int
    evidence: list[str]
    """Keys of the passages that belong to this leaf and to no other."""


class Plan(_Stored):
    """Who writes what, from which evidence, how long."""

    title: str
    language: str
    task_prompt: str
    sections: list[PlannedSection]

    def section(self, section_id: str) -> PlannedSection:
        return next(section for section in self.sections if section.id == section_id)

    def leaves(self) -> list[PlannedSection]:
        return [section for section in self.sections if section.leaf]


class Evidence(_Stored):
    """The passages of one section: what its writer sees, and all it may cite."""

    passages: list[Passage]


class WrittenSection(_Stored):
    """What is known about a finished section; its text is stored by itself."""

    quality: SectionQuality


class Fused(_Stored):
    """The document before its reference list: citations are numbers, sources in their order."""

    body: str
    source_ids: list[str]
