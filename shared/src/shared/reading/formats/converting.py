"""Documents that pandoc reads, as parts."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from shared.evidence.parts import Part
from shared.reading.formats.content import Heading, UnreadableError, cut
from shared.sandbox.pandoc import command, pandoc_path

_FILTER = str(Path(__file__).with_name("plain.lua"))
_HEADING = re.compile(r"[ ]*\x1e(\d)\x1f(\d*)\x1f(.*)")
_SPARE_SECONDS = 1.0
_UNTIMED_SECONDS = 20.0
_HEAP_EXHAUSTED = 251


def converted(source: str, raw: bytes) -> tuple[Part, ...]:
    """The parts of a document in one of pandoc's input formats; raises UnreadableError."""
    program = command(pandoc_path(), source, "plain", "--wrap=none", "--lua-filter", _FILTER)
    try:
        # Within the limits of this process, which its children inherit.
        ended = subprocess.run(program, input=raw, capture_output=True, check=False, timeout=_seconds_left())
    except subprocess.TimeoutExpired as error:
        reason = "the file took too long to read"
        raise UnreadableError(reason) from error
    if ended.returncode == _HEAP_EXHAUSTED:
        reason = "the file needs more memory than allowed"
        raise UnreadableError(reason)
    if ended.returncode != 0:
        reason = f"the file is damaged: it does not read as {source.upper()}"
        raise UnreadableError(reason)
    return cut(_pieces(ended.stdout.decode(errors="replace")))


def _seconds_left() -> float:
    """What the file's timer leaves: it would kill this process but not pandoc."""
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    return max(left - _SPARE_SECONDS, _SPARE_SECONDS / 2) if left else _UNTIMED_SECONDS


def _pieces(text: str) -> Iterator[Heading | str]:
    for line in text.split("\n"):
        match = _HEADING.fullmatch(line)
        if match:
            level, slide, title = match.groups()
            # The name that pandoc gives a slide without a title.
            named = "" if slide and title == f"Slide {slide}" else title
            yield Heading(int(level), named, int(slide) if slide else None)
        else:
            yield line
