"""The finished document and what is known about it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.outline import Outline


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Frozen):
    """Something a passage was retrieved from."""

    id: str
    name: str = Field(description="The context file's name")
    media_type: str


class FileOutcome(_Frozen):
    """What became of one context file."""

    name: str
    status: Literal["used", "not_used", "unreadable"]
    detail: str = ""


class OutlineQuality(_Frozen):
    """Measured facts about the outline."""

    time_limited: bool = Field(default=False, description="The soft time limit kept it from being refined")


class OutlineResult(_Frozen):
    """Result of an outline job, without the usage that the settling script adds."""

    outline: Outline
    sources: list[Source]
    quality: OutlineQuality = OutlineQuality()


class SectionInfo(_Frozen):
    """One heading of the document; inner nodes count only their own words (none)."""

    id: str
    title: str
    level: int
    words: int


class Reference(_Frozen):
    """A numbered entry of the reference list."""

    number: int
    source: Source


class Document(_Frozen):
    """The document as canonical Markdown, with its parts."""

    title: str
    language: str
    markdown: str
    sections: list[SectionInfo]
    references: list[Reference]
    words: int


class SectionQuality(_Frozen):
    """What was asked of a section and what came."""

    id: str
    target_words: int
    words: int
    citations: int
    unknown_citations: int = Field(description="Citations of keys that were never given; they were removed")
    out_of_time: bool = Field(default=False, description="The soft time limit ended it before its end")


class MissingSection(_Frozen):
    """A section that the document lacks."""

    id: str
    title: str


class Quality(_Frozen):
    """Measured facts about the document, good and bad."""

    target_words: int
    words: int
    sections: list[SectionQuality]
    time_limited: bool = Field(default=False, description="The soft time limit ended it before all was written")
    missing_sections: list[MissingSection] = Field(default=[], description="Not written for want of time")
    files: list[FileOutcome]
    evidence: Literal["none", "given_not_matched", "given_not_cited", "cited"] = Field(
        description="What became of the files' passages: none came, none spoke of a section, none or some were cited"
    )


class DocumentResult(_Frozen):
    """Result of a document job, without the usage that the settling script adds."""

    document: Document
    quality: Quality
