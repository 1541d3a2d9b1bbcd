"""Why a file cannot be made of a document."""

from shared.contracts.errors import PermanentError


class ExportFailedError(PermanentError):
    code = "export_failed"
    meaning = "The file could not be made of this document"
    advice = "Read the message; ask for another form"


class ExportFontMissingError(PermanentError):
    code = "export_font_missing"
    meaning = "The document has letters for which the worker has no font"
    advice = "Ask for HTML or DOCX"
