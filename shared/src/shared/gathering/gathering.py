"""The evidence of a job, from wherever it is allowed to come: its files, and a web search where that is asked for."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from shared.contracts.commands import ContextFile
from shared.contracts.document import Degradation, DegradationCode, Source
from shared.contracts.outline import Research
from shared.evidence.ledger import Ledger, build_ledger, ledger_of, locator
from shared.evidence.parts import Part, ReadFile
from shared.gathering.ports import SearchNotConfiguredError
from shared.injection.guard import FLAGGED, score, withhold
from shared.lifecycle.clock import Clock
from shared.reading.files import FileReader
from shared.sandbox import Sandbox
from shared.search import Fetched, FetchRefusedError, Found, PageFetcher, Search, build_search
from shared.settings.search import SearchSettings

log = structlog.get_logger()

PAGES_AT_ONCE = 6
MOST_PAGES = 40
"""The best results of all queries; more would be evidence that no writer is shown."""
_MOST_PLACES = 5


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence, and what could not be done to gather it."""

    ledger: Ledger
    degradations: tuple[Degradation, ...] = ()


class Gatherer:
    """Reads files and searches. What addresses a model instead of a reader is withheld from the ledger."""

    def __init__(self, reader: FileReader, search: Search, fetcher: PageFetcher, clock: Clock) -> None:
        self._reader = reader
        self._search = search
        self._fetcher = fetcher
        self._clock = clock

    async def gather(
        self, job: str, files: Sequence[ContextFile], queries: Sequence[str], research: Research
    ) -> Gathered:
        """``none`` uses nothing, ``context_only`` never touches the network, ``web`` searches as well.

        Raises SearchNotConfiguredError, SearchDeniedError or SearchUnavailableError.
        """
        if research == "none":
            return Gathered(Ledger(sources=[], passages=[], unreadable=[]))
        if research == "web" and not self._search.configured:
            advice = "set DRAFTLINE_SEARCH_PROVIDERS for the workers, or ask for context_only"
            raise SearchNotConfiguredError(f"research is web, but no search provider is set up: {advice}.")
        ledger = await self._from(job, list(await self._reader.read(files)))
        if research == "context_only" or not queries:
            return Gathered(ledger)
        return await self._with_search(job, ledger, queries)

    async def _from(self, job: str, read: list[ReadFile]) -> Ledger:
        # Cutting large files takes a while, and the loop keeps the leases of other jobs.
        return await asyncio.to_thread(lambda: build_ledger(job, [guarded(file) for file in read]))

    async def _with_search(self, job: str, ledger: Ledger, queries: Sequence[str]) -> Gathered:
        outcome = await self._search.search(queries)
        degradations = [
            Degradation(code=DegradationCode.SEARCH_FAILED, message=failure) for failure in outcome.failures
        ]
        if not outcome.found:
            nothing = Degradation(code=DegradationCode.SEARCH_EMPTY, message=f"{len(queries)} searches found nothing.")
            return Gathered(ledger, (*degradations, nothing))
        found = outcome.found[:MOST_PAGES]
        pages = await self._pages(found)
        read = [
            (self._source(f"web-{number}", one, page), guarded(_described(one, page)))
            for number, (one, page) in enumerate(zip(found, pages, strict=True), 1)
        ]
        readable = [(source, file) for source, file in read if file.text.strip()]
        searched = await asyncio.to_thread(ledger_of, job, readable)
        return Gathered(ledger.extended(searched), tuple(degradations))

    async def _pages(self, found: Sequence[Found]) -> list[ReadFile | None]:
        """The page of each result, where the provider did not give its text and it can be loaded and read."""
        slots = asyncio.Semaphore(PAGES_AT_ONCE)

        async def fetched(one: Found) -> Fetched | None:
            async with slots:
                try:
                    return await self._fetcher.fetch(one.url) if one.url and not one.text else None
                except FetchRefusedError as refused:
                    log.info("page_not_fetched", url=one.url, reason=refused.reason)
                    return None

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fetched(one)) for one in found]
        loaded = [task.result() for task in tasks]
        # One child reads them all.
        read = iter(await self._reader.read([_as_file(page) for page in loaded if page is not None]))
        pages = [next(read) if page is not None else None for page in loaded]
        return [page if page is not None and not page.unreadable else None for page in pages]

    def _source(self, source_id: str, found: Found, page: ReadFile | None) -> Source:
        return Source(
            id=source_id,
            name=found.title or found.url,
            media_type=page.media_type if page else "text/plain",
            kind=found.kind,
            title=found.title,
            authors=list(found.authors),
            issued=found.issued or (page.issued if page else ""),
            container=found.container,
            publisher=found.publisher,
            volume=found.volume,
            issue=found.issue,
            pages=found.pages,
            doi=found.doi,
            url=found.url,
            accessed=self._clock.now().date().isoformat(),
            language=found.language or (page.language if page else ""),
            provider=found.provider,
        )


def _as_file(page: Fetched) -> ContextFile:
    return ContextFile(
        name=page.url[:255], media_type=page.media_type, content_base64=base64.b64encode(page.content).decode()
    )


def _described(found: Found, page: ReadFile | None) -> ReadFile:
    """A result as a file: its page, else the text or at least the snippet that came with it."""
    if page is not None and page.text.strip():
        return replace(page, name=found.title or found.url)
    return ReadFile(found.title or found.url, "text/plain", (Part(found.text or found.snippet),))


def guarded(read: ReadFile) -> ReadFile:
    """The file without what gives orders to a model; its warnings say how much was withheld, and where it stood.

    Before it is cut into passages, so that no cut can hide an order. What was withheld is quoted nowhere: whoever reads
    the warning may be a model, too.
    """
    parts: list[Part] = []
    places: list[str] = []
    removed = 0
    for part in read.parts:
        withheld = withhold(part.text)
        heading = "" if score(part.heading) >= FLAGGED else part.heading
        parts.append(replace(part, text=withheld.text, heading=heading))
        if withheld.removed:
            removed += len(withheld.removed)
            places.append(locator(part.page, heading))
    orders = [field for field in (read.title, *read.authors) if score(field) >= FLAGGED]
    if not removed and not orders:
        return replace(read, parts=tuple(parts))
    where = "; ".join(place for place in dict.fromkeys(places[:_MOST_PLACES]) if place)
    warning = f"{removed + len(orders)} passages that give orders to a language model were withheld"
    return replace(
        read,
        parts=tuple(parts),
        title="" if read.title in orders else read.title,
        authors=tuple(name for name in read.authors if name not in orders),
        warnings=(*read.warnings, f"{warning} ({where})" if where else warning),
    )


@asynccontextmanager
async def gathering(search: SearchSettings, sandbox: Sandbox, clock: Clock) -> AsyncIterator[Gatherer]:
    """A gatherer, and its connections while the block runs."""
    async with build_search(search) as providers, PageFetcher(search) as fetcher:
        yield Gatherer(FileReader(sandbox), providers, fetcher, clock)
