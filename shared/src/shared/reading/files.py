"""Context files to text, each with an outcome of its own, in children that can harm nobody."""

import asyncio
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from shared.contracts.commands import ContextFile
from shared.contracts.errors import TransientError
from shared.evidence.parts import Part, ReadFile
from shared.reading.frames import ALLOWANCE, ANSWER, Allowance, Answer, framed, frames
from shared.sandbox import Ended, Limits, Reason, Sandbox

__all__ = ["FileReader", "Part", "ReadFile", "ReadLimits"]

PROGRAM = (sys.executable, "-I", "-m", "shared.reading.reading")
_UNKNOWN_TYPE = "application/octet-stream"
_START_SECONDS = 30.0
_WHY: dict[Reason | None, str] = {
    "too_long": "the file took too long to read",
    "too_much_memory": "the file needs more memory than allowed",
    "too_much_output": "the file holds more text than is allowed",
    "crashed": "the file made its reader crash",
    None: "the file made its reader crash",
}


class FileReaderFailedError(TransientError):
    code = "file_reader_failed"
    meaning = "The child process that reads context files did not start"
    advice = "Wait; operators: check memory and the number of processes allowed"


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading the files of one job may take."""

    file_seconds: float = 20.0
    seconds: float = 180.0
    """For all of them."""
    memory_bytes: int = 2 << 30
    output_bytes: int = 128 << 20
    """Of all text, with its JSON."""
    crashes: int = 8
    """Children that may die before the rest is given up."""


class FileReader:
    """Reads context files in child processes. A file that kills its child is left out, and the next child goes on."""

    def __init__(self, sandbox: Sandbox, limits: ReadLimits = ReadLimits(), program: Sequence[str] = PROGRAM) -> None:
        self._sandbox = sandbox
        self._limits = limits
        self._program = program

    async def read(self, files: Sequence[ContextFile]) -> list[ReadFile]:
        """One outcome a file, in their order. Raises FileReaderFailedError where no child comes up."""
        job = _Job(files, self._limits)
        while job.waiting:
            if job.spent_up:
                job.give_up()
                break
            allowance = Allowance(self._limits.file_seconds, job.seconds)
            given = await asyncio.to_thread(_request, allowance, job.waiting)
            ended = await self._sandbox.run(self._program, given, self._child_limits(job))
            answers = await asyncio.to_thread(_answers, ended.output)
            if answers is None:
                raise FileReaderFailedError(
                    f"The reader of files did not start ({ended.reason}): {ended.complaint[-300:]}"
                )
            job.take(answers, ended)
        return job.read

    def _child_limits(self, job: "_Job") -> Limits:
        # The child keeps the time itself; these end one that no longer can.
        seconds = job.seconds + _START_SECONDS
        return Limits(self._limits.memory_bytes, int(seconds), seconds, job.output_bytes)


class _Job:
    """The files of one call: what was read, what waits, and what may still be spent on it."""

    def __init__(self, files: Sequence[ContextFile], limits: ReadLimits) -> None:
        self._files = files
        self._limits = limits
        self._suspect: int | None = None
        self._crashes = 0
        self.read: list[ReadFile] = []
        self.seconds = limits.seconds
        self.output_bytes = limits.output_bytes

    @property
    def waiting(self) -> Sequence[ContextFile]:
        return self._files[len(self.read) :]

    @property
    def spent_up(self) -> bool:
        return self.seconds <= 0 or self.output_bytes <= 0 or self._crashes > self._limits.crashes

    def take(self, answers: Sequence[Answer], ended: Ended) -> None:
        """Keep what a child read, and decide about the file it died of."""
        # What the child says of a file cannot make it another's.
        named = zip(self.waiting, answers, strict=False)
        self.read += [replace(answer.file, name=file.name) for file, answer in named]
        self.seconds -= sum(answer.seconds for answer in answers)
        self.output_bytes -= len(ended.output)
        if not self.waiting:
            return
        self._crashes += 1
        if ended.reason == "too_long":
            self.seconds -= self._limits.file_seconds
        at = len(self.read)
        if ended.reason == "crashed" and self._suspect != at:
            # It may have been killed for what others did, as when memory is short; once more shows.
            self._suspect = at
            return
        self._leave_out(self.waiting[0], _WHY[ended.reason])

    def give_up(self) -> None:
        for file in self.waiting:
            self._leave_out(file, "the files before it took all that reading may take")

    def _leave_out(self, file: ContextFile, reason: str) -> None:
        self.read.append(ReadFile(file.name, file.media_type or _UNKNOWN_TYPE, unreadable=reason))


def _request(allowance: Allowance, files: Sequence[ContextFile]) -> bytes:
    return framed([ALLOWANCE.dump_json(allowance), *(file.model_dump_json().encode() for file in files)])


def _answers(output: bytes) -> list[Answer] | None:
    """What a child read until it ended, or until what it said was no answer; None where it did not even begin."""
    messages = frames(io.BytesIO(output))
    if next(messages, None) is None:
        return None
    answers: list[Answer] = []
    for message in messages:
        try:
            answers.append(ANSWER.validate_json(message))
        except ValidationError:
            break
    return answers
