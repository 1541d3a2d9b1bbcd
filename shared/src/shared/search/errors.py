"""How a web search ends where no provider answers."""

from shared.contracts.errors import PermanentError, TransientError


class SearchUnavailableError(TransientError):
    code = "search_unavailable"
    meaning = (
        "Every search provider failed for every query: unreachable, too slow, limiting the rate, or answering in an "
        "unknown form"
    )
    advice = "The message names each provider; wait, or set up another in `DRAFTLINE_SEARCH_PROVIDERS`"


class SearchDeniedError(PermanentError):
    code = "search_denied"
    meaning = "Every search provider refused its key or the request, or has no credit left"
    advice = "Check the addresses and keys of the providers (`DRAFTLINE_*_URL`, `DRAFTLINE_*_API_KEY`)"
