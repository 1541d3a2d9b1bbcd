"""The evidence of a job: every passage under an opaque key that no model can guess and no edit can shift."""

import hashlib
import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from shared.contracts.document import Source
from shared.retrieval.files import ReadFile

PASSAGE_CHARACTERS = 900
_PARAGRAPHS = re.compile(r"\n\s*\n")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


class Passage(BaseModel):
    """A span of a source, citable by its key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    source_id: str
    offset: int
    """Where the span begins in the file's text, in characters."""
    text: str


class Ledger(BaseModel):
    """All sources and passages of a job; only ever appended to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sources: list[Source]
    passages: list[Passage]
    unreadable: list[tuple[str, str]]
    """Name and reason."""

    def source(self, source_id: str) -> Source:
        return next(source for source in self.sources if source.id == source_id)


def build_ledger(job: str, files: Sequence[ReadFile]) -> Ledger:
    """Cut every readable file into passages. Keys depend on the job, so that none is known beforehand."""
    sources: list[Source] = []
    passages: list[Passage] = []
    keys: set[str] = set()
    for number, file in enumerate(files, 1):
        if file.unreadable:
            continue
        source = Source(id=f"file-{number}", name=file.name, media_type=file.media_type)
        sources.append(source)
        for offset, text in _cut(file.text):
            key = _key(f"{job}\0{source.id}\0{offset}\0{text}", keys)
            passages.append(Passage(key=key, source_id=source.id, offset=offset, text=text))
    unreadable = [(file.name, file.unreadable) for file in files if file.unreadable]
    return Ledger(sources=sources, passages=passages, unreadable=unreadable)


def _key(seed: str, taken: set[str]) -> str:
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(6, len(digest)):
        key = f"S{digest[:length]}"
        if key not in taken:
            taken.add(key)
            return key
    msg = "two passages with one digest"
    raise ValueError(msg)


def _cut(text: str) -> list[tuple[int, str]]:
    """Spans of about PASSAGE_CHARACTERS, cut between paragraphs, else sentences, else anywhere."""
    spans: list[tuple[int, str]] = []
    for start, end in _ranges(text):
        piece = text[start:end].strip()
        if piece:
            spans.append((start + len(text[start:end]) - len(text[start:end].lstrip()), piece))
    return spans


def _ranges(text: str) -> list[tuple[int, int]]:
    cuts = sorted({match.end() for pattern in (_PARAGRAPHS, _SENTENCES) for match in pattern.finditer(text)})
    paragraph_ends = {match.end() for match in _PARAGRAPHS.finditer(text)}
    ranges: list[tuple[int, int]] = []
    start = previous = 0
    for cut in [*cuts, len(text)]:
        if cut - start > PASSAGE_CHARACTERS and previous > start:
            ranges.append((start, previous))
            start = previous
        while cut - start > PASSAGE_CHARACTERS:
            ranges.append((start, start + PASSAGE_CHARACTERS))
            start += PASSAGE_CHARACTERS
        if cut in paragraph_ends and cut - start > PASSAGE_CHARACTERS // 2:
            ranges.append((start, cut))
            start = cut
        previous = cut
    ranges.append((start, len(text)))
    return ranges
