"""Printed lines put together again as paragraphs."""

import re

_HYPHENS = "\x02\ufffe"
"""What stands for a hyphen that only the end of a line asked for."""
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f]")
_STARTS_ANEW = re.compile(r"\s*(?:[-*•‣▪–●○]|\d{1,3}[.)、]|[(（]\d{1,2}[)）])\s?")
_STOP = re.compile(r"[.!?。！？:：][\"'”’）)]?$")
_FULL_SHARE = 0.7
_FULL_SHARE_AT_STOP = 0.92
"""A line shorter than this share of the longest ends its paragraph; sooner where a sentence ends with it."""

_NARROWEST = 24
"""Lines that are all shorter than this are no paragraphs but labels."""


def joined(text: str) -> str:
    """Paragraphs with an empty line between them, of text with a break wherever a line of print ends."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    longest = max(map(_width, lines))
    paragraphs: list[str] = []
    open_paragraph = False
    for line in lines:
        if not line.strip():
            open_paragraph = False
        elif open_paragraph and not _STARTS_ANEW.match(line):
            paragraphs[-1] = _continued(paragraphs[-1], line.lstrip())
            open_paragraph = _is_full(line, longest)
        else:
            paragraphs.append(line.strip())
            open_paragraph = _is_full(line, longest)
    return "\n\n".join(paragraph.rstrip(_HYPHENS) for paragraph in paragraphs)


def _continued(paragraph: str, line: str) -> str:
    if paragraph.endswith(tuple(_HYPHENS)):
        return paragraph.rstrip(_HYPHENS) + line
    glued = _WIDE.match(paragraph[-1]) and _WIDE.match(line[0])
    return paragraph + ("" if glued else " ") + line


def _is_full(line: str, longest: int) -> bool:
    if longest < _NARROWEST:
        return False
    return _width(line) >= longest * (_FULL_SHARE_AT_STOP if _STOP.search(line) else _FULL_SHARE)


def _width(line: str) -> int:
    """In halves of a Han character."""
    return len(line) + len(_WIDE.findall(line))
