"""The job `make run` does: an outline, the document from it, and a file."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from deploy.local.errors import LaunchError
from deploy.local.gateway_client import GatewayClient, JobStatus
from deploy.local.view import View
from shared.contracts.commands import ContextFile, DocumentCommand, OutlineCommand
from shared.contracts.document import Document
from shared.contracts.states import JobKind, JobState
from shared.contracts.usage import Usage

PROMPT = (
    "Write an introduction to honeybees for curious readers: how a colony is organised, how bees find flowers "
    "and tell each other where they are, how honey is made, and why bees matter to people."
)


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """What is to be written."""

    prompt: str
    target_words: int | None
    """None: as the service decides."""
    files: list[ContextFile]

    def outline_command(self) -> OutlineCommand:
        """Raises LaunchError for a prompt the service would refuse."""
        try:
            return OutlineCommand(task_prompt=self.prompt, context_files=self.files, target_words=self.target_words)
        except ValidationError as error:
            msg = f"PROMPT can't be used: {error.errors()[0]['msg']}."
            raise LaunchError(msg) from error

    def document_command(self, outline_job_id: str) -> DocumentCommand:
        """The gateway hands the outline job's prompt, language and files on."""
        return DocumentCommand(outline_job_id=outline_job_id)


async def write_document(gateway: GatewayClient, view: View, request: SampleRequest, folder: Path) -> Path:
    """Run both jobs, show them, and return the file's path; raises LaunchError if one fails."""
    outline_id = await gateway.submit(JobKind.OUTLINE, request.outline_command())
    outline_job = await _watch(gateway, view, JobKind.OUTLINE, outline_id, {})
    planned = await gateway.outline(outline_id)
    nodes = list(planned.outline.walk())
    view.say("\n".join([f"  {planned.outline.title}", *(f"  {'  ' * level}{node.title}" for node, level in nodes)]))
    titles = {node.id: node.title for node, _ in nodes if node.id}
    document_id = await gateway.submit(JobKind.DOCUMENT, request.document_command(outline_id))
    document_job = await _watch(gateway, view, JobKind.DOCUMENT, document_id, titles)
    finished = await gateway.document(document_id)
    seconds = (outline_job.duration_seconds or 0) + (document_job.duration_seconds or 0)
    view.say(_summary(finished.document, seconds, planned.usage + finished.usage))
    return _save(folder, document_id, finished.document.markdown)


def _save(folder: Path, job_id: str, markdown: str) -> Path:
    path = folder / f"{job_id}.md"
    try:
        folder.mkdir(exist_ok=True)
        path.write_text(markdown, encoding="utf-8")
    except OSError as error:
        msg = f"Cannot write {path}: {error.strerror}. The document stays at the gateway for an hour, job {job_id}."
        raise LaunchError(msg) from error
    return path


async def _watch(gateway: GatewayClient, view: View, kind: JobKind, job_id: str, titles: dict[str, str]) -> JobStatus:
    """Show the job to its end. If that can't be watched the job is cancelled: nobody would fetch its result."""
    try:
        with view.job(f"{kind.capitalize()} job {job_id}", titles):
            async with aclosing(gateway.follow(job_id)) as events:
                async for event in events:
                    view.show(event)
    except (asyncio.CancelledError, LaunchError):
        await gateway.abandon(job_id)
        raise
    job = await gateway.status(job_id)
    if job.status is JobState.COMPLETED:
        return job
    reason = f": {job.error.message.rstrip('.')} ({job.error.code})" if job.error else ""
    msg = f"The {kind} job {job_id} is {job.status}{reason}."
    raise LaunchError(msg)


def _summary(document: Document, seconds: float, usage: Usage) -> str:
    facts = [
        _count(document.words, "word"),
        _count(len(document.sections), "section"),
        _count(len(document.references), "reference"),
        f"{seconds:.1f} seconds",
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens in {_count(usage.llm_calls, 'call')}",
    ]
    return f"{document.title}: {', '.join(facts)}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
