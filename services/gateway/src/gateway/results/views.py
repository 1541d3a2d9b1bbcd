"""Results as the API shows them."""

from typing import Literal

from pydantic import BaseModel

from shared.contracts.document import Document, DocumentResult, MissingSection, OutlineResult
from shared.contracts.errors import JobError
from shared.contracts.states import JobState
from shared.contracts.usage import Usage


class OutlineJobResult(OutlineResult):
    """Result of an outline job."""

    usage: Usage


class DocumentJobResult(DocumentResult):
    """Result of a document job."""

    usage: Usage


class PartialDocumentResult(BaseModel):
    """The finished sections of a document that is not: one document, with citations and reference list of its own."""

    partial: Literal[True] = True
    status: JobState
    document: Document
    missing_sections: list[MissingSection]
    error: JobError | None
    usage: Usage
