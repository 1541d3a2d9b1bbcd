"""A person sees the outline, changes it, and lets the document be written from it."""

from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.answers import Refusal, StoredOutline
from deploy.local.endings import first_of
from deploy.local.errors import LaunchError
from deploy.local.gateway_client import Bookmark, GatewayClient
from deploy.local.outline_changes import operations
from deploy.local.outline_text import OutlineTextError, parse, render
from deploy.local.person import Person
from deploy.local.view import View
from shared.contracts.events import Cancelled, Completed, Failed, OutlineChanged, Queued
from shared.contracts.outline_edits import MAX_OPERATIONS, Operation, OutlinePatch
from shared.contracts.outline_versions import OutlineDiff, difference

QUESTION = 'Enter approves it, "edit" opens it in your editor, "cancel" ends the job:'
AGAIN = 'Enter opens your text again, "drop" throws it away:'
AUTHOR = "make run"


@dataclass(frozen=True, slots=True)
class Answered:
    """The person said something; None: nobody can any more."""

    text: str | None


@dataclass(frozen=True, slots=True)
class WentOn:
    """Somebody else approved the outline, or ended the job."""


@dataclass(frozen=True, slots=True)
class ChangedElsewhere:
    """Somebody else changed the outline."""


class Reviewer:
    """Takes one job through its review."""

    def __init__(self, gateway: GatewayClient, view: View, person: Person, folder: Path) -> None:
        self._gateway = gateway
        self._view = view
        self._person = person
        self._folder = folder

    async def review(self, job_id: str, stored: StoredOutline, read: Bookmark) -> None:
        """Ask until the job goes on; raises LaunchError where the person ends it. The outline is on the screen."""
        while True:
            match await self._answer(job_id, stored, read):
                case WentOn():
                    return
                case ChangedElsewhere():
                    self._view.say("Somebody changed the outline:")
                    stored = await self._latest(job_id)
                case Answered("" | "approve" | "a"):
                    refusal = await self._gateway.approve(job_id, stored.version)
                    if refusal is None:
                        return
                    self._view.say(f"Not approved: {refusal.text}")
                    stored = await self._latest(job_id)
                case Answered("edit" | "e"):
                    stored = await self._edit(job_id, stored)
                case Answered("cancel"):
                    msg = f"Job {job_id} is cancelled, as you asked."
                    raise LaunchError(msg)
                case Answered(None):
                    raise self._nobody_answers(job_id)
                case Answered(other):
                    self._view.say(f'"{other}" is no answer.')

    async def _answer(self, job_id: str, stored: StoredOutline, read: Bookmark) -> Answered | WentOn | ChangedElsewhere:
        self._person.listen()
        self._view.ask(QUESTION)
        return await first_of(self._said(), self._elsewhere(job_id, stored.version, replace(read)))

    async def _said(self) -> Answered | WentOn | ChangedElsewhere:
        return Answered(await self._person.answer())

    async def _elsewhere(self, job_id: str, version: int, read: Bookmark) -> Answered | WentOn | ChangedElsewhere:
        """What others do to the job while the person thinks; the bookmark is a copy, so all of it is shown later."""
        async with aclosing(self._gateway.follow(job_id, read)) as events:
            async for event in events:
                if isinstance(event, OutlineChanged) and event.version > version:
                    return ChangedElsewhere()
                if isinstance(event, Queued | Completed | Failed | Cancelled):
                    break
        return WentOn()

    async def _latest(self, job_id: str) -> StoredOutline:
        stored = await self._gateway.outline(job_id)
        self._view.outline(stored.outline, for_review=True)
        return stored

    async def _edit(self, job_id: str, stored: StoredOutline) -> StoredOutline:
        """Until the person's text is an outline that the gateway takes, or is given up; the one that counts now."""
        file = self._folder / f"{job_id}.outline-{stored.version}.md"
        text = render(stored.outline)
        _write_unless_there(file, text)
        while True:
            problem = await self._person.edit(file)
            if problem is not None:
                self._view.say(problem)
                _remove_unless_changed(file, text)
                return stored
            result = await self._send(job_id, stored, file)
            if isinstance(result, StoredOutline):
                file.unlink(missing_ok=True)
                return result
            self._view.say(result.text)
            if result.changed_meanwhile:
                self._view.say(f'Your text is kept in {file}. "edit" opens the latest outline:')
                return await self._latest(job_id)
            if not await self._wants_to_mend(job_id):
                self._view.say("The outline is as it was.")
                file.unlink(missing_ok=True)
                return stored

    async def _wants_to_mend(self, job_id: str) -> bool:
        while True:
            self._person.listen()
            self._view.ask(AGAIN)
            match await self._person.answer():
                case "":
                    return True
                case "drop":
                    return False
                case None:
                    raise self._nobody_answers(job_id)
                case other:
                    self._view.say(f'"{other}" is no answer.')

    async def _send(self, job_id: str, stored: StoredOutline, file: Path) -> StoredOutline | Refusal:
        changes = _changes(stored, file)
        if isinstance(changes, Refusal):
            return changes
        if not changes:
            self._view.say("The outline is as it was. (An editor that returns at once needs its option to wait.)")
            return stored
        patch = OutlinePatch(operations=changes, author=AUTHOR)
        result = await self._gateway.edit_outline(job_id, stored.version, patch)
        if isinstance(result, StoredOutline):
            self._view.say(f"Changed: {_count(difference(stored.outline, result.outline))}.")
            self._view.outline(result.outline, for_review=True)
        return result

    def _nobody_answers(self, job_id: str) -> LaunchError:
        msg = (
            f"Standard input ended before anybody approved the outline, so job {job_id} is cancelled. Answer at a "
            "terminal or through a pipe: `echo approve | make run REVIEW=1`. With `make serve`, a job sent with "
            f'"review": true waits until it is approved: curl -X POST {self._gateway.approval_url("<job_id>")}'
        )
        return LaunchError(msg)


def _changes(stored: StoredOutline, file: Path) -> list[Operation] | Refusal:
    """What the person's text asks for, or why it can't be used."""
    try:
        after = parse(file.read_text(encoding="utf-8-sig"), stored.outline)
    except (OutlineTextError, OSError, UnicodeDecodeError) as error:
        return Refusal(f"{file} can't be used. {error}", changed_meanwhile=False)
    changes = operations(stored.outline, after, stored.version + 1)
    if len(changes) > MAX_OPERATIONS:
        text = f"These are {len(changes)} changes; at most {MAX_OPERATIONS} are taken at once. Take some back."
        return Refusal(text, changed_meanwhile=False)
    return changes


def _count(diff: OutlineDiff) -> str:
    counts = {
        "added": len(diff.added),
        "removed": len(diff.removed),
        "moved": len(diff.moved),
        "rewritten": len({change.id for change in diff.changed}),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _write_unless_there(file: Path, text: str) -> None:
    """What is there is the person's, left by an editor that failed."""
    try:
        file.parent.mkdir(exist_ok=True)
        if not file.exists():
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"Cannot write {file}: {error.strerror}."
        raise LaunchError(msg) from error


def _remove_unless_changed(file: Path, text: str) -> None:
    with suppress(OSError):
        if file.read_bytes() == text.encode():
            file.unlink()
