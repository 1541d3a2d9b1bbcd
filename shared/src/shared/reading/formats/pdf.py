"""PDF, page by page, without text that its pages do not show."""

import pypdfium2
import pypdfium2.raw as pdfium

from shared.evidence.parts import Part
from shared.reading.formats.content import HIDDEN_TEXT, Content, UnreadableError, iso_date, names, one_line
from shared.reading.formats.lines import joined
from shared.reading.formats.seen import remove_hidden

_MOST_PAGES = 2_000


def read_pdf(raw: bytes) -> Content:
    """Raises UnreadableError."""
    document = _opened(raw)
    if len(document) > _MOST_PAGES:
        reason = f"the PDF has more than {_MOST_PAGES} pages"
        raise UnreadableError(reason)
    parts: list[Part] = []
    hidden = False
    for number in range(1, len(document) + 1):
        page = document[number - 1]
        text, left_out = _page_text(page)
        page.close()
        hidden = hidden or left_out
        if text.strip():
            parts.append(Part(joined(text), number))
    if not parts:
        reason = "the PDF holds only hidden text" if hidden else "the PDF holds no text, only pictures"
        raise UnreadableError(reason)
    said = document.get_metadata_dict()
    return Content(
        tuple(parts),
        title=one_line(said.get("Title")),
        authors=names([said.get("Author")]),
        issued=iso_date(said.get("CreationDate")),
        warnings=(HIDDEN_TEXT,) if hidden else (),
    )


def _opened(raw: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(raw)
    except pypdfium2.PdfiumError as error:
        encrypted = error.err_code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}
        reason = "the PDF is encrypted; send it without a password" if encrypted else "the PDF is damaged"
        raise UnreadableError(reason) from error


def _page_text(page: pypdfium2.PdfPage) -> tuple[str, bool]:
    """The text that the page shows, and whether it holds other text."""
    everything = _text(page)
    if not remove_hidden(page):
        return everything, False
    shown = _text(page)
    return shown, len("".join(shown.split())) < len("".join(everything.split()))


def _text(page: pypdfium2.PdfPage) -> str:
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_range()
        return text
    finally:
        text_page.close()
