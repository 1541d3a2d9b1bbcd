"""Turns what the endpoint and the network do wrong into errors that say what to do about it.

The errors keep no cause: exceptions of the HTTP layer and the endpoint's own words may hold the key.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeAlias

import httpx2
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

from shared.contracts.errors import DraftlineError
from shared.llm.errors import (
    ModelAuthFailedError,
    ModelContextExceededError,
    ModelNotFoundError,
    ModelQuotaExhaustedError,
    ModelRateLimitedError,
    ModelRequestRefusedError,
    ModelStreamBrokenError,
    ModelTimeoutError,
    ModelUnavailableError,
)

Reached: TypeAlias = Literal["unsent", "refused", "begun"]
"""How far a failed request came: refused by a status costs no tokens, begun may have cost any."""

MALFORMED = (json.JSONDecodeError, UnicodeDecodeError)
_LONGEST_RETRY_AFTER_SECONDS = 86_400.0
_LONGEST_QUOTE = 300
_CONTEXT_EXCEEDED = (
    "context_length_exceeded",
    "exceed_context_size_error",
    "maximum context length",
    "exceeds the available context size",
    "exceeds the maximum number of tokens",
    "prompt is too long",
)
_QUOTA_EXHAUSTED = ("insufficient_quota", "billing_hard_limit_reached")
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that brought no answer."""

    error: DraftlineError
    reached: Reached


def timed_out(idle_seconds: float) -> Failure:
    """The endpoint was silent for too long."""
    message = (
        f"The model endpoint was silent for {idle_seconds:g} s. If it is only slow, raise DRAFTLINE_MODEL_IDLE_SECONDS."
    )
    return Failure(ModelTimeoutError(message), "begun")


def malformed() -> Failure:
    """The endpoint sent something that is no stream of chat completion chunks."""
    message = "The model endpoint sent a malformed stream. Check that OPENAI_BASE_URL ends in /v1."
    return Failure(ModelStreamBrokenError(message), "begun")


def translate(error: APIError, *, key: str, now: datetime) -> Failure:
    """What an error of the openai client means; ``key`` never appears in the message."""
    if isinstance(error, APIConnectionError):
        return _connection(error)
    quote = _quote(error, key)
    if isinstance(error, APIStatusError):
        asked = retry_after_seconds(error.response.headers, now)
        return Failure(_by_status(error.status_code, error, quote, asked), "refused")
    status = int(error.code) if error.code is not None and error.code.isdecimal() else 0
    if not status and "rate_limit" in f"{error.code} {error.type}":
        status = 429
    return Failure(_by_status(status, error, quote, None), "begun")


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the endpoint asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _bounded(milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return None if seconds is None else _bounded(seconds)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    # An HTTP date is in GMT; one that says otherwise, or nothing, is not trusted.
    return _bounded((date - now).total_seconds()) if date.tzinfo is not None else None


def _connection(error: APIConnectionError) -> Failure:
    cause = error.__cause__
    reached: Reached = "unsent" if isinstance(cause, _NEVER_SENT) else "begun"
    if isinstance(error, APITimeoutError):
        message = "The model endpoint took too long to accept a connection. Check OPENAI_BASE_URL."
        return Failure(ModelTimeoutError(message), reached)
    if reached == "unsent":
        message = "The model endpoint cannot be reached. Check OPENAI_BASE_URL and that it is running."
        return Failure(ModelUnavailableError(message), reached)
    message = f"The connection to the model endpoint broke ({type(cause).__name__})."
    return Failure(ModelStreamBrokenError(message), reached)


def _by_status(status: int, error: APIError, quote: str, asked: float | None) -> DraftlineError:
    words = f"{error.code} {error.type} {quote}".lower()
    if any(marker in words for marker in _CONTEXT_EXCEEDED):
        message = "The request is longer than the model's context. Set DRAFTLINE_MODEL_CONTEXT_TOKENS to its size."
        return ModelContextExceededError(message)
    if status == 402 or any(marker in words for marker in _QUOTA_EXHAUSTED):
        message = "The account at the model endpoint has no credit left. Top it up, then retry the job."
        return ModelQuotaExhaustedError(message)
    match status:
        case 401 | 403:
            message = f"The model endpoint denied access (HTTP {status}). Check OPENAI_API_KEY."
            return ModelAuthFailedError(message)
        case 404:
            message = f"The model or its endpoint does not exist. Check OPENAI_MODEL and OPENAI_BASE_URL. {quote}"
            return ModelNotFoundError(message.strip())
        case 429:
            message = "The model endpoint limits the rate of requests. Lower DRAFTLINE_MODEL_CONCURRENCY if it lasts."
            return ModelRateLimitedError(message, asked)
        case 408 | 504:
            message = f"The model endpoint timed out (HTTP {status})."
            return ModelTimeoutError(message, asked)
        case _ if status in (409, 425) or (status >= 500 and status != 501):
            message = f"The model endpoint failed (HTTP {status}); its own log says why."
            return ModelUnavailableError(message, asked)
        case 0:
            message = "The model endpoint failed in the middle of its answer."
            return ModelUnavailableError(message, asked)
        case _:
            message = f"The model endpoint refused the request (HTTP {status}). {quote}"
            return ModelRequestRefusedError(message.strip())


def _quote(error: APIError, key: str) -> str:
    """The endpoint's own words, short, without the key."""
    body = error.body
    words = body
    if isinstance(body, dict):
        words = body.get("message") or body.get("detail") or body.get("error") or ""
    text = words if isinstance(words, str) else json.dumps(words, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    if key:
        text = text.replace(key, "***")
    return text[:_LONGEST_QUOTE]


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_SECONDS)
