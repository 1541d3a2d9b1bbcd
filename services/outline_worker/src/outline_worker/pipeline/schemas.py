"""What the model is asked to fill in."""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

Line = Annotated[str, Field(min_length=2, max_length=160)]
Sentence = Annotated[str, Field(min_length=2, max_length=400)]


class Analysis(BaseModel):
    """Who reads the document, what for, and what it has to answer."""

    audience: Line
    purpose: Sentence
    questions: Annotated[list[Line], Field(min_length=3, max_length=6)]


class SubsectionDraft(BaseModel):
    """A part of a chapter."""

    title: Line
    summary: Sentence


class SectionDraft(BaseModel):
    """A chapter; without subsections it is written as one piece."""

    title: Line
    summary: Sentence
    subsections: list[SubsectionDraft] = []


class OutlineDraft(BaseModel):
    """An outline as the model proposes it."""

    title: Line
    sections: list[SectionDraft]


class _FlatSection(BaseModel):
    title: Line
    summary: Sentence


class _DeepSection(_FlatSection):
    subsections: Annotated[list[SubsectionDraft], Field(min_length=2, max_length=4)]


@lru_cache(maxsize=64)
def draft_schema(sections: int, *, deep: bool) -> type[BaseModel]:
    """The schema of a draft of about so many sections, with or without a second level."""
    item: Any = _DeepSection if deep else _FlatSection
    bounds = Field(min_length=sections, max_length=sections + 2)
    fields: dict[str, Any] = {"title": (Line, ...), "sections": (Annotated[list[item], bounds], ...)}
    return create_model("OutlineDraft", **fields)
