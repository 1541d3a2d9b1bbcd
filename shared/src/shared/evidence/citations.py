"""Citations in section texts: only keys of the ledger, and in the end only numbers that the list has."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from shared.language.text import count_words

_CODE = re.compile(
    r"(^[ \t]*```.*?(?:^[ \t]*```|\Z)|`[^`\n]*`|\$\$(?:(?!\$\$|\[@).)+\$\$"
    r"|(?<![\\$])\$(?=[^\s$])(?:(?!\[@)[^$\n])*(?<=[^\s\\])\$(?!\d))",
    re.DOTALL | re.MULTILINE,
)
"""Code and mathematics, in which brackets mean something else. What holds an evidence key is neither."""
_KEY = re.compile(r"\s?\[@([^\[\]\s]{1,40})\]")
_KEYS = re.compile(rf"(?:{_KEY.pattern})+")
_GROUP = re.compile(r"\s?\\*[\[【]([^\[\]【】\n]*(?<![\w@])@\w[^\[\]【】\n]*)[\]】](?!\()")
"""Every way of writing citations in brackets: ``[@a; @b]``, ``[@a, p. 3]``, ``【@a】``."""
_MENTION = re.compile(r"(?<![\w@])@(\w+)")
_LOOSE = re.compile(r"\s?(?<!\[)@S[0-9a-f]{6,}\b|(?<=\[)@S[0-9a-f]{6,}\b(?!\])")
"""A key without brackets, or with half of them."""
_KEY_AS_LINK = re.compile(r"(\[[^\[\]\n]*@S[0-9a-f]{6,}[^\[\]\n]*\])(?=\()")
_NUMBER = re.compile(r"(?<!\\)\[(\d+)\](?!\()")
"""A citation as readers see it; ``[1](address)`` is a link."""
_INDEXED = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z])\[(\d+)\](?!\()")
"""``a[1]`` in prose: no citation."""
_INVENTED = re.compile(r"\s?(?<!\\)(?:\[\d+(?:\s*[,;–-]\s*\d+)*\](?!\()|【\d+[^【】\n]*】)")
"""Numbers that a model makes up: ``[7]``, ``[1, 2]``, ``[1-3]``, ``【4†source】``."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A text that cites nothing but known keys."""

    text: str
    cited: list[str]
    unknown: int
    """Citations of keys that were never given, and invented numbers; removed."""


def keep_known(text: str, known: Collection[str]) -> Checked:
    """The text with each citation written as ``[@key]``, and without those of keys the writer was not given and
    without made-up numbers. Code stays untouched.
    """
    unknown = 0

    def judge(match: re.Match[str]) -> str:
        nonlocal unknown
        mentioned = _MENTION.findall(match[0])
        cited = [key for key in mentioned if key in known]
        unknown += len(mentioned) - len(cited)
        lead = " " if cited and match[0][0].isspace() else ""
        return lead + "".join(f"[@{key}]" for key in cited)

    def drop(_: re.Match[str]) -> str:
        nonlocal unknown
        unknown += 1
        return ""

    def clean(prose: str) -> str:
        indexed = _INDEXED.sub(r"\1\\[\2\\]", _KEY_AS_LINK.sub(r"\1 ", prose))
        return _LOOSE.sub(judge, _GROUP.sub(judge, _INVENTED.sub(drop, indexed)))

    checked = _settled(text, clean)
    return Checked(checked, [key for key in cited_in(checked) if key in known], unknown)


def leaked_keys(text: str) -> list[str]:
    """Evidence keys that a finished text still shows."""
    found: list[str] = []

    def collect(prose: str) -> str:
        found.extend(re.findall(r"@S[0-9a-f]{6,}\b", prose))
        return prose

    _outside_code(text, collect)
    return found


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
        known = [key for key in _KEY.findall(match[0]) if key in self._source_of]
        if not known:
            return match[0]
        for key in known:
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


def length_of(text: str) -> int:
    """Words of a section's text with evidence keys, as readers count them."""
    return count_words(without_keys(text))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    if "`" not in text and "$" not in text:
        return change(text)
    pieces: Sequence[str] = _CODE.split(text)
    return "".join(piece if position % 2 else change(piece) for position, piece in enumerate(pieces))
