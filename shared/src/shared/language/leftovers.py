"""Pieces of its instructions, and marks without a meaning, that a small model leaves in its answer.

A good text must never be made worse by this. So each rule matches only what no prose holds, and nothing that the
request, the plan or the evidence says as well.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from shared.language.text import other_script, sentence_spans, units

_Run = tuple[str, ...]

_TITLE_RUN = 5
_SENTENCE_RUN = 8
"""Words in a row that are ours. Fewer are usual English: our prompts say ``in a few words``, too."""
_SHORTEST_LABEL = 5
"""``The draft:`` may begin a line of anybody's; ``The text before it ends so:`` may not."""
_CODE_FENCE = re.compile(r"\s*(?:```|~~~)")
_INDENTED_CODE = re.compile(r" {4}|\t")
_MARK = re.compile(r" {0,3}(?:<<[^<>]*>>|<>)(?:\s*$|\s+(?=[^\W\d_]))")
"""``<<The hive>>`` is how SmolLM2 writes a heading. Markdown takes the inner pair for a tag, and shows ``<>``.

Whoever writes about such marks sets them as code.
"""
_LENGTH = re.compile(r"\s*Length: \d+ (?:words|字)\.\s*$")
_ORDER = re.compile(r"(?:mend these \w+|improve this (?:plan|outline))", re.IGNORECASE)
"""``Mend these faults`` as models vary it. A title has nothing that ``these`` could point at."""
_JSON = re.compile(r"[\[{\s]*\{\s*['\"]")
"""The beginning of an answer in JSON within an answer in JSON, such as ``{'type'``."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a model was told."""

    language: str
    """Of its answer, as a BCP 47 tag."""
    instructions: str
    """Our own words, without anything of the request."""
    wanted: tuple[str, ...] = ()
    """What may be said again: the words of those who asked, of the plan, and of the evidence."""

    def wants(self, characters: str) -> bool:
        return any(characters in text for text in self.wanted)

    def echoed(self, text: str, length: int) -> bool:
        """Return whether so many words in a row of the instructions are in a text, and nobody wants them."""
        found = _runs(text, length) & _known_runs(self.instructions, length)
        return bool(found) and any(not self._wants_run(run) for run in found)

    def _wants_run(self, run: _Run) -> bool:
        # Only a match is looked for in the evidence, which may be long.
        return any(f" {' '.join(run)} " in f" {' '.join(units(text))} " for text in self.wanted)


def is_leftover(title: str, told: Told) -> bool:
    """Return whether a title names no subject, but is a piece of the instructions or a remain of markup."""
    json = _JSON.match(title)
    return (
        not units(title)
        or told.echoed(title, _TITLE_RUN)
        or bool(_ORDER.fullmatch(title.strip(" .:!")))
        or (json is not None and not told.wants(json[0].strip()))
    )


def is_in_another_script(title: str, told: Told) -> bool:
    """Return whether a title is wholly in a script that neither its language has nor anything that is wanted."""
    found = other_script(title, told.language)
    return found is not None and not any(found.search(text) for text in told.wanted)


def without_leftovers(text: str, told: Told) -> tuple[str, int]:
    """Return the text without leftovers, and in how many lines there were any. Code blocks stay as they are."""
    kept: list[str] = []
    fenced, changed = False, 0
    for line in text.splitlines():
        fence = bool(_CODE_FENCE.match(line))
        fenced ^= fence
        left = line if fenced or fence or _INDENTED_CODE.match(line) else _without(line, told)
        changed += left != line
        if left or left == line:
            kept.append(left)
        elif kept and not kept[-1]:
            # Its blank line goes with it.
            kept.pop()
    return ("\n".join(kept).strip("\n"), changed) if changed else (text, 0)


def _without(line: str, told: Told) -> str:
    """The line without its leftovers; empty where it is one as a whole."""
    if _LENGTH.match(line) or _is_label(line, told):
        return ""
    if (mark := _MARK.match(line)) and not told.wants("<<") and not told.wants("<>"):
        line = line[mark.end() :]
    sentences = [line[start:end] for start, end in sentence_spans(line)]
    kept = [sentence for sentence in sentences if not told.echoed(sentence, _SENTENCE_RUN)]
    return line if len(kept) == len(sentences) else "".join(kept).strip()


def _is_label(line: str, told: Told) -> bool:
    label, colon, _ = line.partition(":")
    return bool(colon) and tuple(units(label)) in _labels(told.instructions) and not told.wants(label.strip())


@lru_cache(maxsize=16)
def _labels(instructions: str) -> frozenset[_Run]:
    """How the lines of the instructions begin that announce what follows them."""
    found = (tuple(units(line.partition(":")[0])) for line in instructions.splitlines() if ":" in line)
    return frozenset(label for label in found if len(label) >= _SHORTEST_LABEL)


@lru_cache(maxsize=16)
def _known_runs(instructions: str, length: int) -> frozenset[_Run]:
    return frozenset(_runs(instructions, length))


def _runs(text: str, length: int) -> set[_Run]:
    words = units(text)
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}
