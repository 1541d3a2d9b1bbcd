"""A context file as text. Needs the standard library only: the gateway reads ledgers, which are built of this."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a file that lies on one page and under one heading."""

    text: str
    page: int | None = None
    """Page of a PDF, number of a slide; from 1."""
    heading: str = ""
    """The headings above it, outermost first, such as ``2 Methods > Data``."""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A context file as text, or the reason why there is none."""

    name: str
    media_type: str
    """What it is, told by its content."""
    parts: tuple[Part, ...] = ()
    title: str = ""
    authors: tuple[str, ...] = ()
    issued: str = ""
    """Date (ISO 8601), or nothing."""
    language: str = ""
    unreadable: str = ""
    warnings: tuple[str, ...] = ()
    """What was left out of the text, and why."""

    @property
    def text(self) -> str:
        """All of it; passages count their offsets in this."""
        return "\n\n".join(part.text for part in self.parts)
