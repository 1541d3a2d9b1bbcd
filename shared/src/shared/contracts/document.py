"""The finished document and what is known about it."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema
from pydantic_core.core_schema import literal_schema

from shared.contracts.commands import ReferenceStyleName
from shared.contracts.outline import Outline


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


SourceKind = Literal["file", "webpage", "article", "preprint", "report", "book", "thesis"]


class DegradationCode(StrEnum):
    """What was done less well than it could have been; documented in docs/quality.md."""

    NO_EMBEDDINGS = "no_embeddings"
    EMBEDDINGS_FAILED = "embeddings_failed"
    SEARCH_FAILED = "search_failed"
    SEARCH_EMPTY = "search_empty"
    TIME_LIMITED = "time_limited"
    USAGE_ESTIMATED = "usage_estimated"
    WRONG_LANGUAGE = "wrong_language"
    BUDGET_LIMITED = "budget_limited"


class Author(_Frozen):
    """A person by family and given name, or anything else by ``literal``: an institution, a Chinese name."""

    family: str = ""
    given: str = ""
    literal: str = ""


class Source(_Frozen):
    """Something a passage was retrieved from; what is not known of it is empty."""

    id: str
    name: str = Field(description="The context file's name, or the title of what was found")
    media_type: str
    kind: SourceKind = "file"
    title: str = ""
    authors: list[Author] = []
    issued: str = Field(default="", description="Year, year-month or date (ISO 8601)")
    container: str = Field(default="", description="Journal, proceedings or web site")
    publisher: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    url: str = ""
    accessed: str = Field(default="", description="Date of retrieval (ISO 8601)")
    language: str = Field(default="", description="BCP 47")
    provider: str = Field(default="files", description="Who found it: `files` or a search provider")


class FileOutcome(_Frozen):
    """What became of one context file."""

    name: str
    status: Literal["used", "not_used", "unreadable"]
    detail: str = ""
    warnings: list[str] = Field(default=[], description="What was left out of it and why, such as hidden text")


class Degradation(_Frozen):
    """Something that was done less well than it could have been, and why."""

    # No DegradationCode: an enum would become a component of its own in the API's description.
    code: Annotated[str, GetPydanticSchema(lambda _, __: literal_schema([each.value for each in DegradationCode]))]
    message: str


class OutlineQuality(_Frozen):
    """Measured facts about the outline."""

    time_limited: bool = Field(default=False, description="The soft time limit kept it from being refined")
    files: list[FileOutcome] = []
    degradations: list[Degradation] = []


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
    text: str = Field(default="", description="The entry in the reference style, as one line of Markdown")


class Document(_Frozen):
    """The document as canonical Markdown, with its parts."""

    title: str
    language: str
    markdown: str
    sections: list[SectionInfo]
    references: list[Reference]
    words: int
    reference_style: ReferenceStyleName | None = Field(default=None, description="How the entries are written")


Verdict = Literal["supported", "weak", "unsupported"]


class Claim(_Frozen):
    """A sentence that cites, held against the passages it cites."""

    section_id: str
    sentence: str
    numbers: list[int] = Field(description="The references it cites")
    verdict: Verdict
    why: str = ""
    locators: list[str] = Field(default=[], description="Where the passages stand in their sources, such as `p. 3`")


class Claims(_Frozen):
    """How far the cited sentences rest on what they cite."""

    supported: int = 0
    weak: int = 0
    unsupported: int = 0
    doubtful: list[Claim] = Field(default=[], description="Every weak or unsupported sentence")
    judge: Literal["offline", "model"] = Field(default="offline", description="Who decided")


class LanguageCheck(_Frozen):
    """Whether the document is written in the language asked for."""

    expected: str
    matches: bool = True
    other_sections: list[str] = Field(default=[], description="Ids of sections that seem to be in another language")


class Repetition(_Frozen):
    """Runs of eight words (or eight Han characters) that occur more than once in the document."""

    share: float = Field(default=0.0, description="Share of the 8-grams that repeat an earlier one")
    examples: list[str] = []


class Score(_Frozen):
    """0 to 100, from parts of 0 to 1; docs/quality.md says how each is made and weighs."""

    value: float
    parts: dict[str, float]


class SectionQuality(_Frozen):
    """What was asked of a section and what came."""

    id: str
    target_words: int
    words: int
    citations: int
    unknown_citations: int = Field(description="Citations of keys that were never given; they were removed")
    out_of_time: bool = Field(default=False, description="The soft time limit ended it before its end")
    evidence: int = Field(default=0, description="Passages its writer was given")
    attributed: int = Field(
        default=0, description="Citations set by matching sentences with passages, not by the model"
    )
    leftovers: int = Field(
        default=0, description="Lines that repeated the instructions to the model or began with an empty mark; removed"
    )
    repaired: list[str] = Field(default=[], description="Faults of the first draft for which it was written again")


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
        description="What became of the passages: none came, none spoke of a section, none or some were cited"
    )
    claims: Claims = Claims()
    repetition: Repetition = Repetition()
    language: LanguageCheck | None = None
    degradations: list[Degradation] = []
    score: Score | None = None


class RevisionInfo(_Frozen):
    """Of a document in which one section was written again."""

    parent_job_id: str
    root_job_id: str = Field(description="The first document of the line; `GET /jobs/{job_id}/versions` lists it")
    section_id: str
    changed_sections: list[str] = Field(description="The section, and neighbours whose transition it broke")


class DocumentResult(_Frozen):
    """Result of a document job, without the usage that the settling script adds."""

    document: Document
    quality: Quality
    revision: RevisionInfo | None = None
