"""What is taken of a page, and how much of it."""

import asyncio
import gzip
import zlib

import pytest

from tests.integration.search.fetchers import LIMIT_BYTES, PAGE, inside, refusal
from tests.integration.search.site import Asked, Script, Site, head, says


async def test_a_page(site: Site) -> None:
    site.script = says(PAGE, "Set-Cookie: a=b", media_type="Text/HTML; charset=GBK")
    async with inside() as fetcher:
        for _ in range(2):
            page = await fetcher.fetch(f"{site.url}/a?b=c#d")
    assert (page.url, page.media_type, page.charset, page.content) == (f"{site.url}/a?b=c", "text/html", "gbk", PAGE)
    for asked in site.asked:
        assert (asked.method, asked.target) == ("GET", "/a?b=c")
        assert "cookie" not in asked.headers
        assert asked.headers["user-agent"] == "Draftline"
        assert asked.headers["accept-language"] == "*"
        assert asked.headers["host"] == f"127.0.0.1:{site.port}"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_page(site: Site, encoding: str) -> None:
    packed = gzip.compress(PAGE) if encoding == "gzip" else zlib.compress(PAGE)
    site.script = says(packed, f"Content-Encoding: {encoding}")
    async with inside() as fetcher:
        assert (await fetcher.fetch(site.url)).content == PAGE


@pytest.mark.parametrize("status", [204, 206, 401, 403, 404, 429, 500, 503])
async def test_only_a_page_is_taken(site: Site, status: int) -> None:
    site.script = says("" if status == 204 else PAGE, status=status)
    assert f"HTTP {status}" in await refusal(site.url)


@pytest.mark.parametrize(
    "media_type",
    ["application/zip", "image/png", "application/octet-stream", "application/json", "video/mp4", "text/css", "x", ";"],
)
async def test_other_types_are_refused(site: Site, media_type: str) -> None:
    site.script = says(b"PK\x03\x04", media_type=media_type)
    assert "type" in await refusal(site.url)


async def test_no_type_is_refused(site: Site) -> None:
    async def untyped(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "Content-Length: 11") + PAGE)

    site.script = untyped
    assert "type" in await refusal(site.url)


@pytest.mark.parametrize(
    "media_type", ["application/pdf", "text/markdown", "text/plain", "application/xhtml+xml", "application/xml"]
)
async def test_types_that_are_read(site: Site, media_type: str) -> None:
    site.script = says(PAGE, media_type=media_type)
    async with inside() as fetcher:
        assert (await fetcher.fetch(site.url)).media_type == media_type


def _bombs() -> dict[str, tuple[str, bytes]]:
    zeros = gzip.compress(b"\0" * 50_000_000)
    return {
        "gzip": ("gzip", zeros),
        "deflate": ("deflate", zlib.compress(b"\0" * 50_000_000)),
        "in two layers": ("gzip, gzip", gzip.compress(zeros)),
        "not at all": ("identity", b"\0" * (LIMIT_BYTES + 1)),
    }


@pytest.mark.parametrize("kind", ["gzip", "deflate", "in two layers", "not at all"])
async def test_the_size_is_limited_after_decompression(site: Site, kind: str) -> None:
    encoding, packed = _bombs()[kind]
    site.script = says(packed, f"Content-Encoding: {encoding}")
    assert f"larger than {LIMIT_BYTES} bytes" in await refusal(site.url)


async def test_a_page_of_the_largest_size(site: Site) -> None:
    site.script = says(gzip.compress(b"b" * LIMIT_BYTES), "Content-Encoding: gzip")
    async with inside() as fetcher:
        assert len((await fetcher.fetch(site.url)).content) == LIMIT_BYTES


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, br", "x" * 500])
async def test_unknown_compression_is_refused(site: Site, encoding: str) -> None:
    site.script = says(PAGE, f"Content-Encoding: {encoding}")
    assert "not asked for" in await refusal(site.url)


async def test_broken_compression_is_refused(site: Site) -> None:
    site.script = says(b"no gzip at all", "Content-Encoding: gzip")
    assert "compressed" in await refusal(site.url)


async def _endless(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Type: text/html", "Transfer-Encoding: chunked"))
    while True:
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()


async def test_an_endless_body_ends(site: Site) -> None:
    site.script = _endless
    assert "larger" in await refusal(site.url)


async def _slow(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Type: text/html"))
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _slow_head(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Bee: 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("script", [_slow, _slow_head])
async def test_the_whole_time_is_limited(site: Site, script: Script) -> None:
    site.script = script
    assert "longer than 0.3 s" in await refusal(site.url, fetch_timeout_seconds=0.3)


async def _cut(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(head(200, "Content-Type: text/html", "Content-Length: 1000") + PAGE)
    writer.close()


async def _no_http(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n\r\n")


async def _huge_head(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Bee: " + b"b" * 1_000_000 + b"\r\n\r\n")


@pytest.mark.parametrize("script", [_cut, _no_http, _huge_head])
async def test_broken_servers(site: Site, script: Script) -> None:
    site.script = script
    assert "cannot be loaded" in await refusal(site.url)


async def test_nobody_listens() -> None:
    assert "cannot be loaded" in await refusal("http://127.0.0.1:1/")


async def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.script = says(PAGE)
    async with inside() as fetcher:
        assert (await fetcher.fetch(site.url)).content == PAGE


async def test_many_pages_wait_for_each_other_outside_their_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real bound would take a site that answers 64 requests at once.
    monkeypatch.setattr("shared.search.fetching._PAGES_AT_ONCE", 2)
    at_once = most_at_once = 0

    async def counts(asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        await asyncio.sleep(0.1)
        at_once -= 1
        await says(PAGE)(asked, writer)

    site.script = counts
    async with inside(fetch_timeout_seconds=0.4) as fetcher:
        pages = await asyncio.gather(*(fetcher.fetch(f"{site.url}/{number}") for number in range(12)))
    assert [page.content for page in pages] == [PAGE] * 12
    assert most_at_once == 2
