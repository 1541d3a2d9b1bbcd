"""arXiv: preprints, as an Atom feed."""

import re

from lxml import etree

from shared.language.text import terms
from shared.search.exchange import Exchange, Request
from shared.search.found import Found
from shared.search.plain import author_of, iso_date, plain_text
from shared.search.turns import Turns

REQUEST_INTERVAL_SECONDS = 3.0
"""Its terms of use ask for no more than one request every three seconds."""
_ATOM = "{http://www.w3.org/2005/Atom}"
_MOST_TERMS = 8
_PAPER = re.compile(r"arxiv\.org/abs/(.+?)(?:v\d+)?$")


class Arxiv:
    """Asks ``/api/query`` for any of the query's words, by relevance. It knows English alone."""

    name = "arxiv"

    def __init__(self, exchange: Exchange, url: str, turns: Turns) -> None:
        self._exchange = exchange
        self._url = f"{url.rstrip('/')}/api/query"
        self._turns = turns

    async def search(self, query: str, count: int) -> list[Found]:
        words = [word for word in dict.fromkeys(terms(query)) if word.isascii()][:_MOST_TERMS]
        if not words:
            return []
        await self._turns.wait()
        asked = {
            "search_query": " OR ".join(f"all:{word}" for word in words),
            "sortBy": "relevance",
            "max_results": str(count),
        }
        feed = self._feed(await self._exchange.ask(Request(self._url, asked)))
        return [found for entry in feed.iterfind(f"{_ATOM}entry") if (found := self._found(entry))][:count]

    def _feed(self, body: bytes) -> etree._Element:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            feed = etree.fromstring(body, parser)
        except etree.XMLSyntaxError:
            raise self._exchange.malformed() from None
        if feed.tag != f"{_ATOM}feed":
            raise self._exchange.malformed()
        return feed

    def _found(self, entry: etree._Element) -> Found | None:
        identifier, title = _said(entry, "id"), _said(entry, "title")
        if "/api/errors" in identifier:
            # A query it does not understand is answered with 200 and one entry.
            raise self._exchange.refused("did not understand the query")
        paper = _PAPER.search(identifier)
        if paper is None or not title:
            return None
        abstract = _said(entry, "summary")
        names = (_said(author, "name") for author in entry.iterfind(f"{_ATOM}author"))
        return Found(
            title=title,
            url=f"https://arxiv.org/abs/{paper[1]}",
            snippet=abstract,
            provider=self.name,
            text=abstract,
            kind="preprint",
            authors=tuple(filter(None, map(author_of, names))),
            issued=iso_date(_said(entry, "published")),
            container="arXiv",
            # The article's DOI, where the entry has one, is of a text that was not read.
            doi=f"10.48550/arXiv.{paper[1]}",
            language="en",
        )


def _said(element: etree._Element, tag: str) -> str:
    """The text of a child; arXiv breaks its lines anywhere."""
    return plain_text(str(element.findtext(f"{_ATOM}{tag}") or ""))
