"""What providers send, brought into one form: plain text, ISO dates, authors."""

import re
from collections.abc import Sequence
from datetime import date
from email.utils import parsedate_to_datetime

from lxml import etree, html

from shared.contracts.document import Author

_LOOKS_MARKED_UP = re.compile(r"<[/a-zA-Z!]|&[#\w]+;")
_PREFIX = re.compile(r"(</?)[A-Za-z][\w.\-]*:(?=[A-Za-z])")
_UNREADABLE = {"script", "style", "template", "annotation", "annotation-xml", "tex-math"}
"""TeX stands beside the same formula in MathML."""
_BLOCKS = {"p", "br", "div", "li", "title", "sec", "list-item", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "td", "th"}
_ABSTRACT_HEADING = re.compile(
    r"<(?:\w+:)?title[^>]{0,200}>\s*(?:abstract|summary|摘\s*要)\s*[:：.]?\s*</(?:\w+:)?title>", re.IGNORECASE
)
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?![\d-])", re.ASCII)
_HAN = re.compile(r"[\u3400-\u9fff]")
_INSTITUTION = re.compile(
    r"\b(?:collaboration|consortium|team|group|university|institute|organi[sz]ation|committee|inc|ltd)\b", re.IGNORECASE
)
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv)\.?", re.IGNORECASE)


def plain_text(marked_up: str) -> str:
    """Text without HTML or JATS tags and with its characters resolved, white space as single spaces.

    What does not look marked up is left as it is, so that ``a < b`` survives.
    """
    if not _LOOKS_MARKED_UP.search(marked_up):
        return " ".join(marked_up.split())
    # To an HTML parser, jats:p is no paragraph.
    simple = _PREFIX.sub(r"\1", marked_up).replace("\0", "")
    try:
        root = html.fragment_fromstring(simple, create_parent="div")
    except (etree.ParserError, ValueError):
        return ""
    for element in list(root.iterdescendants(etree.Element)):
        if element.tag in _UNREADABLE:
            element.drop_tree()
        elif element.tag in _BLOCKS:
            element.text, element.tail = f" {element.text or ''}", f" {element.tail or ''}"
    return " ".join(root.text_content().split())


def abstract_text(jats: str) -> str:
    """An abstract as plain text, without the heading that says it is one."""
    return plain_text(_ABSTRACT_HEADING.sub(" ", jats))


def iso_date(text: str) -> str:
    """Year, year-month or date at the beginning of a text, or the date of an e-mail; empty where there is none."""
    if match := _ISO.match(text.strip().replace("/", "-")):
        return date_of([int(part) for part in match.groups() if part])
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except ValueError:
        return ""


def date_of(parts: Sequence[int]) -> str:
    """ISO 8601 of year, month and day, as far as they are given and make sense."""
    if not parts or not 1000 <= parts[0] <= 2999:
        return ""
    year, month, day = [*parts, 0, 0][:3]
    if not 1 <= month <= 12:
        return f"{year:04d}"
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return f"{year:04d}-{month:02d}"


def author_of(name: str) -> Author | None:
    """A person's name in one piece, split as bibliographies sort it; Chinese names and institutions stay whole."""
    whole = " ".join(name.split()).strip(" ,")
    if not whole:
        return None
    words = whole.split()
    if len(words) == 1 or _HAN.search(whole) or _INSTITUTION.search(whole):
        return Author(literal=whole)
    family, comma, given = whole.partition(",")
    if comma:
        return Author(family=family.strip(), given=given.strip())
    last = len(words) - 1
    if last > 1 and _SUFFIX.fullmatch(words[last]):
        last -= 1
    # Particles, such as those of "van der Berg", are written small and belong to the family name.
    while last > 1 and words[last - 1].islower():
        last -= 1
    return Author(family=" ".join(words[last:]), given=" ".join(words[:last]))
