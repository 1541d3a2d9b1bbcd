"""Search on the web: providers over plain HTTP behind one port, and a fetcher that reaches public addresses only."""

from shared.search.build import build_search
from shared.search.fetching import Fetched, FetchRefusedError, PageFetcher
from shared.search.found import Found, SearchProvider
from shared.search.several import Search, SearchOutcome

__all__ = [
    "FetchRefusedError",
    "Fetched",
    "Found",
    "PageFetcher",
    "Search",
    "SearchOutcome",
    "SearchProvider",
    "build_search",
]
