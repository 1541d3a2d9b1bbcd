"""Several providers asked as one."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import httpx2

from shared.contracts.errors import DraftlineError, PermanentError, TransientError
from shared.evidence.sources import canonical_url, same_works
from shared.search.errors import SearchDeniedError, SearchUnavailableError
from shared.search.found import Found, SearchProvider

_QUERIES_AT_ONCE = 4
_RANK_OFFSET = 60
"""Of reciprocal rank fusion: 1 / (60 + rank), after Cormack, Clarke and Büttcher (2009)."""
_LONGEST_QUERY = 400
_MOST_WORDS = 50
"""What the strictest providers take."""


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What all queries brought together; nothing found is an outcome as well."""

    found: tuple[Found, ...]
    """Each work once, the best first."""
    failures: tuple[str, ...] = ()
    """A sentence for every provider that failed, at least once."""


@dataclass(frozen=True, slots=True)
class _Reply:
    provider: str
    found: tuple[Found, ...] = ()
    error: DraftlineError | None = None


class Search:
    """Asks every provider every query. Enter it to have its connections closed."""

    def __init__(
        self, providers: Sequence[SearchProvider], results: int, *, client: httpx2.AsyncClient | None = None
    ) -> None:
        self._providers = providers
        self._results = results
        self._client = client

    @property
    def configured(self) -> bool:
        """Whether there is anybody to ask; without providers every search finds nothing."""
        return bool(self._providers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def search(self, queries: Sequence[str]) -> SearchOutcome:
        """Ask, merge and rank. Where providers fail, the others' results count.

        If every provider failed for every query, raises SearchDeniedError if all refused, else
        SearchUnavailableError with the shortest wait that one of them asked for.
        """
        asked = list(dict.fromkeys(filter(None, map(_clipped, queries))))
        slots = asyncio.Semaphore(_QUERIES_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._ask(query, slots)) for query in asked]
        replies = [reply for task in tasks for reply in task.result()]
        failed = [reply for reply in replies if reply.error is not None]
        if failed and len(failed) == len(replies):
            raise _combined([reply.error for reply in failed if reply.error is not None])
        return SearchOutcome(_ranked(replies), tuple(_sentences(failed, len(asked))))

    async def _ask(self, query: str, slots: asyncio.Semaphore) -> list[_Reply]:
        async with slots, asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._reply(provider, query)) for provider in self._providers]
        return [task.result() for task in tasks]

    async def _reply(self, provider: SearchProvider, query: str) -> _Reply:
        try:
            found = await provider.search(query, self._results)
        except DraftlineError as error:
            return _Reply(provider.name, error=error)
        return _Reply(provider.name, tuple(one for one in found if one.url.startswith(("http://", "https://"))))


def _clipped(query: str) -> str:
    words = query.split()[:_MOST_WORDS]
    while len(words) > 1 and len(" ".join(words)) > _LONGEST_QUERY:
        words.pop()
    return " ".join(words)[:_LONGEST_QUERY]


def _ranked(replies: Iterable[_Reply]) -> tuple[Found, ...]:
    places = [(found, rank) for reply in replies for rank, found in enumerate(reply.found, 1)]
    groups: dict[int, list[Found]] = {}
    scores: dict[int, float] = {}
    for (found, rank), first in zip(places, same_works([found for found, _ in places]), strict=True):
        groups.setdefault(first, []).append(found)
        scores[first] = scores.get(first, 0.0) + 1 / (_RANK_OFFSET + rank)
    best_first = sorted(groups, key=lambda first: -scores[first])
    return tuple(_joined(groups[first]) for first in best_first)


def _joined(same: Sequence[Found]) -> Found:
    """The fullest record, with the text the others have. Its bibliographic fields stay those of one provider."""
    fullest = max(same, key=lambda found: (found.kind != "webpage", found.kind != "preprint", bool(found.authors)))
    return replace(
        fullest,
        text=fullest.text or next((found.text for found in same if found.text), ""),
        snippet=fullest.snippet or next((found.snippet for found in same if found.snippet), ""),
        doi=fullest.doi or _doi_of(fullest, same),
        issued=fullest.issued or next((found.issued for found in same if found.issued), ""),
        language=fullest.language or next((found.language for found in same if found.language), ""),
    )


def _doi_of(fullest: Found, same: Sequence[Found]) -> str:
    """A DOI of the same address; another address may be another version with a DOI of its own."""
    address = canonical_url(fullest.url)
    return next((found.doi for found in same if found.doi and canonical_url(found.url) == address), "")


def _sentences(failed: Sequence[_Reply], asked: int) -> Iterable[str]:
    for provider in dict.fromkeys(reply.provider for reply in failed):
        errors = [reply.error for reply in failed if reply.provider == provider and reply.error is not None]
        yield f"{errors[0].message} {len(errors)} of {asked} queries failed there."


def _combined(errors: Sequence[DraftlineError]) -> DraftlineError:
    message = " ".join(dict.fromkeys(error.message for error in errors))
    if all(isinstance(error, PermanentError) for error in errors):
        return SearchDeniedError(message)
    waits = [error.retry_after_seconds for error in errors if isinstance(error, TransientError)]
    known = [wait for wait in waits if wait is not None]
    return SearchUnavailableError(message, min(known, default=None))
