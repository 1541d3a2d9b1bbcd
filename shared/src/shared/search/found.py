"""What a search gives, and the port that every provider fills."""

from dataclasses import dataclass
from typing import Protocol

from shared.contracts.document import Author, SourceKind


@dataclass(frozen=True, slots=True)
class Found:
    """One result; what the provider does not say is empty. All of it is untrusted text."""

    title: str
    url: str
    snippet: str
    provider: str
    text: str = ""
    """The content or the abstract, where the provider gives it: plain text or Markdown."""
    kind: SourceKind = "webpage"
    authors: tuple[Author, ...] = ()
    issued: str = ""
    """Year, year-month or date (ISO 8601)."""
    container: str = ""
    """Journal, proceedings or web site."""
    publisher: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    language: str = ""
    """BCP 47."""


class SearchProvider(Protocol):
    """A search index that is asked by HTTP."""

    @property
    def name(self) -> str:
        """As in DRAFTLINE_SEARCH_PROVIDERS."""
        ...

    async def search(self, query: str, count: int) -> list[Found]:
        """At most ``count`` results, the best first; none is a normal answer.

        Raises SearchUnavailableError where it may help to ask again later, with the seconds to wait if the provider
        names them, and SearchDeniedError where it refuses the key or the request.
        """
        ...
