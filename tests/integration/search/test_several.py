"""Several providers and several queries, merged and ranked."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from pydantic import ValidationError

from shared.contracts.document import Author
from shared.contracts.errors import DraftlineError, PermanentError, TransientError
from shared.search import Found, Search, SearchProvider, build_search
from shared.search.errors import SearchDeniedError, SearchUnavailableError
from shared.search.turns import Turns
from shared.settings.search import SearchSettings
from tests.integration.search import answers
from tests.integration.search.conftest import search_settings
from tests.integration.search.site import Asked, Site, says
from tests.support.llm import InstantClock


class _Scripted:
    """A provider that answers from a table; what is no list is raised."""

    def __init__(self, name: str, table: dict[str, list[Found] | DraftlineError]) -> None:
        self.name = name
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self._table = table

    async def search(self, query: str, count: int) -> list[Found]:
        self.asked.append(query)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        answer = self._table.get(query, [])
        if isinstance(answer, DraftlineError):
            raise answer
        return answer[:count]


def _page(name: str, **given: object) -> Found:
    values: dict[str, object] = {
        "title": name, "url": f"https://pages.example/{name}", "snippet": f"about {name}", "provider": "one",
    } | given  # fmt: skip
    return Found(**values)  # type: ignore[arg-type]


def _search(*providers: SearchProvider) -> Search:
    return Search(providers, 6)


def _titles(found: Sequence[Found]) -> list[str]:
    return [one.title for one in found]


async def test_what_several_found_comes_first() -> None:
    one = _Scripted("one", {"x": [_page("a"), _page("b")], "y": [_page("c"), _page("b")]})
    two = _Scripted("two", {"x": [_page("d"), _page("b", url="http://www.pages.example/b/?utm_source=two")]})
    outcome = await _search(one, two).search(["x", "y"])
    assert _titles(outcome.found) == ["b", "a", "d", "c"]
    assert outcome.failures == ()


async def test_the_fullest_record_wins_and_takes_the_text() -> None:
    page = _page("Bees", url="https://doi.org/10.1000/x", text="All of it.", container="A site")
    article = _page(
        "Bees.", kind="article", url="https://journal.example/x", doi="10.1000/X", provider="two",
        authors=(Author(family="Frisch"),), container="Journal", snippet="",
    )  # fmt: skip
    (found,) = (await _search(_Scripted("one", {"x": [page]}), _Scripted("two", {"x": [article]})).search(["x"])).found
    assert (found.kind, found.container, found.doi, found.provider) == ("article", "Journal", "10.1000/X", "two")
    assert (found.text, found.snippet) == ("All of it.", "about Bees")


async def test_an_article_stands_for_its_preprint_under_its_own_doi() -> None:
    authors = (Author(family="Vaswani", given="Ashish"),)
    title = "Attention is all you need today"
    preprint = _page(title, kind="preprint", doi="10.48550/arXiv.1", authors=authors, issued="2017-06", text="Abstract")
    article = _page(title, kind="article", doi="10.1000/y", authors=authors, issued="2017", url="https://j.example/y")
    (found,) = (await _search(_Scripted("one", {"x": [preprint, article]})).search(["x"])).found
    assert (found.kind, found.doi, found.text) == ("article", "10.1000/y", "Abstract")
    bare = replace(article, doi="")
    (found,) = (await _search(_Scripted("one", {"x": [preprint, bare]})).search(["x"])).found
    assert (found.kind, found.doi) == ("article", "")


async def test_at_most_four_queries_at_once_and_each_once() -> None:
    one = _Scripted("one", {})
    queries = [f"query {number}" for number in range(9)]
    outcome = await _search(one).search([*queries, " query   0 ", "", "  "])
    assert sorted(one.asked) == queries
    assert one.most_at_once == 4
    assert outcome.found == ()


async def test_long_queries_are_cut_between_words() -> None:
    one = _Scripted("one", {})
    await _search(one).search(["bee " * 300, "abcdefgh " * 49, "x" * 900])
    assert [len(query.split()) for query in one.asked] == [50, 44, 1]
    assert all(len(query) <= 400 for query in one.asked)


async def test_failures_beside_results_are_said_in_sentences() -> None:
    limited = SearchUnavailableError("The search provider two limits the rate.")
    one = _Scripted("one", {"x": [_page("a")]})
    two = _Scripted("two", {"x": limited, "y": limited})
    outcome = await _search(one, two).search(["x", "y", "z"])
    assert _titles(outcome.found) == ["a"]
    assert outcome.failures == ("The search provider two limits the rate. 2 of 3 queries failed there.",)


async def test_all_failed() -> None:
    one = _Scripted("one", {"x": SearchUnavailableError("One is slow.", 30)})
    two = _Scripted("two", {"x": SearchDeniedError("Two denies.")})
    three = _Scripted("three", {"x": SearchUnavailableError("Three is slow.", 9)})
    with pytest.raises(TransientError, match=r"One is slow\. Two denies\. Three is slow\.") as caught:
        await _search(one, two, three).search(["x"])
    assert (caught.value.code, caught.value.retry_after_seconds) == ("search_unavailable", 9)


async def test_all_denied() -> None:
    denied = SearchDeniedError("Denied.")
    with pytest.raises(PermanentError) as caught:
        await _search(_Scripted("one", {"x": denied, "y": denied})).search(["x", "y"])
    assert (caught.value.code, caught.value.message) == ("search_denied", "Denied.")


async def test_without_providers() -> None:
    async with build_search(SearchSettings()) as search:
        assert not search.configured
        assert (await search.search(["bees"])).found == ()


async def test_providers_over_http(site: Site, clock: InstantClock) -> None:
    async def script(asked: Asked, writer: asyncio.StreamWriter) -> None:
        answer = says(answers.CROSSREF) if asked.path == "/works" else says("", status=401)
        await answer(asked, writer)

    site.script = script
    async with build_search(search_settings(site, "tavily", "crossref"), clock) as search:
        assert search.configured
        outcome = await search.search(["bees"])
    assert _titles(outcome.found) == ["The waggle dance of Apis mellifera", "Bees: a book"]
    assert len(outcome.failures) == 1
    assert outcome.failures[0].startswith("The search provider tavily denied access (HTTP 401)")


@pytest.mark.parametrize(("provider", "apart"), [("brave", 1.0), ("arxiv", 3.0)])
async def test_providers_that_want_pauses_get_them(
    site: Site, clock: InstantClock, provider: str, apart: float
) -> None:
    site.script = says(getattr(answers, provider.upper()))
    async with build_search(search_settings(site, provider), clock) as search:
        await search.search(["honey", "bees", "dance"])
    assert len(site.asked) == 3
    assert sum(clock.slept) >= 2 * apart


async def test_a_queue_that_is_too_long_is_not_joined(clock: InstantClock) -> None:
    turns = Turns("slow", 10, clock, patience_seconds=15)
    await turns.wait()
    turns._free_at += 10
    with pytest.raises(TransientError, match="slow") as caught:
        await turns.wait()
    assert caught.value.retry_after_seconds == 20
    assert clock.slept == []


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"search_providers": "gogle"}, "gogle"),
        ({"search_providers": "searxng"}, "DRAFTLINE_SEARXNG_URL"),
        ({"search_providers": "arxiv, tavily"}, "DRAFTLINE_TAVILY_API_KEY"),
        ({"searxng_url": "searxng:8080"}, "searxng_url"),
        ({"crossref_url": "http://exa mple.org"}, "crossref_url"),
        ({"search_providers": "brave", "brave_api_key": "schlüssel"}, "DRAFTLINE_BRAVE_API_KEY"),
    ],
)
def test_settings_that_cannot_work(given: dict[str, str], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        SearchSettings.model_validate(given)


def test_providers_keep_their_order() -> None:
    settings = SearchSettings(search_providers=" crossref,ArXiv, crossref ,")
    assert settings.provider_names() == ["crossref", "arxiv"]
