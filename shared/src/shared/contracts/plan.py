"""The plan of a document, and the names of the stored work that more than the worker reads.

It crosses a process border: the worker stores plan, evidence and section texts, and the gateway puts together from them
what is finished of a document that is not.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.contracts.commands import ReferenceStyleName
from shared.contracts.outline import Research

PLAN = "plan"
LEDGER = "ledger"
"""The evidence: sources and passages."""
PLANNING_PERCENT = 10.0
"""Of a document that is made from a prompt: how far it has come when it is planned."""
_TEXT = "text:"


def text_field(section_id: str) -> str:
    """Stored work: the finished text of a section, with evidence keys for citations."""
    return _TEXT + section_id


def section_of(field: str) -> str | None:
    """The section whose finished text the field holds; None for other stored work."""
    return field.removeprefix(_TEXT) if field.startswith(_TEXT) else None


def evidence_field(section_id: str) -> str:
    """Stored work: the passages of a section."""
    return f"evidence:{section_id}"


def facts_field(section_id: str) -> str:
    """Stored work: what is known about a finished section."""
    return f"facts:{section_id}"


def previous_field(section_id: str) -> str:
    """Stored work: the text that a section had before this job changed it."""
    return f"previous:{section_id}"


SectionRole = Literal["body", "introduction", "conclusion"]
"""Introductions and conclusions are written last, from the finished text."""


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
    role: SectionRole = "body"
    target_words: int
    evidence: list[str]
    """Keys of the passages that belong to this leaf and to no other."""
    research: Research | None = None
    """What a leaf may rest on; None in a plan from before that could be said."""
    instruction: str = ""
    """What a reader asked for when the section was to be written again."""


class Plan(_Stored):
    """Who writes what, from which evidence, how long."""

    title: str
    language: str
    task_prompt: str
    sections: list[PlannedSection]
    job: str = ""
    """The job's full name: marks around foreign text are made from it."""
    terms: list[str] = []
    """Terms that several sections share: all writers use them in the same way."""
    reference_style: ReferenceStyleName = "ieee"

    def section(self, section_id: str) -> PlannedSection:
        return next(section for section in self.sections if section.id == section_id)

    def leaves(self) -> list[PlannedSection]:
        return [section for section in self.sections if section.leaf]
