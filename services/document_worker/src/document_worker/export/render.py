"""Makes the files a document can be had as."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from document_worker.export.csl import to_csl_json
from document_worker.export.errors import ExportFailedError
from document_worker.export.fonts import Fonts
from document_worker.export.manuscript import Manuscript, prepare
from document_worker.export.page import to_page
from document_worker.export.pdf import Typesetter, UnsettableError
from document_worker.export.reading import read, writable
from document_worker.export.references import to_bibtex
from document_worker.export.word import to_docx
from shared.contracts.commands import ReferenceStyleName
from shared.contracts.document import Document
from shared.contracts.exports import ExportFormat
from shared.language.text import is_han
from shared.sandbox import Pandoc, RenderingFailedError, Sandbox

_NOT_IN_NAMES = frozenset('/\\:*?"<>|')
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file as it is handed to a client."""

    content: bytes
    media_type: str
    file_name: str


class Exporter:
    """Makes files of documents, in limited children; keeps nothing."""

    def __init__(self, sandbox: Sandbox, pandoc: Pandoc, fonts: Fonts) -> None:
        self._pandoc = pandoc
        self._typesetter = Typesetter(sandbox, pandoc, fonts)

    async def export(self, document: Document, file_format: ExportFormat, made_at: datetime) -> ExportedFile:
        """The document in a format, dated ``made_at``.

        Raises ExportFailedError, or ExportFontMissingError where a PDF would lack letters.
        """
        try:
            content = await self._content(document, file_format, made_at)
        except UnsettableError as error:
            raise ExportFailedError(f"The PDF could not be set: {error}") from error
        except RenderingFailedError as error:
            raise ExportFailedError(error.message) from error
        return ExportedFile(content, file_format.media_type, _file_name(document.title, file_format))

    async def _content(self, document: Document, file_format: ExportFormat, made_at: datetime) -> bytes:
        match file_format:
            case ExportFormat.CSL_JSON:
                return to_csl_json(document.references)
            case ExportFormat.BIBTEX:
                return await to_bibtex(document.references, self._pandoc)
            case ExportFormat.HTML:
                return await to_page(await self._manuscript(document, made_at), self._pandoc)
            case ExportFormat.DOCX:
                return await to_docx(await self._manuscript(document, made_at), made_at, self._pandoc)
            case ExportFormat.PDF:
                return await self._pdf(document, made_at)

    async def _pdf(self, document: Document, made_at: datetime) -> bytes:
        try:
            return await self._typesetter.to_pdf(await self._manuscript(document, made_at), made_at)
        except UnsettableError:
            shown = await self._manuscript(document, made_at, formulas=False)
            return await self._typesetter.to_pdf(shown, made_at)

    async def _manuscript(self, document: Document, made_at: datetime, formulas: bool = True) -> Manuscript:
        blocks = await read(document.markdown, self._pandoc)
        return await asyncio.to_thread(prepare, document, blocks, _style_of(document), made_at, formulas)


def _style_of(document: Document) -> ReferenceStyleName:
    return document.reference_style or ("gb-t-7714-2015" if is_han(document.language) else "ieee")


def _file_name(title: str, file_format: ExportFormat) -> str:
    plain = " ".join("".join(" " if char in _NOT_IN_NAMES else char for char in writable(title)).split())
    return f"{plain[:_LONGEST_NAME].strip(' .') or 'document'}{file_format.extension}"
