"""Whoever started the launcher: answers questions on standard input and edits files."""

import asyncio
import os
import termios
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

STANDARD_INPUT = 0
READ_BYTES = 65_536
CLOSE_SECONDS = 2.0


class Lines:
    """Lines as they come, read without a thread: one that waits for input can't be ended."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._unread = b""

    async def next(self) -> str | None:
        """The next line without its end, or None where there is none any more."""
        while b"\n" not in self._unread:
            piece = await self._piece()
            if not piece:
                rest, self._unread = self._unread, b""
                return rest.decode(errors="replace") if rest else None
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode(errors="replace")

    def forget(self) -> None:
        """Pass over what was typed at a terminal before there was a question."""
        if os.isatty(self._descriptor):
            self._unread = b""
            termios.tcflush(self._descriptor, termios.TCIFLUSH)

    async def _piece(self) -> bytes:
        """Empty at the end, which a terminal that is gone or a closed descriptor is as well."""
        with suppress(OSError):
            await self._readable()
            return os.read(self._descriptor, READ_BYTES)
        return b""

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        try:
            loop.add_reader(self._descriptor, readable.set)
        except PermissionError:
            return  # a regular file, which epoll refuses: it never makes one wait
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._descriptor)


class Person:
    """One at a terminal, or a script that sends answers through a pipe."""

    def __init__(
        self,
        editor: tuple[str, ...] | None,
        leave_ctrl_c: Callable[[], AbstractContextManager[None]],
        descriptor: int = STANDARD_INPUT,
    ) -> None:
        self._editor = editor
        self._leave_ctrl_c = leave_ctrl_c
        self._descriptor = descriptor
        self._lines = Lines(descriptor)

    def listen(self) -> None:
        """From now on there is a question: what was typed before is no answer to it."""
        self._lines.forget()

    async def answer(self) -> str | None:
        """A line in lower case without the blanks around it; None where nobody can answer any more."""
        line = await self._lines.next()
        return None if line is None else line.strip().lower()

    async def edit(self, file: Path) -> str | None:
        """Let the person change the file; returns when the editor is closed, with what went wrong or None."""
        if self._editor is None:
            return (
                "No editor is set. End this run and set one, as in EDITOR=nano make run REVIEW=1, "
                "or change the outline over HTTP: PATCH /api/v1/jobs/<job_id>/outline."
            )
        with self._leave_ctrl_c():
            try:
                editor = await asyncio.create_subprocess_exec(
                    *self._editor, str(file), stdin=None if os.isatty(self._descriptor) else asyncio.subprocess.DEVNULL
                )
            except OSError as error:
                return f"The editor {self._editor[0]} can't be started: {error.strerror}."
            try:
                status = await editor.wait()
            finally:
                await _close(editor)
        return f"The editor ended with status {status}." if status else None


async def _close(editor: asyncio.subprocess.Process) -> None:
    """End it where it still runs, as the launcher ends."""
    if editor.returncode is not None:
        return
    with suppress(ProcessLookupError):
        editor.terminate()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await editor.wait()
    except TimeoutError:
        editor.kill()
        await editor.wait()
