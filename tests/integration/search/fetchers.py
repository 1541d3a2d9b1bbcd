"""Fetchers for tests: of the test's own server, and of an internet that leads there."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpcore2
import pytest

from shared.search import FetchRefusedError, PageFetcher
from shared.settings.search import SearchSettings

PUBLIC = "8.8.8.8"
LIMIT_BYTES = 100_000
PAGE = b"<p>Bees</p>"


class Names:
    """A resolver with a table; each name may have other addresses every time it is asked for."""

    def __init__(self, **table: list[list[str]]) -> None:
        self.asked: list[str] = []
        self._table = {name.replace("_", "."): answers for name, answers in table.items()}

    async def __call__(self, host: str, _: int) -> list[str]:
        self.asked.append(host)
        answers = self._table.get(host)
        if answers is None:
            raise OSError
        return answers.pop(0) if len(answers) > 1 else answers[0]


class Detour(httpcore2.AsyncNetworkBackend):
    """Remembers whom it was to connect to, and connects to the test's own server; ``dead`` addresses refuse."""

    def __init__(self, port: int, dead: Iterable[str] = ()) -> None:
        self.connected: list[tuple[str, int]] = []
        self._port = port
        self._dead = set(dead)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.connected.append((host, port))
        if host in self._dead:
            raise httpcore2.ConnectError
        return await httpcore2.AnyIOBackend().connect_tcp("127.0.0.1", self._port)


def limits(**given: object) -> SearchSettings:
    return SearchSettings.model_validate({"fetch_bytes": LIMIT_BYTES, "fetch_timeout_seconds": 5} | given)


@asynccontextmanager
async def inside(**given: object) -> AsyncIterator[PageFetcher]:
    """A fetcher that may reach the test's server by its own address."""
    async with PageFetcher(limits(fetch_private_hosts=True, **given)) as fetcher:
        yield fetcher


async def refusal(url: str, **given: object) -> str:
    async with inside(**given) as fetcher:
        with pytest.raises(FetchRefusedError) as caught:
            await fetcher.fetch(url)
    return caught.value.reason


async def refused_from_outside(url: str, names: Names, detour: Detour) -> str:
    async with PageFetcher(limits(), names, detour) as fetcher:
        with pytest.raises(FetchRefusedError) as caught:
            await fetcher.fetch(url)
    return caught.value.reason
