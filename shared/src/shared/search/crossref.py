"""Crossref: articles, books and reports with their DOIs; abstracts where the publisher gives them."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.contracts.document import Author, SourceKind
from shared.evidence.sources import bare_doi
from shared.search.exchange import Exchange, Request
from shared.search.fields import Nested, Objects, Part, Text, Texts
from shared.search.found import Found
from shared.search.plain import abstract_text, author_of, date_of, plain_text

_KINDS: dict[str, SourceKind] = {
    "posted-content": "preprint",
    "book": "book",
    "monograph": "book",
    "edited-book": "book",
    "reference-book": "book",
    "report": "report",
    "report-component": "report",
    "report-series": "report",
    "standard": "report",
    "dissertation": "thesis",
}
_NO_WORKS = {"component", "grant", "journal", "journal-issue", "journal-volume", "peer-review"}
_HAN = re.compile(r"[\u3400-\u9fff]")


def _date_parts(value: object) -> tuple[int, ...]:
    """Year, month, day of ``{"date-parts": [[...]]}``; an unknown date comes as ``[[null]]``."""
    match value:
        case {"date-parts": [[*parts], *_]} if all(isinstance(part, int) for part in parts):
            return tuple(int(part) for part in parts)
    return ()


class _Contributor(Part):
    given: Text = ""
    family: Text = ""
    name: Text = ""


class _Item(Part):
    doi: Text = Field(default="", alias="DOI")
    type: Text = ""
    title: Texts = ()
    authors: Objects[_Contributor] = Field(default=(), alias="author")
    editors: Objects[_Contributor] = Field(default=(), alias="editor")
    issued: Annotated[tuple[int, ...], BeforeValidator(_date_parts)] = ()
    container: Texts = Field(default=(), alias="container-title")
    publisher: Text = ""
    volume: Text = ""
    issue: Text = ""
    page: Text = ""
    number: Text = Field(default="", alias="article-number")
    abstract: Text = ""
    language: Text = ""


class _Message(Part):
    items: Objects[_Item]


class _Answer(Part):
    message: Nested[_Message]


class Crossref:
    """Asks ``/works?query=``."""

    name = "crossref"

    def __init__(self, exchange: Exchange, url: str, mailto: str) -> None:
        self._exchange = exchange
        self._url = f"{url.rstrip('/')}/works"
        self._mailto = mailto

    async def search(self, query: str, count: int) -> list[Found]:
        asked = {"query": query, "rows": str(count)} | ({"mailto": self._mailto} if self._mailto else {})
        answer = self._exchange.read(_Answer, await self._exchange.ask(Request(self._url, asked)))
        works = [item for item in answer.message.items if item.type not in _NO_WORKS]
        return [_found(item, doi) for item in works if (doi := bare_doi(item.doi)) and item.title][:count]


def _found(item: _Item, doi: str) -> Found:
    abstract = abstract_text(item.abstract)
    return Found(
        title=plain_text(item.title[0]),
        url=f"https://doi.org/{doi}",
        snippet=abstract,
        provider=Crossref.name,
        text=abstract,
        kind=_KINDS.get(item.type, "article"),
        authors=tuple(filter(None, map(_author, item.authors or item.editors))),
        issued=date_of(item.issued),
        container=plain_text(item.container[0]) if item.container else "",
        publisher=plain_text(item.publisher),
        volume=item.volume,
        issue=item.issue,
        pages=item.page or item.number,
        doi=doi,
        language=item.language,
    )


def _author(contributor: _Contributor) -> Author | None:
    family, given, name = (plain_text(part) for part in (contributor.family, contributor.given, contributor.name))
    if name or not family:
        return Author(literal=name) if name else author_of(given)
    if _HAN.search(family):
        return Author(literal=family + given)
    return Author(family=family, given=given)
