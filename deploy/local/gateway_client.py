"""The launcher's side of the HTTP contract: submit, follow, fetch."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx2
from httpx2 import ServerSentEvent
from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.local.errors import LaunchError
from deploy.local.problems import problem_text
from shared.contracts.commands import JobOptions
from shared.contracts.document import DocumentResult, OutlineResult
from shared.contracts.errors import JobError
from shared.contracts.events import EVENT_MODELS, TERMINAL_EVENTS, EventData
from shared.contracts.states import JobKind, JobState
from shared.contracts.usage import Usage

API = "/api/v1"
PATIENCE_SECONDS = 30.0
ABANDON_SECONDS = 2.0
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 10.0
SILENCE_SECONDS = 35.0
"""The gateway sends a heartbeat every 10 s: after three lost ones the connection is dead."""
MAX_EVENT_BYTES = 32 * 1024 * 1024
UNAVAILABLE = frozenset({502, 503, 504})

_MODELS: dict[str, type[EventData]] = {str(event_type): model for event_type, model in EVENT_MODELS.items()}
_TERMINAL_MODELS = tuple(EVENT_MODELS[event_type] for event_type in TERMINAL_EVENTS)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Accepted(_Answer):
    """Of a 202: the only part the launcher needs."""

    job_id: str


class JobStatus(_Answer):
    """How a job stands."""

    status: JobState
    error: JobError | None = None
    duration_seconds: float | None = None


class FinishedOutline(OutlineResult):
    """An outline job's result as the gateway gives it."""

    model_config = ConfigDict(extra="ignore")
    usage: Usage


class FinishedDocument(DocumentResult):
    """A document job's result as the gateway gives it."""

    model_config = ConfigDict(extra="ignore")
    usage: Usage


class _Frame(_Answer):
    type: str
    data: dict[str, object]


Answer = TypeVar("Answer", bound=BaseModel)


class UnavailableError(Exception):
    """The gateway can't answer now: Redis is away, or it drains."""


class GatewayClient:
    """Patient with a gateway that is away for a moment; any refusal ends in a LaunchError with its reason."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        patience_seconds: float = PATIENCE_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._client = client
        self._patience_seconds = patience_seconds
        self._retry_seconds = retry_seconds

    async def submit(self, kind: JobKind, command: JobOptions) -> str:
        """Submit a job and return its id. The key makes a repeated request harmless."""
        body = command.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        response = await self._patiently(lambda: self._client.post(f"{API}/jobs/{kind}", json=body, headers=headers))
        return _read(Accepted, response).job_id

    async def abandon(self, job_id: str) -> None:
        """Ask for the job's cancellation, without waiting for a gateway that is away.

        Asked again once: a connection kept from an earlier request may have been closed meanwhile.
        """
        for _ in range(2):
            with suppress(httpx2.TransportError):
                await self._client.post(f"{API}/jobs/{job_id}/cancel", timeout=ABANDON_SECONDS)
                return

    async def status(self, job_id: str) -> JobStatus:
        """The job as it stands."""
        return _read(JobStatus, await self._patiently(lambda: self._client.get(f"{API}/jobs/{job_id}")))

    async def outline(self, job_id: str) -> FinishedOutline:
        """Result of a completed outline job."""
        return _read(FinishedOutline, await self._result(job_id))

    async def document(self, job_id: str) -> FinishedDocument:
        """Result of a completed document job."""
        return _read(FinishedDocument, await self._result(job_id))

    async def _result(self, job_id: str) -> httpx2.Response:
        return await self._patiently(lambda: self._client.get(f"{API}/jobs/{job_id}/result"))

    async def follow(self, job_id: str) -> AsyncGenerator[EventData, None]:
        """The job's events up to its end, over as many connections as it takes.

        Each new connection names the last id that arrived, so nothing is shown twice and nothing is missed.
        """
        url = f"{API}/jobs/{job_id}/events"
        position, retry_seconds = "", self._retry_seconds
        patience = _Patience(self._patience_seconds)
        while True:
            try:
                async with self._client.sse(
                    url,
                    headers={"Last-Event-ID": position} if position else {},
                    timeout=httpx2.Timeout(PATIENCE_SECONDS, read=SILENCE_SECONDS),
                    max_event_size=MAX_EVENT_BYTES,
                ) as stream:
                    if stream.response.status_code == 204:
                        return
                    if not stream.response.is_success:
                        await stream.response.aread()
                    _require_success(stream.response)
                    patience.renew()
                    async for frame in stream:
                        position = frame.id or position
                        retry_seconds = _retry_seconds(frame, retry_seconds)
                        event = _parse(frame)
                        if event is not None:
                            yield event
                        if isinstance(event, _TERMINAL_MODELS):
                            return
            except (httpx2.TransportError, UnavailableError) as error:
                patience.spend(error)
            await asyncio.sleep(retry_seconds)

    async def _patiently(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        patience = _Patience(self._patience_seconds)
        while True:
            try:
                response = await ask()
                _require_success(response)
            except (httpx2.TransportError, UnavailableError) as error:
                patience.spend(error)
                await asyncio.sleep(self._retry_seconds)
            else:
                return response


class _Patience:
    """Allows failures for a while after the last success."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._failing_since: float | None = None

    def renew(self) -> None:
        self._failing_since = None

    def spend(self, error: Exception) -> None:
        """Note a failure; raises LaunchError if there was nothing else for too long."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since > self._seconds:
            msg = f"The gateway has not answered for {self._seconds:.0f} s: {str(error) or type(error).__name__}"
            raise LaunchError(msg) from error


def _require_success(response: httpx2.Response) -> None:
    """For an answer that was read, or succeeded."""
    if response.status_code in UNAVAILABLE:
        raise UnavailableError(problem_text(response))
    if not response.is_success:
        msg = f"The gateway refused {response.request.method} {response.request.url.path}: {problem_text(response)}"
        raise LaunchError(msg)


def _read(model: type[Answer], response: httpx2.Response) -> Answer:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        msg = f"The answer to {response.request.method} {response.request.url.path} is not as documented: {error}"
        raise LaunchError(msg) from error


def _retry_seconds(frame: ServerSentEvent, current: float) -> float:
    return current if frame.retry is None else min(frame.retry / 1000, LONGEST_RETRY_SECONDS)


def _parse(frame: ServerSentEvent) -> EventData | None:
    """The event of a frame; None for a frame without one, or of a type that is newer than this launcher."""
    if not frame.data:
        return None
    try:
        envelope = _Frame.model_validate_json(frame.data)
        model = _MODELS.get(envelope.type)
        return None if model is None else model.model_validate(envelope.data)
    except ValidationError as error:
        msg = f"An event of type {frame.event} is not as documented: {error}"
        raise LaunchError(msg) from error
