"""Citations in section texts: only keys of the ledger, and in the end only numbers that the list has."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_KEY = re.compile(r"\s?\[@([^\[\]\s]{1,40})\]")
_ESCAPED_KEY = re.compile(r"\\+(?=\[@)")
_NUMBER = re.compile(r"(?<!\\)\[(\d+)\](?!\()")
"""A citation as readers see it; ``[1](address)`` is a link."""
_INDEXED = re.compile(r"(?<=[A-Za-z0-9_])\[(\d+)\](?!\()")
"""``a[1]`` in prose: no citation."""
_KEYS = re.compile(rf"(?:{_KEY.pattern})+")
_BARE_NUMBER = re.compile(rf"\s?{_NUMBER.pattern}")


@dataclass(frozen=True, slots=True)
class Checked:
    """A text that cites nothing but known keys."""

    text: str
    cited: list[str]
    unknown: int
    """Citations of keys that were never given, and invented numbers; removed."""


def keep_known(text: str, known: Collection[str]) -> Checked:
    """Remove what cites nothing: keys the writer was not given, and bare numbers. Code stays untouched."""
    unknown = 0

    def judge(match: re.Match[str]) -> str:
        nonlocal unknown
        if match[1] in known:
            return match[0]
        unknown += 1
        return ""

    def drop(_: re.Match[str]) -> str:
        nonlocal unknown
        unknown += 1
        return ""

    def clean(prose: str) -> str:
        escaped = _INDEXED.sub(r"\\[\1\\]", _ESCAPED_KEY.sub("", prose))
        return _KEY.sub(judge, _BARE_NUMBER.sub(drop, escaped))

    checked = _settled(text, clean)
    cited = [key for key in cited_in(checked) if key in known]
    return Checked(checked, cited, unknown)


def cited_in(text: str) -> list[str]:
    """The keys a text cites, in reading order."""
    found: list[str] = []

    def collect(prose: str) -> str:
        found.extend(_KEY.findall(prose))
        return prose

    _outside_code(text, collect)
    return found


def _settled(text: str, change: Callable[[str], str]) -> str:
    """Change until nothing changes: what is removed may bring together what must go as well."""
    while True:
        changed = _outside_code(text, change)
        if changed == text:
            return text
        text = changed


class Numbering:
    """Gives each source a number by its first appearance in the whole document."""

    def __init__(self, source_of: Mapping[str, str]) -> None:
        self._source_of = source_of
        self.source_ids: list[str] = []

    def apply(self, text: str) -> str:
        """The text with numbers for keys; neighbouring citations of one source become one."""
        return _outside_code(text, lambda prose: _KEYS.sub(self._numbers, prose))

    def _numbers(self, match: re.Match[str]) -> str:
        numbers: list[int] = []
        for key in _KEY.findall(match[0]):
            source_id = self._source_of[key]
            if source_id not in self.source_ids:
                self.source_ids.append(source_id)
            number = self.source_ids.index(source_id) + 1
            if number not in numbers:
                numbers.append(number)
        lead = " " if match[0][0].isspace() else ""
        # A number right before a parenthesis would be a link.
        tail = " " if match.string[match.end() : match.end() + 1] == "(" else ""
        return lead + "".join(f"[{number}]" for number in numbers) + tail


def numbers_in(text: str) -> set[int]:
    """The citation numbers a finished text holds."""
    found: set[int] = set()

    def collect(prose: str) -> str:
        found.update(int(number) for number in _NUMBER.findall(prose))
        return prose

    _outside_code(text, collect)
    return found


def without_keys(text: str) -> str:
    """The text as it is counted and read, without its citations."""
    return _outside_code(text, lambda prose: _KEY.sub("", prose))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    pieces: Sequence[str] = _CODE.split(text)
    return "".join(piece if position % 2 else change(piece) for position, piece in enumerate(pieces))
