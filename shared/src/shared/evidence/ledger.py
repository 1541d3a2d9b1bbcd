"""The evidence of a job: every passage under an opaque key that no model can guess and no edit can shift."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from shared.contracts.document import Author, Source
from shared.evidence.parts import Part, ReadFile

PASSAGE_CHARACTERS = 900
_PARAGRAPHS = re.compile(r"\n\s*\n")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])(?![”’」』）])|(?<=[。！？][”’」』）])")
"""Latin sentences end before a space, Chinese ones behind their stop and what closes with it."""


class Passage(BaseModel):
    """A span of a source, citable by its key. It crosses no heading and no page."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    source_id: str
    offset: int
    """Where the span begins in the file's text, in characters."""
    text: str
    page: int | None = None
    heading: str = ""
    """The headings above it, such as ``2 Methods > Data``."""

    @property
    def locator(self) -> str:
        """Where a reader finds it."""
        return locator(self.page, self.heading)


class Ledger(BaseModel):
    """All sources and passages of a job; only ever appended to."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sources: list[Source]
    passages: list[Passage]
    unreadable: list[tuple[str, str]]
    """Name and reason."""
    warnings: list[tuple[str, str]] = []
    """Name of a file, and what was left out of it."""

    def source(self, source_id: str) -> Source:
        return next(source for source in self.sources if source.id == source_id)

    def extended(self, other: "Ledger") -> "Ledger":
        """This ledger with what only the other holds behind it. What is here keeps its ids and keys; a source or a
        passage of the other whose id or key stands here for something else gets a longer one.
        """
        sources = {source.id: source for source in self.sources}
        renamed = {}
        for source in other.sources:
            name = renamed[source.id] = _free_name(source, sources)
            sources[name] = source.model_copy(update={"id": name})
        standing = {passage.key: passage for passage in self.passages}
        taken = set(standing)
        passages = list(self.passages)
        for found in other.passages:
            passage = found.model_copy(update={"source_id": renamed[found.source_id]})
            here = standing.get(passage.key)
            if here is not None and (here.source_id, here.offset) == (passage.source_id, passage.offset):
                continue
            key = _key(_seed(passage.key, passage), taken) if passage.key in taken else passage.key
            taken.add(key)
            passages.append(passage if key == passage.key else passage.model_copy(update={"key": key}))
        return Ledger(
            sources=list(sources.values()),
            passages=passages,
            unreadable=list(dict.fromkeys([*self.unreadable, *other.unreadable])),
            warnings=list(dict.fromkeys([*self.warnings, *other.warnings])),
        )


def _free_name(source: Source, known: Mapping[str, Source]) -> str:
    """An id under which nothing stands, or this very source."""
    name, number = source.id, 1
    while name in known and known[name] != source.model_copy(update={"id": name}):
        number += 1
        name = f"{source.id}-{number}"
    return name


def locator(page: int | None, heading: str) -> str:
    """A place in a source, such as ``p. 3`` or ``§ 2 Methods``; empty where it has neither."""
    return ", ".join([*([] if page is None else [f"p. {page}"]), *([f"§ {heading}"] if heading else [])])


def build_ledger(job: str, files: Sequence[ReadFile]) -> Ledger:
    """Cut every readable file into passages. Keys depend on the job, so that none is known beforehand."""
    return ledger_of(job, [(_source(f"file-{number}", file), file) for number, file in enumerate(files, 1)])


def ledger_of(job: str, read: Sequence[tuple[Source, ReadFile]]) -> Ledger:
    """As ``build_ledger``, for sources that are described already."""
    passages: list[Passage] = []
    taken: set[str] = set()
    for source, file in read:
        if not file.unreadable:
            passages += passages_of(job, source.id, file.parts, taken)
    files = [file for _, file in read]
    return Ledger(
        sources=[source for source, file in read if not file.unreadable],
        passages=passages,
        unreadable=[(file.name, file.unreadable) for file in files if file.unreadable],
        warnings=[(file.name, warning) for file in files for warning in file.warnings],
    )


def passages_of(job: str, source_id: str, parts: Sequence[Part], taken: set[str]) -> list[Passage]:
    """A source's text as passages; the keys they get are added to those that are ``taken``."""
    passages: list[Passage] = []
    begin = 0
    for part in parts:
        for offset, text in _cut(part.text):
            passage = Passage(
                key="", source_id=source_id, offset=begin + offset, text=text, page=part.page, heading=part.heading
            )
            passages.append(passage.model_copy(update={"key": _key(_seed(job, passage), taken)}))
        # In a file's whole text an empty line stands between its parts.
        begin += len(part.text) + 2
    return passages


def _source(source_id: str, file: ReadFile) -> Source:
    return Source(
        id=source_id,
        name=file.name,
        media_type=file.media_type,
        title=file.title,
        authors=[Author(literal=name) for name in file.authors],
        issued=file.issued,
        language=file.language,
    )


def _seed(job: str, passage: Passage) -> str:
    return f"{job}\0{passage.source_id}\0{passage.offset}\0{passage.text}"


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
