"""The document as it is given to every format: its parts, its heading numbers, its list of references."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from document_worker.export.cleaning import Cleaner
from document_worker.export.nodes import Node, attributes, node, span, text_of
from document_worker.export.reading import CLOSING, OPENING, as_prose, plain_paragraphs, writable
from shared.contracts.commands import ReferenceStyleName
from shared.contracts.document import Document
from shared.language.text import is_han

_ENTRY = re.compile(f"(?:{OPENING}|\\[)(\\d{{1,6}})(?:{CLOSING}|\\])")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_DEEPEST = 6
_EN_SPACE = "\u2002"
_WORDS_OF_A_LONG_ONE = 800
_HEADINGS_OF_A_LONG_ONE = 4
_HEADINGS_OF_A_CONTENTS = 3
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the title; ``number`` is empty for the references."""

    level: int
    anchor: str
    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list of references."""

    number: int
    inlines: list[Node]


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A clean document."""

    title: str
    language: str
    date: str
    facts: str
    """How long it is and how many references it has, in its language."""
    blocks: list[Node]
    headings: list[Heading]
    entries: list[Entry]
    references: Heading | None
    has_title_page: bool

    @property
    def listed(self) -> list[Heading]:
        """What its table of contents lists: nothing where it needs none."""
        all_of_them = [*self.headings, *([self.references] if self.references else [])]
        return all_of_them if len(all_of_them) >= _HEADINGS_OF_A_CONTENTS else []

    @property
    def contents_title(self) -> str:
        return "目录" if self.language.startswith("zh") else "Contents"


@dataclass(slots=True)
class _Numbering:
    """Counts headings, and closes gaps in their levels."""

    top: int
    counts: list[int] = field(default_factory=list)

    def next(self, level: int) -> tuple[int, str]:
        level = max(1, min(level - self.top + 1, len(self.counts) + 1, _DEEPEST))
        self.counts = [*self.counts[:level], *([0] if level > len(self.counts) else [])]
        self.counts[level - 1] += 1
        return level, ".".join(map(str, self.counts))


def prepare(
    document: Document, blocks: Sequence[Node], style: ReferenceStyleName, made_at: datetime, formulas: bool = True
) -> Manuscript:
    """The manuscript of a document whose Markdown was read as ``blocks``."""
    try:
        return _prepared(document, blocks, style, made_at, formulas)
    except RecursionError:
        return _prepared(document, plain_paragraphs(document.markdown), style, made_at, formulas)


def _prepared(
    document: Document, blocks: Sequence[Node], style: ReferenceStyleName, made_at: datetime, formulas: bool
) -> Manuscript:
    title = " ".join(writable(document.title).split())
    body = _without_title(blocks, title)
    body, heading, listed = _split(body, {reference.number for reference in document.references})
    anchors = _anchors(body)
    cleaner = Cleaner(frozenset(number for number, _ in listed), anchors, style == "gb-t-7714-2015", formulas)
    numbered, headings = _numbered(cleaner.body(body))
    language = document.language if _LANGUAGE_TAG.fullmatch(document.language) else "en"
    long = document.words >= _WORDS_OF_A_LONG_ONE or len(headings) >= _HEADINGS_OF_A_LONG_ONE
    return Manuscript(
        title=title,
        language=language,
        date=_date(made_at, language),
        facts=_facts(document, language),
        blocks=numbered,
        headings=headings,
        entries=[Entry(number, cleaner.inlines(inlines, plain=True)) for number, inlines in listed],
        references=Heading(1, "references", "", as_prose(text_of(heading["c"][2]))) if heading else None,
        has_title_page=long,
    )


def _without_title(blocks: Sequence[Node], title: str) -> list[Node]:
    first = blocks[0] if blocks else None
    is_title = first and first["t"] == "Header" and _bare(text_of(first["c"][2])) == _bare(title)
    return list(blocks[1:] if is_title else blocks)


def _bare(text: str) -> str:
    """Letters and digits alone: quotation marks and dashes change when they are read."""
    return re.sub(r"[\W_]+", "", as_prose(text))


def _split(blocks: list[Node], numbers: set[int]) -> tuple[list[Node], Node | None, list[tuple[int, list[Node]]]]:
    """What stands before the list of references, its heading and its entries."""
    last = max((position for position, block in enumerate(blocks) if block["t"] == "Header"), default=None)
    if last is None or not numbers:
        return blocks, None, []
    entries = [_entry(block) for block in blocks[last + 1 :]]
    found = [entry for entry in entries if entry]
    if len(found) != len(entries) or {number for number, _ in found} != numbers or len(found) != len(numbers):
        return blocks, None, []
    return blocks[:last], blocks[last], found


def _entry(block: Node) -> tuple[int, list[Node]] | None:
    inlines = block["c"] if block["t"] == "Para" else []
    found = _ENTRY.fullmatch(inlines[0]["c"]) if inlines and inlines[0]["t"] == "Str" else None
    return (int(found[1]), inlines[2:]) if found else None


def _anchors(blocks: Sequence[Node]) -> Mapping[str, str]:
    names = [block["c"][1][0] for block in blocks if block["t"] == "Header"]
    return {name: f"section{count}" for count, name in enumerate(names, 1) if name}


def _numbered(blocks: Sequence[Node]) -> tuple[list[Node], list[Heading]]:
    numbering = _Numbering(min((block["c"][0] for block in blocks if block["t"] == "Header"), default=1))
    numbered: list[Node] = []
    headings: list[Heading] = []
    for block in blocks:
        if block["t"] != "Header":
            numbered.append(block)
            continue
        level, number = numbering.next(block["c"][0])
        _, (anchor, _, _), inlines = block["c"]
        heading = Heading(level, anchor or f"part{len(headings) + 1}", number, text_of(inlines))
        headings.append(heading)
        content = [span("", ["number"], [node("Str", number)]), node("Str", _EN_SPACE), *inlines]
        numbered.append(node("Header", [level, attributes(heading.anchor), content]))
    return numbered, headings


def _date(made_at: datetime, language: str) -> str:
    if is_han(language):
        return f"{made_at.year}年{made_at.month}月{made_at.day}日"
    if language.startswith("en"):
        return f"{made_at.day} {_MONTHS[made_at.month - 1]} {made_at.year}"
    return made_at.date().isoformat()


def _facts(document: Document, language: str) -> str:
    count = len(document.references)
    if is_han(language):
        return f"全文约{document.words}字" + (f"，参考文献{count}条" if count else "")
    if not language.startswith("en"):
        return ""
    listed = f", {count} reference{'' if count == 1 else 's'}" if count else ""
    return f"{document.words:,} words{listed}"
