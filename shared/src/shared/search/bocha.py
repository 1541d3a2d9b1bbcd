"""Bocha (博查): web search that knows Chinese pages well; its answers are shaped like Bing's."""

from pydantic import BaseModel, Field, SecretStr

from shared.search.exchange import Exchange, Request
from shared.search.fields import Nested, Objects, Part, Text
from shared.search.found import Found
from shared.search.plain import iso_date, plain_text

_MOST_RESULTS = 50


class _Question(BaseModel):
    query: str
    count: int
    summary: bool = True
    freshness: str = "noLimit"


class _Page(Part):
    name: Text = ""
    url: Text = ""
    snippet: Text = ""
    summary: Text = ""
    site_name: Text = Field(default="", alias="siteName")
    published: Text = Field(default="", alias="datePublished")
    crawled: Text = Field(default="", alias="dateLastCrawled")
    """Means the date of publication, too, whatever its name."""
    language: Text = ""


class _Pages(Part):
    value: Objects[_Page] = ()


class _Data(Part):
    pages: Nested[_Pages] = Field(default=_Pages(), alias="webPages")


class _Answer(Part):
    code: Text
    data: Nested[_Data] = _Data()


class Bocha:
    """Asks ``POST /v1/web-search``."""

    name = "bocha"

    def __init__(self, exchange: Exchange, url: str, key: SecretStr) -> None:
        self._exchange = exchange
        self._url = f"{url.rstrip('/')}/v1/web-search"
        self._key = key

    async def search(self, query: str, count: int) -> list[Found]:
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"}
        question = _Question(query=query, count=min(count, _MOST_RESULTS))
        answer = self._exchange.read(
            _Answer, await self._exchange.ask(Request(self._url, headers=headers, body=question))
        )
        if answer.code != "200":
            raise self._exchange.malformed()
        return [
            Found(
                title=plain_text(page.name),
                url=page.url,
                snippet=plain_text(page.summary or page.snippet),
                provider=self.name,
                issued=iso_date(page.published or page.crawled),
                container=page.site_name,
                language=page.language,
            )
            for page in answer.data.pages.value
            if page.url and page.name
        ][:count]
