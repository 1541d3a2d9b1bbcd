"""Makes the search that the settings ask for."""

import httpx2

from shared.lifecycle.clock import Clock, SystemClock
from shared.search import arxiv, brave
from shared.search.arxiv import Arxiv
from shared.search.bocha import Bocha
from shared.search.brave import Brave
from shared.search.crossref import Crossref
from shared.search.exchange import Exchange
from shared.search.found import SearchProvider
from shared.search.searxng import Searxng
from shared.search.several import Search
from shared.search.tavily import Tavily
from shared.search.turns import Turns
from shared.settings.search import SearchSettings

USER_AGENT = "Draftline"


def build_search(settings: SearchSettings, clock: Clock | None = None) -> Search:
    """The configured providers behind one search, to be entered as a context manager; one per process, since the
    pauses that providers ask for are kept among those who share it.
    """
    agent = f"{USER_AGENT} (mailto:{settings.crossref_mailto})" if settings.crossref_mailto else USER_AGENT
    client = httpx2.AsyncClient(
        headers={"User-Agent": agent}, timeout=settings.search_timeout_seconds, trust_env=False, follow_redirects=False
    )
    used = clock or SystemClock()
    providers = [_provider(name, settings, client, used) for name in settings.provider_names()]
    return Search(providers, settings.search_results, client=client)


def _provider(name: str, settings: SearchSettings, client: httpx2.AsyncClient, clock: Clock) -> SearchProvider:
    exchange = Exchange(name, client, clock, settings.search_timeout_seconds)

    def turns(interval_seconds: float) -> Turns:
        return Turns(name, interval_seconds, clock, patience_seconds=settings.search_timeout_seconds)

    match name:
        case "searxng":
            return Searxng(exchange, settings.searxng_url or "")
        case "tavily":
            return Tavily(exchange, settings.tavily_url, settings.tavily_api_key)
        case "brave":
            return Brave(exchange, settings.brave_url, settings.brave_api_key, turns(brave.REQUEST_INTERVAL_SECONDS))
        case "bocha":
            return Bocha(exchange, settings.bocha_url, settings.bocha_api_key)
        case "arxiv":
            return Arxiv(exchange, settings.arxiv_url, turns(arxiv.REQUEST_INTERVAL_SECONDS))
        case "crossref":
            return Crossref(exchange, settings.crossref_url, settings.crossref_mailto)
        case _:
            msg = f"no search provider {name!r}"
            raise ValueError(msg)
