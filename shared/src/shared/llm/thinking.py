"""Keeps a model's thinking out of its answer."""

from typing import NamedTuple

OPENING = "<think>"
CLOSING = "</think>"
_CODE_MARK = "`"


class Passed(NamedTuple):
    """What a piece of the answer leaves of itself."""

    text: str
    retracted: bool = False
    """Everything passed on before this text was thinking after all."""


class ThinkFilter:
    """Drops ``<think>…</think>`` blocks from a text that comes in pieces of any size.

    A closing tag without an opening one makes thinking of all before it: some chat templates put
    the opening tag into the prompt. A tag right behind a backtick is text about tags and stays.
    Blank space between the thinking and the beginning of the answer is dropped.
    """

    def __init__(self) -> None:
        self._held = ""
        """A possible beginning of a tag, undecided until more arrives."""
        self._last = ""
        """The last character passed on."""
        self._inside = False
        self._seen_block = False
        self._at_start = True

    def feed(self, piece: str) -> Passed:
        """Take the next piece; returns what of it, and of what was held back, is answer."""
        pending, self._held = self._held + piece, ""
        passed: list[str] = []
        retracted = False
        while pending:
            tag, before, after = self._split(pending)
            if tag is None:
                self._held = after
                self._pass_on(before, passed)
                break
            self._pass_on(before, passed)
            if self._last == _CODE_MARK and not self._inside:
                self._pass_on(tag, passed)
            elif tag == CLOSING and not self._inside and not self._seen_block:
                passed.clear()
                retracted = self._at_start = True
                self._seen_block = True
                self._last = ""
            else:
                self._inside = tag == OPENING
                self._seen_block = True
            pending = after
        return Passed("".join(passed), retracted)

    def finish(self) -> Passed:
        """The text is complete: pass on what was held back; an unclosed block stays dropped."""
        passed: list[str] = []
        self._pass_on(self._held, passed)
        self._held = ""
        return Passed("".join(passed))

    def _split(self, pending: str) -> tuple[str | None, str, str]:
        """The first tag with what is before and after; without a tag, after is what must wait."""
        found = [(pending.find(tag), tag) for tag in (OPENING, CLOSING) if tag in pending]
        if found:
            position, tag = min(found)
            return tag, pending[:position], pending[position + len(tag) :]
        waiting = max(_overlap(pending, OPENING), _overlap(pending, CLOSING))
        return None, pending[: len(pending) - waiting], pending[len(pending) - waiting :]

    def _pass_on(self, text: str, passed: list[str]) -> None:
        if self._inside:
            return
        if self._at_start and self._seen_block:
            text = text.lstrip()
        if not text:
            return
        self._at_start = self._at_start and not text.strip()
        self._last = text[-1]
        passed.append(text)


def _overlap(text: str, tag: str) -> int:
    """Length of the longest end of the text that begins the tag."""
    return next((n for n in range(min(len(text), len(tag) - 1), 0, -1) if tag.startswith(text[-n:])), 0)
