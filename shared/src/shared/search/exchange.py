"""One request to a search provider, and what its failures mean.

The errors quote nothing the provider says and keep no cause: both may hold the key.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from shared.contracts.errors import DraftlineError
from shared.lifecycle.clock import Clock
from shared.search.errors import SearchDeniedError, SearchUnavailableError

_LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
_LONGEST_RETRY_AFTER_SECONDS = 86_400.0
_TEMPORARY = {408, 425, 429}
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; ``body`` makes it a POST."""

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: BaseModel | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Asks one provider over a client that is shared with others."""

    provider: str
    client: httpx2.AsyncClient
    clock: Clock
    timeout_seconds: float

    async def ask(self, request: Request) -> bytes:
        """The body of a 200. Raises as ``SearchProvider.search`` does."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self._answer(request)
        except TimeoutError:
            message = f"The search provider {self.provider} took longer than {self.timeout_seconds:g} s."
        except httpx2.HTTPError as error:
            message = f"The search provider {self.provider} cannot be reached ({type(error).__name__})."
        raise SearchUnavailableError(message) from None

    def read(self, model: type[Answer], body: bytes) -> Answer:
        """The body as the provider's format."""
        try:
            return model.model_validate_json(body)
        except ValidationError:
            raise self.malformed() from None

    def malformed(self) -> SearchUnavailableError:
        """An answer in another form than the provider's; its front end may have answered for it."""
        message = f"The search provider {self.provider} answered with something else than its format."
        return SearchUnavailableError(message)

    def refused(self, why: str) -> SearchDeniedError:
        """A fault that asking again does not mend."""
        return SearchDeniedError(f"The search provider {self.provider} {why}.")

    async def _answer(self, request: Request) -> bytes:
        content, headers = None, dict(request.headers)
        if request.body is not None:
            content, headers["Content-Type"] = request.body.model_dump_json().encode(), "application/json"
        async with self.client.stream(
            "GET" if content is None else "POST", request.url,
            params=dict(request.query) or None, headers=headers, content=content,
        ) as response:  # fmt: skip
            if response.status_code != 200:
                raise self._failure(response)
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _LONGEST_ANSWER_BYTES:
                    raise self.malformed()
            return bytes(body)

    def _failure(self, response: httpx2.Response) -> DraftlineError:
        status = response.status_code
        match status:
            case 401 | 403:
                return self.refused(f"denied access (HTTP {status}); check its key, its credit and what it allows")
            case 402 | 432 | 433:
                return self.refused(f"has no credit left for this key (HTTP {status})")
            case 429:
                said = "limits the rate of requests (HTTP 429)"
            case _ if status >= 500 or status in _TEMPORARY:
                said = f"failed (HTTP {status})"
            case _:
                return self.refused(f"refused the request (HTTP {status}); check its address and its key")
        asked = retry_after_seconds(response.headers, self.clock.now())
        return SearchUnavailableError(f"The search provider {self.provider} {said}.", asked)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long a provider asks to wait: ``Retry-After`` in seconds or as a date, else Brave's ``X-RateLimit-*``."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return _bounded(float(value[:9]))
    if value:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        # An HTTP date is in GMT; one that says otherwise, or nothing, is not trusted.
        return _bounded((date - now).total_seconds()) if date.tzinfo is not None else None
    left, resets = _numbers(headers.get("x-ratelimit-remaining", "")), _numbers(headers.get("x-ratelimit-reset", ""))
    used_up = [reset for remaining, reset in zip(left, resets, strict=False) if remaining == 0]
    return _bounded(float(max(used_up))) if used_up else None


def _numbers(listed: str) -> list[int]:
    """The numbers of several windows, such as of a second and of a month."""
    return [int(part) for part in listed.replace(" ", "").split(",") if part.isascii() and part.isdigit()]


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_SECONDS)
