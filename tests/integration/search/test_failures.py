"""What providers do wrong, and what becomes of it."""

import asyncio
import traceback

import pytest

from shared.contracts.errors import DraftlineError, TransientError
from shared.search import build_search
from shared.search.errors import SearchDeniedError, SearchUnavailableError
from tests.integration.search import answers
from tests.integration.search.conftest import KEY, search_settings
from tests.integration.search.site import Script, Site, head, says, silence
from tests.support.llm import InstantClock

ALL = ("searxng", "tavily", "brave", "bocha", "arxiv", "crossref")
TIMEOUT_SECONDS = 0.2


async def _error(site: Site, provider: str, script: Script) -> DraftlineError:
    site.script = script
    settings = search_settings(site, provider, search_timeout_seconds=TIMEOUT_SECONDS)
    async with build_search(settings, InstantClock()) as search:
        with pytest.raises(DraftlineError) as caught:
            await search.search(["bees"])
    assert provider in caught.value.message
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def _breaks_off(_: object, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Length: 1000") + b'{"results": [')
    writer.close()


async def _dribbles(_: object, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Type: application/json"))
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(TIMEOUT_SECONDS / 10)


@pytest.mark.parametrize("provider", ALL)
@pytest.mark.parametrize(
    "script",
    [
        says('{"results": [', media_type="application/json"), says("<html><body>Log in</body></html>"), says(b""),
        says([1, 2]), says("null"), says({"error": "no"}), says(b"\xff\xfe\x00"),
    ],
)  # fmt: skip
async def test_answers_in_no_known_format(site: Site, provider: str, script: Script) -> None:
    error = await _error(site, provider, script)
    assert (type(error), error.code) == (SearchUnavailableError, "search_unavailable")


@pytest.mark.parametrize(
    "script",
    [
        says("oops", status=500), says("", status=502), says("", status=503), says("", status=408), silence,
        _breaks_off, _dribbles,
    ],
)  # fmt: skip
async def test_may_pass_by_itself(site: Site, script: Script) -> None:
    error = await _error(site, "tavily", script)
    assert (type(error), error.code) == (SearchUnavailableError, "search_unavailable")


@pytest.mark.parametrize("provider", ALL)
async def test_no_key_is_shown(site: Site, provider: str) -> None:
    error = await _error(site, provider, says(f"unknown key {KEY}", status=401))
    assert (type(error), error.code) == (SearchDeniedError, "search_denied")


@pytest.mark.parametrize("status", [301, 400, 402, 403, 404, 422, 432])
async def test_does_not_pass_by_itself(site: Site, status: int) -> None:
    error = await _error(site, "brave", says(answers.BRAVE_KEY_INVALID, f"Location: {site.url}/x", status=status))
    assert (type(error), error.code) == (SearchDeniedError, "search_denied")
    assert str(status) in error.message
    assert len(site.asked) == 1


async def test_no_money_at_bocha(site: Site) -> None:
    error = await _error(site, "bocha", says(answers.BOCHA_NO_MONEY, status=403))
    assert (type(error), error.code) == (SearchDeniedError, "search_denied")


async def test_a_code_of_bochas_that_is_not_200(site: Site) -> None:
    assert (await _error(site, "bocha", says({"code": "500", "message": "x"}))).code == "search_unavailable"


async def test_an_error_of_braves_under_200(site: Site) -> None:
    assert (await _error(site, "brave", says(answers.BRAVE_LIMITED))).code == "search_unavailable"


async def test_arxiv_did_not_understand(site: Site) -> None:
    error = await _error(site, "arxiv", says(answers.ARXIV_ERROR, media_type="application/atom+xml"))
    assert (type(error), error.code) == (SearchDeniedError, "search_denied")


async def test_arxiv_throttles_in_plain_text(site: Site) -> None:
    assert (await _error(site, "arxiv", says("Rate exceeded."))).code == "search_unavailable"


async def test_arxiv_with_a_bomb_of_entities(site: Site) -> None:
    grown = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    feed = answers.ARXIV.replace("?>", f'?><!DOCTYPE feed [<!ENTITY e0 "bee">{grown}]>', 1)
    assert (await _error(site, "arxiv", says(feed.replace("Attention", "&e11;")))).code == "search_unavailable"


async def test_silent_engines_are_no_empty_result(site: Site) -> None:
    answer = {"results": [], "unresponsive_engines": [["google", "CAPTCHA"]]}
    assert (await _error(site, "searxng", says(answer))).code == "search_unavailable"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 7"], 7), (["Retry-After: 999999999"], 86_400), (["Retry-After: soon"], None), ([], None),
        (["Retry-After: Wed, 31 Jan 2024 12:00:30 GMT"], 30), (["Retry-After: Wed, 31 Jan 2024 11:00:00 GMT"], 0),
        (["X-RateLimit-Remaining: 0, 1985", "X-RateLimit-Reset: 1, 1419704"], 1),
        (["X-RateLimit-Remaining: 1, 0", "X-RateLimit-Reset: 1, 7200"], 7200),
        (["X-RateLimit-Remaining: x", "X-RateLimit-Reset: "], None),
    ],
)  # fmt: skip
async def test_how_long_to_wait(site: Site, headers: list[str], seconds: float | None) -> None:
    error = await _error(site, "brave", says(answers.BRAVE_LIMITED, *headers, status=429))
    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == seconds


async def test_nobody_listens(site: Site) -> None:
    settings = search_settings(site, "crossref", crossref_url="http://127.0.0.1:1")
    async with build_search(settings) as search:
        with pytest.raises(TransientError, match="cannot be reached") as caught:
            await search.search(["bees"])
    assert caught.value.code == "search_unavailable"


async def test_an_endless_answer_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real bound would take 32 MiB through a socket.
    monkeypatch.setattr("shared.search.exchange._LONGEST_ANSWER_BYTES", 100_000)

    async def floods(_: object, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "Content-Type: application/json"))
        while True:
            writer.write(b" " * 10_000)
            await writer.drain()

    site.script = floods
    async with build_search(search_settings(site, "tavily")) as search:
        with pytest.raises(TransientError, match="something else"):
            await search.search(["bees"])
