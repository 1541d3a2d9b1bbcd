"""What the reader of files and the child that does the reading say to each other: JSON behind its length."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pydantic import TypeAdapter

from shared.evidence.parts import ReadFile

_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Allowance:
    """The time that reading may take."""

    file_seconds: float
    seconds: float
    """For all files."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A file that was read, and how long that took."""

    file: ReadFile
    seconds: float


ALLOWANCE = TypeAdapter(Allowance)
ANSWER = TypeAdapter(Answer)


def framed(messages: Iterable[bytes]) -> bytes:
    return b"".join(_LENGTH.pack(len(message)) + message for message in messages)


def frames(stream: BinaryIO) -> Iterator[bytes]:
    """Every whole message; one that breaks off is no message."""
    while len(head := stream.read(_LENGTH.size)) == _LENGTH.size:
        message = stream.read(_LENGTH.unpack(head)[0])
        if len(message) < _LENGTH.unpack(head)[0]:
            return
        yield message
