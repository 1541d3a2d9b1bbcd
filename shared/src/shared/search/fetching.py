"""Fetches pages whose addresses come from strangers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from shared.search.network import CheckedNetwork, FetchRefusedError, Resolver, system_resolver
from shared.settings.search import SearchSettings

_PAGES_AT_ONCE = 64
_MOST_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_PORTS = {"http": 80, "https": 443}
_ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
_MEDIA_TYPES = {
    "text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/x-markdown", "application/pdf",
    "application/x-pdf", "text/xml", "application/xml",
}  # fmt: skip
_LONGEST_SHOWN = 200
_HEADERS = {
    "User-Agent": "Draftline",
    "Accept": "text/html, application/xhtml+xml, application/pdf, text/markdown, text/plain, application/xml;q=0.5",
    "Accept-Language": "*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}

__all__ = ["FetchRefusedError", "Fetched", "PageFetcher"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it came, untrusted and unparsed."""

    url: str
    """The last address, after redirects."""
    media_type: str
    charset: str
    """As the server names it; empty where it does not."""
    content: bytes


class PageFetcher:
    """Loads pages from the public internet, and from nowhere else.

    Only HTTP and HTTPS on their own ports, without credentials, cookies and proxies; every host is resolved once and
    all its addresses are checked, after each redirect anew; the time is limited, and so is the size, after
    decompression. Pages beyond the 64 that are loaded at once wait. Enter it to have its connections closed.
    """

    def __init__(
        self,
        settings: SearchSettings,
        resolve: Resolver = system_resolver,
        sockets: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(_PAGES_AT_ONCE)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            network_backend=CheckedNetwork(resolve, sockets, private_hosts=settings.fetch_private_hosts),
            max_connections=None,
            max_keepalive_connections=0,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    async def fetch(self, url: str) -> Fetched:
        """The page at an address. Raises FetchRefusedError, whose ``reason`` is a sentence for people."""
        seconds = self._settings.fetch_timeout_seconds
        try:
            # A page's time begins when its turn has come.
            async with self._slots, asyncio.timeout(seconds):
                return await self._follow(self._checked(url))
        except TimeoutError:
            reason = f"{_shown(url)} took longer than {seconds:g} s."
        except httpx2.DecodingError:
            reason = f"{_shown(url)} is compressed in a way that cannot be undone."
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            reason = f"{_shown(url)} cannot be loaded ({type(error).__name__})."
        raise FetchRefusedError(reason) from None

    async def _follow(self, url: httpx2.URL) -> Fetched:
        for _ in range(_MOST_REDIRECTS + 1):
            came = await self._load(url)
            if isinstance(came, Fetched):
                return came
            url = came
        msg = f"{_shown(str(url))} is reached by more than {_MOST_REDIRECTS} redirects."
        raise FetchRefusedError(msg)

    async def _load(self, url: httpx2.URL) -> Fetched | httpx2.URL:
        """The page, or where it has moved."""
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        headers: list[tuple[bytes | str, bytes | str]] = [("Host", url.netloc), *_HEADERS.items()]
        async with self._pool.stream("GET", target, headers=headers) as answer:
            received = httpx2.Headers(answer.headers)
            if answer.status in _REDIRECTS and (place := received.get("location")):
                return self._checked(place, url)
            if answer.status != 200:
                msg = f"{_shown(str(url))} answered with HTTP {answer.status}."
                raise FetchRefusedError(msg)
            media_type, charset = self._readable(url, received)
            content = await self._body(url, httpx2.Response(200, headers=received, content=answer.aiter_stream()))
        return Fetched(str(url), media_type, charset, content)

    def _readable(self, url: httpx2.URL, headers: Mapping[str, str]) -> tuple[str, str]:
        """Media type and charset, of a page that can be read."""
        message = Message()
        message["Content-Type"] = headers.get("content-type", "unknown")
        # Not get_content_type: to e-mail, whatever it does not understand is plain text.
        media_type = headers.get("content-type", "unknown").partition(";")[0].strip().lower()
        if media_type not in _MEDIA_TYPES:
            msg = f"{_shown(str(url))} is of the type {media_type[:_LONGEST_SHOWN]}, which is not read."
            raise FetchRefusedError(msg)
        for encoding in headers.get("content-encoding", "").lower().split(","):
            if encoding.strip() not in _ENCODINGS:
                msg = (
                    f"{_shown(str(url))} is compressed as {encoding.strip()[:_LONGEST_SHOWN]}, which was not asked for."
                )
                raise FetchRefusedError(msg)
        return media_type, str(message.get_content_charset("") or "")

    async def _body(self, url: httpx2.URL, response: httpx2.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._settings.fetch_bytes:
                msg = f"{_shown(str(url))} is larger than {self._settings.fetch_bytes} bytes."
                raise FetchRefusedError(msg)
        return bytes(body)

    def _checked(self, text: str, base: httpx2.URL | None = None) -> httpx2.URL:
        """The address, if it is one that pages are fetched from; ``base`` is where it was read."""
        try:
            url = httpx2.URL(text) if base is None else base.join(text)
        except (httpx2.InvalidURL, ValueError):
            msg = f"{_shown(text)} is no address."
            raise FetchRefusedError(msg) from None
        if url.scheme not in _PORTS or not url.host:
            msg = f"{_shown(text)} is no address of the web: only http and https are."
            raise FetchRefusedError(msg)
        if url.userinfo:
            msg = f"The address at {_shown(url.host)} holds credentials."
            raise FetchRefusedError(msg)
        if url.port not in {None, *_PORTS.values()} and not self._settings.fetch_private_hosts:
            msg = f"{_shown(text)} names the port {url.port}; only 80 and 443 are reached."
            raise FetchRefusedError(msg)
        return url.copy_with(fragment=None)


def _shown(text: str) -> str:
    """A stranger's text, fit to stand in a sentence."""
    printable = "".join(character if character.isprintable() else "�" for character in text)
    return printable if len(printable) <= _LONGEST_SHOWN else f"{printable[:_LONGEST_SHOWN]}…"
