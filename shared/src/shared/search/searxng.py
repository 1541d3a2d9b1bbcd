"""SearXNG: a metasearch engine that operators run themselves."""

from pydantic import Field

from shared.contracts.document import SourceKind
from shared.evidence.sources import bare_doi
from shared.search.errors import SearchUnavailableError
from shared.search.exchange import Exchange, Request
from shared.search.fields import Objects, Part, Text, Texts
from shared.search.found import Found
from shared.search.plain import author_of, iso_date, plain_text


class _Result(Part):
    """Pages have the first four alone; results of scientific engines are papers."""

    title: Text = ""
    url: Text = ""
    content: Text = ""
    published: Text = Field(default="", alias="publishedDate")
    engine: Text = ""
    authors: Texts = ()
    journal: Text = ""
    publisher: Text = ""
    volume: Text = ""
    number: Text = ""
    pages: Text = ""
    doi: Text = ""


class _Answer(Part):
    results: Objects[_Result]
    unresponsive_engines: object = None


class Searxng:
    """Asks ``/search?format=json``; the number of results is the instance's own."""

    name = "searxng"

    def __init__(self, exchange: Exchange, url: str) -> None:
        self._exchange = exchange
        self._url = f"{url.rstrip('/')}/search"

    async def search(self, query: str, count: int) -> list[Found]:
        asked = Request(self._url, {"q": query, "format": "json"})
        answer = self._exchange.read(_Answer, await self._exchange.ask(asked))
        if not answer.results and answer.unresponsive_engines:
            # Nothing and an engine that was silent: it is the engines that are blocked, far more often than that there
            # is nothing to find.
            message = "The search provider searxng found nothing, and engines of it did not answer."
            raise SearchUnavailableError(message)
        return [_found(result) for result in answer.results if result.url and result.title][:count]


def _found(result: _Result) -> Found:
    doi = bare_doi(result.doi)
    kind: SourceKind = "preprint" if result.engine == "arxiv" else "article" if result.journal or doi else "webpage"
    return Found(
        title=plain_text(result.title),
        url=result.url,
        snippet=plain_text(result.content),
        provider=Searxng.name,
        kind=kind,
        authors=tuple(filter(None, map(author_of, result.authors))),
        issued=iso_date(result.published),
        container=plain_text(result.journal),
        publisher=plain_text(result.publisher),
        volume=result.volume,
        issue=result.number,
        pages=result.pages,
        doi=doi,
    )
