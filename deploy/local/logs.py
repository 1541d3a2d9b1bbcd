"""Shows the end of a child's log to people."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

TAIL_LINES = 10
TAIL_BYTES = 256 * 1024
LINE_CHARACTERS = 400


class _Frame(BaseModel):
    filename: str
    lineno: int
    name: str


class _Raised(BaseModel):
    exc_type: str
    exc_value: str
    frames: list[_Frame] = []

    def text(self) -> str:
        """The exception and where it was raised."""
        place = "".join(f" at {frame.filename}:{frame.lineno}, {frame.name}" for frame in self.frames[-1:])
        return f"{self.exc_type}: {self.exc_value}{place}"


class _Record(BaseModel):
    """A structured log line; whatever else it has is shown as it is."""

    model_config = ConfigDict(extra="allow")

    event: str
    level: str = ""
    timestamp: str = ""
    service: str = ""
    exception: str | list[_Raised] = ""

    def text(self) -> str:
        """As `level event key=value`, with the exception below."""
        details = [f"{name}={value}" for name, value in (self.model_extra or {}).items()]
        head = " ".join(part for part in (self.level, self.event, *details) if part)
        raised = self.exception if isinstance(self.exception, str) else "\n".join(e.text() for e in self.exception)
        return f"{head}\n{raised}" if raised else head


def read_tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """The last lines, structured ones made readable and long ones cut."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    readable = "\n".join(_readable(line) for line in text.splitlines() if line.strip())
    return [line[:LINE_CHARACTERS] for line in readable.splitlines()[-lines:]]


def _readable(line: str) -> str:
    try:
        return _Record.model_validate_json(line).text()
    except ValidationError:
        return line
