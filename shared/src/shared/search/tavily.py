"""Tavily: web search that gives the pages' content as well."""

from pydantic import BaseModel, SecretStr

from shared.search.exchange import Exchange, Request
from shared.search.fields import Objects, Part, Text
from shared.search.found import Found
from shared.search.plain import iso_date, plain_text

_MOST_RESULTS = 20


class _Question(BaseModel):
    query: str
    max_results: int
    search_depth: str = "basic"
    include_raw_content: bool = True


class _Result(Part):
    title: Text = ""
    url: Text = ""
    content: Text = ""
    raw_content: Text = ""
    published_date: Text = ""


class _Answer(Part):
    results: Objects[_Result]


class Tavily:
    """Asks ``POST /search``."""

    name = "tavily"

    def __init__(self, exchange: Exchange, url: str, key: SecretStr) -> None:
        self._exchange = exchange
        self._url = f"{url.rstrip('/')}/search"
        self._key = key

    async def search(self, query: str, count: int) -> list[Found]:
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"}
        question = _Question(query=query, max_results=min(count, _MOST_RESULTS))
        answer = self._exchange.read(
            _Answer, await self._exchange.ask(Request(self._url, headers=headers, body=question))
        )
        return [
            Found(
                title=plain_text(result.title),
                url=result.url,
                snippet=plain_text(result.content),
                provider=self.name,
                text=result.raw_content.strip(),
                issued=iso_date(result.published_date),
            )
            for result in answer.results
            if result.url and result.title
        ][:count]
