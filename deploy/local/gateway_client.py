"""The launcher's side of the HTTP contract: submit, follow, fetch."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from httpx2 import ServerSentEvent
from pydantic import BaseModel, ValidationError

from deploy.local.answers import Accepted, Answer, FinishedDocument, JobStatus, Refusal, StoredOutline
from deploy.local.errors import LaunchError
from deploy.local.problems import problem_text
from shared.contracts.commands import DocumentCommand
from shared.contracts.events import EVENT_MODELS, TERMINAL_EVENTS, EventData
from shared.contracts.outline_edits import OutlinePatch

API = "/api/v1"
PATIENCE_SECONDS = 30.0
ABANDON_SECONDS = 2.0
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 10.0
SILENCE_SECONDS = 35.0
"""The gateway sends a heartbeat every 10 s: after three lost ones the connection is dead."""
MAX_EVENT_BYTES = 32 * 1024 * 1024
UNAVAILABLE = frozenset({502, 503, 504})
CHANGED_MEANWHILE = 412
A_PERSON_DECIDES = frozenset({409, CHANGED_MEANWHILE, 422})
"""Answers to an edit or an approval that whoever made it can do something about."""

_MODELS: dict[str, type[EventData]] = {str(event_type): model for event_type, model in EVENT_MODELS.items()}
_TERMINAL_MODELS = tuple(EVENT_MODELS[event_type] for event_type in TERMINAL_EVENTS)


class _Frame(Answer):
    type: str
    data: dict[str, object]


AnswerType = TypeVar("AnswerType", bound=BaseModel)


@dataclass(slots=True)
class Bookmark:
    """How far the events of a job were read."""

    event_id: str = ""
    """Empty: not at all."""


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

    async def submit(self, command: DocumentCommand) -> str:
        """Submit a document job and return its id. The key makes a repeated request harmless."""
        body = command.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        response = await self._patiently(lambda: self._client.post(f"{API}/jobs/document", json=body, headers=headers))
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

    async def outline(self, job_id: str) -> StoredOutline:
        """The latest version of the job's outline."""
        return _read(StoredOutline, await self._patiently(lambda: self._client.get(f"{API}/jobs/{job_id}/outline")))

    async def edit_outline(self, job_id: str, version: int, patch: OutlinePatch) -> StoredOutline | Refusal:
        """Change that version of the outline; the new one, or why there is none."""
        body = patch.model_dump(mode="json")
        response = await self._patiently(
            lambda: self._client.patch(f"{API}/jobs/{job_id}/outline", json=body, headers=_if_match(version)),
            A_PERSON_DECIDES,
        )
        return _refusal(response) or _read(StoredOutline, response)

    def approval_url(self, job_id: str) -> str:
        """Where a POST approves the job's outline."""
        return f"{str(self._client.base_url).rstrip('/')}{API}/jobs/{job_id}/approve"

    async def approve(self, job_id: str, version: int) -> Refusal | None:
        """Let the document be written from that version of its outline; None when it will be."""
        response = await self._patiently(
            lambda: self._client.post(f"{API}/jobs/{job_id}/approve", headers=_if_match(version)), A_PERSON_DECIDES
        )
        return _refusal(response)

    async def document(self, job_id: str) -> FinishedDocument:
        """Result of a completed document job."""
        return _read(FinishedDocument, await self._patiently(lambda: self._client.get(f"{API}/jobs/{job_id}/result")))

    async def follow(self, job_id: str, read: Bookmark) -> AsyncGenerator[EventData, None]:
        """The job's events from the bookmark on up to its end, over as many connections as it takes.

        Each new connection names the last id that arrived, so nothing is shown twice and nothing is missed.
        """
        url = f"{API}/jobs/{job_id}/events"
        retry_seconds = self._retry_seconds
        patience = _Patience(self._patience_seconds)
        while True:
            try:
                async with self._client.sse(
                    url,
                    headers={"Last-Event-ID": read.event_id} if read.event_id else {},
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
                        read.event_id = frame.id or read.event_id
                        retry_seconds = _retry_seconds(frame, retry_seconds)
                        event = _parse(frame)
                        if event is not None:
                            yield event
                        if isinstance(event, _TERMINAL_MODELS):
                            return
            except (httpx2.TransportError, UnavailableError) as error:
                patience.spend(error)
            await asyncio.sleep(retry_seconds)

    async def _patiently(
        self, ask: Callable[[], Awaitable[httpx2.Response]], also: Collection[int] = ()
    ) -> httpx2.Response:
        """The answer, if it is a success or has one of the other statuses that its reader knows."""
        patience = _Patience(self._patience_seconds)
        while True:
            try:
                response = await ask()
                if response.status_code not in also:
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


def _if_match(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def _refusal(response: httpx2.Response) -> Refusal | None:
    if response.is_success:
        return None
    return Refusal(problem_text(response), response.status_code == CHANGED_MEANWHILE)


def _read(model: type[AnswerType], response: httpx2.Response) -> AnswerType:
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
