"""Makes a model's answer fit its place in the document. Adds no word of its own."""

import re

from shared.retrieval.text import ends_in_sentence, whole_sentences

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_FENCE = re.compile(r"^\s*```")
_DEEPEST = 6


def tidy(text: str, title: str, level: int, *, cut: bool) -> str:
    """The section without a wrapping code fence or its own title, with inner headings below its level, and, where it
    was cut off or ends in mid-sentence, up to the end of its last whole sentence.
    """
    lines = _unwrap(text.strip()).splitlines()
    while lines and (not lines[0].strip() or _names(lines[0], title)):
        lines.pop(0)
    body = _closed("\n".join(_demoted(lines, level)).strip())
    return body if not cut and ends_in_sentence(body) else whole_sentences(body)


def _closed(text: str) -> str:
    """Without a code block that never ends: it would take all that follows with it."""
    return text[: text.rindex("```")].rstrip() if text.count("```") % 2 else text


def _unwrap(text: str) -> str:
    match = re.fullmatch(r"```(?:markdown|md|text)?\n(.*?)\n?```", text, re.DOTALL)
    return match[1].strip() if match else text


def _names(line: str, title: str) -> bool:
    """Whether the line is the section's own title, as a heading, in bold, or alone."""
    bare = line.strip().lstrip("#").strip(" *_:：.<>").casefold()
    return bare == title.strip(" *_:：.").casefold()


def _demoted(lines: list[str], level: int) -> list[str]:
    fenced = False
    changed = []
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading:
            depth = min(_DEEPEST, level + 1 + len(heading[1]))
            changed.append(f"{'#' * depth} {heading[2]}")
        else:
            changed.append(line)
    return changed
