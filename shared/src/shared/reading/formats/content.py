"""What a reader makes of a file, and how it refuses one."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.evidence.parts import Part

HIDDEN_TEXT = "hidden text was left out"
_LONGEST_TITLE = 300
_LONGEST_HEADING = 120
_MOST_AUTHORS = 20
_DATE = re.compile(r"(?:D:)?(\d{4})(?:-?(0[1-9]|1[0-2])(?:-?(0[1-9]|[12]\d|3[01]))?)?")


class UnreadableError(Exception):
    """The file cannot be read; says why, in words for whoever sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds."""

    parts: tuple[Part, ...]
    title: str = ""
    authors: tuple[str, ...] = ()
    issued: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading where the text is cut."""

    level: int
    title: str
    page: int | None = None
    """The page that begins here; None where it is the one before."""


def cut(pieces: Iterable[Heading | str]) -> tuple[Part, ...]:
    """Headings and the lines between them as parts. A heading over nothing keeps its title as its text."""
    parts: list[Part] = []
    path: list[Heading] = []
    lines: list[str] = []
    page: int | None = None
    bare = False

    def close(following: int) -> None:
        text = "\n".join(lines).strip("\n")
        lines.clear()
        if not text.strip() and bare and path and following <= path[-1].level:
            text = path[-1].title
        if text.strip():
            parts.append(Part(text, page, " > ".join(heading.title for heading in path if heading.title)))

    for piece in pieces:
        if isinstance(piece, str):
            lines.append(piece)
            continue
        close(piece.level)
        page = page if piece.page is None else piece.page
        path = [heading for heading in path if heading.level < piece.level]
        path.append(Heading(piece.level, one_line(piece.title, _LONGEST_HEADING)))
        bare = True
    close(0)
    return tuple(parts)


def one_line(text: str | None, most: int = _LONGEST_TITLE) -> str:
    """A title or name without line breaks, cut where it is too long to be one."""
    return " ".join((text or "").split())[:most]


def names(texts: Sequence[str | None]) -> tuple[str, ...]:
    """Authors as files list them: one an entry, or several between semicolons or commas, but not ``Lee, Ann``."""
    found: list[str] = []
    for text in texts:
        between_commas = [one_line(name) for name in (text or "").split(",")]
        full = ";" not in (text or "") and all(" " in name for name in between_commas)
        found += between_commas if full else [one_line(name) for name in re.split(r"[;；、]", text or "")]
    return tuple(name for name in dict.fromkeys(found) if name)[:_MOST_AUTHORS]


def iso_date(text: str | None) -> str:
    """Year, year-month or date at the beginning of a time stamp of PDF, XML or HTML; empty where there is none."""
    match = _DATE.match((text or "").strip())
    return "-".join(part for part in match.groups() if part) if match else ""
