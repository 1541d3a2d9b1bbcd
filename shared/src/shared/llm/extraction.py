"""Finds the JSON object in a model's answer, by parsing and never by pattern."""

import json
from collections.abc import Iterator

_FENCE = "```"


def json_candidates(text: str) -> Iterator[str]:
    """Substrings that are whole JSON objects, the likeliest first.

    The text itself, then what is inside code fences, then the first object in the prose. An object
    that begins well and is broken later ends the search: its inner objects are not the answer.
    """
    stripped = text.strip()
    if _is_object(stripped):
        yield stripped
        return
    fenced = [inner for inner in _fenced(stripped) if _is_object(inner)]
    yield from fenced
    if not fenced:
        yield from _balanced(stripped)


def _is_object(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _fenced(text: str) -> Iterator[str]:
    lines: list[str] | None = None
    for line in text.splitlines():
        if not line.lstrip().startswith(_FENCE):
            if lines is not None:
                lines.append(line)
        elif lines is None:
            lines = []
        else:
            yield "\n".join(lines).strip()
            lines = None


def _balanced(text: str) -> Iterator[str]:
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            _, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            # Braces in prose fail where the first key should be.
            if text[start + 1 : error.pos].strip() or error.pos >= len(text):
                return
            end = start + 1
        except RecursionError:
            return
        else:
            yield text[start:end]
        start = text.find("{", end)
