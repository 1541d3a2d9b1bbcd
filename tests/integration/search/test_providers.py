"""Every provider, against a server that answers in its format."""

import pytest

from shared.contracts.document import Author
from shared.search import Found, build_search
from tests.integration.search import answers
from tests.integration.search.conftest import KEY, search_settings
from tests.integration.search.site import Asked, Site, says
from tests.support.llm import InstantClock

EMPTY = {
    "searxng": says({"query": "q", "results": []}),
    "tavily": says({"results": []}),
    "brave": says(answers.BRAVE_NOTHING),
    "bocha": says(answers.BOCHA_NOTHING),
    "arxiv": says(answers.ARXIV_NOTHING, media_type="application/atom+xml"),
    "crossref": says({"status": "ok", "message": {"items": []}}),
}


async def _found(site: Site, provider: str, answer: object, query: str = "bees", **given: object) -> tuple[Found, ...]:
    site.script = says(answer)
    async with build_search(search_settings(site, provider, **given), InstantClock()) as search:
        outcome = await search.search([query])
    assert outcome.failures == ()
    return outcome.found


def _only(site: Site) -> Asked:
    (asked,) = site.asked
    assert asked.headers["user-agent"].startswith("Draftline")
    return asked


async def test_searxng(site: Site) -> None:
    page, paper = await _found(site, "searxng", answers.SEARXNG)
    assert page == Found(
        title="The waggle dance & more",
        url="https://www.bees.example/dance?utm_source=x",
        snippet="How bees 'speak'.",
        provider="searxng",
        issued="2023-05-01",
    )
    assert (paper.kind, paper.container, paper.volume, paper.issue, paper.pages, paper.doi, paper.publisher) == (
        "article", "Journal of Bees", "12", "3", "1-9", "10.1000/Bees", "Hive",
    )  # fmt: skip
    assert paper.authors == (Author(family="von Frisch", given="Karl"), Author(family="Lindauer", given="Martin"))
    assert (_only(site).path, _only(site).query) == ("/search", {"q": "bees", "format": "json"})


async def test_tavily(site: Site) -> None:
    page, news = await _found(site, "tavily", answers.TAVILY, search_results=20)
    assert (page.text, page.snippet, page.kind) == ("# Bees\n\nBees dance in the dark.", "Bees dance.", "webpage")
    assert (news.text, news.issued) == ("", "2024-03-05")
    asked = _only(site)
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("POST", "/search", f"Bearer {KEY}")
    assert asked.json() == {"query": "bees", "max_results": 20, "search_depth": "basic", "include_raw_content": True}


async def test_brave(site: Site) -> None:
    page, bare = await _found(site, "brave", answers.BRAVE)
    assert (page.snippet, page.issued, page.container, page.language) == (
        "Bees don't sleep.", "2022-11-02", "bees.example", "en",
    )  # fmt: skip
    assert (bare.snippet, bare.container) == ("", "")
    asked = _only(site)
    assert (asked.path, asked.headers["x-subscription-token"]) == ("/res/v1/web/search", KEY)
    assert asked.query == {"q": "bees", "count": "6", "result_filter": "web"}


async def test_bocha(site: Site) -> None:
    page, other = await _found(site, "bocha", answers.BOCHA, "蜜蜂")
    assert (page.title, page.snippet, page.issued, page.container) == (
        "蜜蜂的舞蹈", "蜜蜂用舞蹈说明蜜源的方向和距离。", "2024-07-22", "蜜蜂网",
    )  # fmt: skip
    assert (other.snippet, other.issued, other.container) == ("蜂蜜的成分。", "2024-11-07", "")
    asked = _only(site)
    assert (asked.path, asked.headers["authorization"]) == ("/v1/web-search", f"Bearer {KEY}")
    assert asked.json() == {"query": "蜜蜂", "count": 6, "summary": True, "freshness": "noLimit"}


async def test_arxiv(site: Site) -> None:
    paper, old = await _found(site, "arxiv", answers.ARXIV, "How do the bees dance: in circles?")
    assert paper == Found(
        title="Attention Is All Bees Need",
        url="https://arxiv.org/abs/1706.03762",
        snippet="Bees attend to $n < 5$ flowers & no more.",
        provider="arxiv",
        text="Bees attend to $n < 5$ flowers & no more.",
        kind="preprint",
        authors=(Author(family="Vaswani", given="Ashish"), Author(literal="The Hive Collaboration")),
        issued="2017-06-12",
        container="arXiv",
        doi="10.48550/arXiv.1706.03762",
        language="en",
    )
    assert (old.url, old.authors, old.text) == ("https://arxiv.org/abs/hep-th/9901001", (), "")
    assert _only(site).query == {
        "search_query": "all:bees OR all:dance OR all:circles", "sortBy": "relevance", "max_results": "6",
    }  # fmt: skip


async def test_arxiv_is_not_asked_in_chinese(site: Site) -> None:
    assert await _found(site, "arxiv", answers.ARXIV, "蜜蜂的舞蹈") == ()
    assert site.asked == []


async def test_arxiv_does_not_resolve_entities(site: Site) -> None:
    feed = answers.ARXIV.replace("?>", '?><!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/hostname">]>', 1)
    first = (await _found(site, "arxiv", feed.replace("Attention Is", "Attention &x;Is")))[0]
    assert "Attention" in first.title
    assert len(first.title) <= len("Attention &x;Is All Bees Need")


async def test_crossref(site: Site) -> None:
    article, book = await _found(site, "crossref", answers.CROSSREF, crossref_mailto="desk@example.org")
    assert article == Found(
        title="The waggle dance of Apis mellifera",
        url="https://doi.org/10.1000/Waggle.2019",
        snippet="Bees dance.",
        provider="crossref",
        text="Bees dance.",
        kind="article",
        authors=(
            Author(family="von Frisch", given="Karl"), Author(literal="Hive Consortium"), Author(literal="张三"),
        ),
        issued="2019-03",
        container="Journal of Bees",
        publisher="Hive & Sons",
        volume="12",
        issue="3",
        pages="101-110",
        doi="10.1000/Waggle.2019",
        language="en",
    )  # fmt: skip
    assert (book.kind, book.issued, book.container, book.authors) == (
        "book", "", "", (Author(family="Ferrell", given="B. R."),),
    )  # fmt: skip
    asked = _only(site)
    assert (asked.path, asked.query) == ("/works", {"query": "bees", "rows": "6", "mailto": "desk@example.org"})
    assert asked.headers["user-agent"] == "Draftline (mailto:desk@example.org)"


@pytest.mark.parametrize("provider", EMPTY)
async def test_nothing_found_is_a_normal_answer(site: Site, provider: str) -> None:
    site.script = EMPTY[provider]
    async with build_search(search_settings(site, provider), InstantClock()) as search:
        outcome = await search.search(["qqqq"])
    assert (outcome.found, outcome.failures) == ((), ())
    assert len(site.asked) == 1


@pytest.mark.parametrize("provider", ["searxng", "tavily", "brave", "bocha", "crossref"])
async def test_no_more_than_asked_for(site: Site, provider: str) -> None:
    answer: object = getattr(answers, provider.upper())
    assert len(await _found(site, provider, answer, search_results=1)) == 1


async def test_other_schemes_are_not_taken(site: Site) -> None:
    results = [{"title": "A", "url": "javascript:alert(1)"}, {"title": "B", "url": "file:///etc/passwd"}]
    assert await _found(site, "tavily", {"results": results}) == ()
