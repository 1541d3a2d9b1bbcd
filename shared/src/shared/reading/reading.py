"""The child that reads context files, one after the other. Run it within limits: ``shared.reading.files`` does.

It takes an allowance and then the files on its standard input, and answers each as soon as it is read, so that what a
bad file destroys is only its own answer.
"""

import os
import signal
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

import pypdfium2
from lxml import etree

from shared.contracts.commands import ContextFile
from shared.evidence.parts import Part, ReadFile
from shared.language.text import detect_language
from shared.reading.formats import sniffing
from shared.reading.formats.content import Content, UnreadableError
from shared.reading.formats.decoding import visible
from shared.reading.formats.docx import read_docx
from shared.reading.formats.epub import read_epub
from shared.reading.formats.html import read_html
from shared.reading.formats.odt import read_odt
from shared.reading.formats.pdf import read_pdf
from shared.reading.formats.plain import read_markdown, read_plain
from shared.reading.formats.pptx import read_pptx
from shared.reading.formats.xlsx import read_xlsx
from shared.reading.frames import ALLOWANCE, ANSWER, Allowance, Answer, framed, frames

MOST_CHARACTERS = 20_000_000
READY = b"ready"
_READERS: dict[str, Callable[[bytes], Content]] = {
    sniffing.PDF: read_pdf,
    sniffing.DOCX: read_docx,
    sniffing.PPTX: read_pptx,
    sniffing.XLSX: read_xlsx,
    sniffing.EPUB: read_epub,
    sniffing.ODT: read_odt,
    sniffing.HTML: read_html,
    sniffing.MARKDOWN: read_markdown,
    sniffing.CSV: read_plain,
    sniffing.PLAIN: read_plain,
}
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, etree.LxmlError, pypdfium2.PdfiumError, KeyError, ValueError, EOFError,
    NotImplementedError,
)  # fmt: skip
_TELLING = 20_000
_A_HANDFUL = 5


def read_file(file: ContextFile) -> ReadFile:
    """The file as text, or why there is none."""
    sniffed = sniffing.Sniffed("application/octet-stream")
    try:
        raw = file.content()
        sniffed = sniffing.sniff(file, raw)
        if sniffed.refused:
            raise UnreadableError(sniffed.refused)
        return _shown(file.name, sniffed.media_type, _READERS[sniffed.media_type](raw))
    except UnreadableError as refusal:
        return ReadFile(file.name, sniffed.media_type, unreadable=refusal.reason)
    except _DAMAGED as error:
        return ReadFile(file.name, sniffed.media_type, unreadable=f"the file is damaged ({type(error).__name__})")


def _shown(name: str, media_type: str, content: Content) -> ReadFile:
    """What a file holds, without invisible characters."""
    parts: list[Part] = []
    removed = 0
    for part in content.parts:
        text, invisible = visible(part.text)
        removed += invisible
        if text.strip():
            parts.append(replace(part, text=text.strip("\n"), heading=visible(part.heading)[0]))
    if not parts:
        reason = "the file holds only hidden text" if content.warnings else "the file holds no text"
        raise UnreadableError(reason)
    if sum(len(part.text) for part in parts) > MOST_CHARACTERS:
        reason = f"the file holds more text than is allowed ({MOST_CHARACTERS:,} characters)"
        raise UnreadableError(reason)
    warnings = (*content.warnings, "invisible characters were left out") if removed > _A_HANDFUL else content.warnings
    return ReadFile(
        name,
        media_type,
        tuple(parts),
        title=visible(content.title)[0],
        authors=tuple(visible(author)[0] for author in content.authors),
        issued=content.issued,
        language=detect_language(_sample(parts)),
        warnings=warnings,
    )


def _sample(parts: list[Part]) -> str:
    sample = ""
    for part in parts:
        sample += part.text[: _TELLING - len(sample)]
        if len(sample) >= _TELLING:
            break
    return sample


def main() -> None:
    given = sys.stdin.buffer
    # What a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    messages = frames(given)
    allowance = ALLOWANCE.validate_json(next(messages))
    _say(answers, READY)
    spent = 0.0
    for message in messages:
        answer = _answer(ContextFile.model_validate_json(message), allowance, spent)
        spent += answer.seconds
        _say(answers, ANSWER.dump_json(answer))


def _answer(file: ContextFile, allowance: Allowance, spent: float) -> Answer:
    left = min(allowance.file_seconds, allowance.seconds - spent)
    if left <= 0:
        reason = "the files before it took all the time there is"
        return Answer(ReadFile(file.name, "application/octet-stream", unreadable=reason), 0.0)
    began = time.monotonic()
    # The signal's default is to kill, wherever the reader is. Who started it sees how it ended, and goes on without
    # this file.
    signal.setitimer(signal.ITIMER_REAL, left)
    read = read_file(file)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return Answer(read, time.monotonic() - began)


def _say(answers: BinaryIO, message: bytes) -> None:
    answers.write(framed([message]))
    answers.flush()


if __name__ == "__main__":
    main()
