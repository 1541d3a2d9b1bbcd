"""Brave: web search on an index of its own."""

from pydantic import SecretStr

from shared.search.exchange import Exchange, Request
from shared.search.fields import Nested, Objects, Part, Text
from shared.search.found import Found
from shared.search.plain import iso_date, plain_text
from shared.search.turns import Turns

REQUEST_INTERVAL_SECONDS = 1.0
"""The smallest plan allows one request a second."""
_MOST_RESULTS = 20


class _Profile(Part):
    name: Text = ""
    long_name: Text = ""


class _Result(Part):
    title: Text = ""
    url: Text = ""
    description: Text = ""
    page_age: Text = ""
    language: Text = ""
    profile: Nested[_Profile] = _Profile()


class _Web(Part):
    results: Objects[_Result] = ()


class _Answer(Part):
    type: str
    web: Nested[_Web] = _Web()
    """Missing where no page was found."""


class Brave:
    """Asks ``/res/v1/web/search``."""

    name = "brave"

    def __init__(self, exchange: Exchange, url: str, key: SecretStr, turns: Turns) -> None:
        self._exchange = exchange
        self._url = f"{url.rstrip('/')}/res/v1/web/search"
        self._key = key
        self._turns = turns

    async def search(self, query: str, count: int) -> list[Found]:
        await self._turns.wait()
        asked = {"q": query, "count": str(min(count, _MOST_RESULTS)), "result_filter": "web"}
        headers = {"X-Subscription-Token": self._key.get_secret_value(), "Accept": "application/json"}
        answer = self._exchange.read(_Answer, await self._exchange.ask(Request(self._url, asked, headers)))
        if answer.type != "search":
            raise self._exchange.malformed()
        return [
            Found(
                title=plain_text(result.title),
                url=result.url,
                snippet=plain_text(result.description),
                provider=self.name,
                issued=iso_date(result.page_age),
                container=result.profile.long_name or result.profile.name,
                language=result.language,
            )
            for result in answer.web.results
            if result.url and result.title
        ][:count]
