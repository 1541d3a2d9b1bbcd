"""The job `make run` does: from a prompt to a document, and a file."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from deploy.local.answers import JobStatus, StoredOutline
from deploy.local.errors import LaunchError
from deploy.local.gateway_client import Bookmark, GatewayClient
from deploy.local.outline_text import length_unit
from deploy.local.person import Person
from deploy.local.review import Reviewer
from deploy.local.view import View
from shared.contracts.commands import ContextFile, DocumentCommand
from shared.contracts.document import Document
from shared.contracts.events import OutlineReady
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.states import JobState
from shared.contracts.usage import Usage

PROMPT = (
    "Write an introduction to honeybees for curious readers: how a colony is organised, how bees find flowers "
    "and tell each other where they are, how honey is made, and why bees matter to people."
)

OUTLINE = Outline(
    title="The Life of Honeybees",
    language="en",
    nodes=[
        OutlineNode(title=title)
        for title in (
            "Queens, drones and workers",
            "How bees find flowers",
            "From nectar to honey",
            "Why bees matter to people",
        )
    ],
)
"""What the embedded model writes where nobody says what: it is too small to plan well."""


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """What is to be written."""

    prompt: str | None
    """None: the outline is there."""
    outline: Outline | None
    target_words: int | None
    """None: as the service decides."""
    files: list[ContextFile]
    review: bool
    """Whether a person approves the outline before the document is written."""

    def command(self) -> DocumentCommand:
        """Raises LaunchError for a prompt the service would refuse."""
        try:
            return DocumentCommand(
                task_prompt=self.prompt,
                outline=self.outline,
                context_files=self.files,
                target_words=self.target_words,
                review=self.review,
            )
        except ValidationError as error:
            msg = f"PROMPT can't be used: {error.errors()[0]['msg']}."
            raise LaunchError(msg) from error


class Sample:
    """One job, shown from its beginning to its end."""

    def __init__(self, gateway: GatewayClient, view: View, person: Person, folder: Path) -> None:
        self._gateway = gateway
        self._view = view
        self._folder = folder
        self._reviewer = Reviewer(gateway, view, person, folder)
        self._reviewed_seconds = 0.0

    async def write(self, request: SampleRequest) -> Path:
        """The document's file; raises LaunchError if there is none."""
        job_id = await self._gateway.submit(request.command())
        job = await self._watch(job_id, request.outline)
        finished = await self._gateway.document(job_id)
        seconds = max(0.0, (job.duration_seconds or 0.0) - self._reviewed_seconds)
        self._view.say(_summary(finished.document, seconds, finished.usage))
        return _save(self._folder, job_id, finished.document.markdown)

    async def _watch(self, job_id: str, outline: Outline | None) -> JobStatus:
        """Show the job to its end. If that can't be watched the job is cancelled: nobody would fetch its result."""
        try:
            with self._view.job(f"Document job {job_id}"):
                if outline is not None:
                    self._view.outline(outline, for_review=False)
                await self._follow(job_id)
        except (asyncio.CancelledError, LaunchError):
            await self._gateway.abandon(job_id)
            raise
        job = await self._gateway.status(job_id)
        if job.status is JobState.COMPLETED:
            return job
        reason = f": {job.error.message.rstrip('.')} ({job.error.code})" if job.error else ""
        msg = f"The document job {job_id} is {job.status}{reason}."
        raise LaunchError(msg)

    async def _follow(self, job_id: str) -> None:
        read = Bookmark()
        while (stored := await self._until_review(job_id, read)) is not None:
            began = time.monotonic()
            with self._view.aside():
                await self._reviewer.review(job_id, stored, read)
            self._reviewed_seconds += time.monotonic() - began

    async def _until_review(self, job_id: str, read: Bookmark) -> StoredOutline | None:
        """The outline that waits for a person; None at the end of the job."""
        async with aclosing(self._gateway.follow(job_id, read)) as events:
            async for event in events:
                self._view.show(event)
                if isinstance(event, OutlineReady):
                    stored = await self._planned(job_id, event)
                    self._view.outline(stored.outline, for_review=event.awaiting_review)
                    if event.awaiting_review:
                        return stored
        return None

    async def _planned(self, job_id: str, event: OutlineReady) -> StoredOutline:
        if event.outline is None:
            return await self._gateway.outline(job_id)
        return StoredOutline(version=event.version, outline=event.outline)


def _save(folder: Path, job_id: str, markdown: str) -> Path:
    path = folder / f"{job_id}.md"
    try:
        folder.mkdir(exist_ok=True)
        path.write_text(markdown, encoding="utf-8")
    except OSError as error:
        msg = f"Cannot write {path}: {error.strerror}. The document stays at the gateway for an hour, job {job_id}."
        raise LaunchError(msg) from error
    return path


def _summary(document: Document, seconds: float, usage: Usage) -> str:
    facts = [
        f"{document.words} {length_unit(document.language)}",
        _count(len(document.sections), "section"),
        _count(len(document.references), "reference"),
        f"{seconds:.1f} seconds",
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens in {_count(usage.llm_calls, 'call')}",
    ]
    return f"{document.title}: {', '.join(facts)}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
