"""Makes a model's answer fit its place in the document. Adds no word of its own."""

import re

from shared.language.text import ends_in_sentence, whole_sentences

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_FENCE = re.compile(r"^\s*```")
_DEEPEST = 6
_OPENING_WORDS = re.compile(
    r"(?:sure|certainly|of course|absolutely|okay|here(?:’s|'s| is| are)|below is)\b"
    r"|(?:好的|当然|没问题|以下是|下面是|这是)",
    re.IGNORECASE,
)
_OF_THE_TASK = re.compile(
    r"\b(?:section|draft|revised|version|paragraphs?|requested|rewritten)\b|部分|章节|正文|修改|改写|段落|内容",
    re.IGNORECASE,
)
_CLOSING_WORDS = re.compile(
    r"(?:please )?let me know\b|(?:i )?hope (?:this|that) helps|feel free to\b|would you like (?:me|to)\b"
    r"|if you(?:’d|'d| would) like (?:me|any)\b"
    r"|(?:希望(?:这|以上|对[您你])|如果?[您你]?(?:需要|还需)|如需|请告诉我|需要我)",
    re.IGNORECASE,
)
_LONGEST_CHATTER = 200
"""Characters. What is longer is text, however it begins."""


def tidy(text: str, title: str, level: int, *, cut: bool, document_title: str = "") -> str:
    """The section without a wrapping code fence, its own title, or that of the document at its beginning; with inner
    headings below its level; and, where it was cut off or ends in mid-sentence, up to the end of its last whole
    sentence.
    """
    lines = _unwrap(text.strip()).splitlines()
    while lines and (not lines[0].strip() or _names(lines[0], title) or _names(lines[0], document_title)):
        lines.pop(0)
    body = _closed(_without_chatter("\n".join(_demoted(lines, level, title)).strip(), title))
    return body if not cut and ends_in_sentence(body) else whole_sentences(body)


def _without_chatter(text: str, title: str) -> str:
    """Without a first paragraph that announces the text, and a last one that offers more. Alone, either stays."""
    first, _, rest = text.partition("\n\n")
    announces = first.rstrip().endswith((":", "：")) or _OF_THE_TASK.search(first)
    if rest.strip() and len(first) <= _LONGEST_CHATTER and _OPENING_WORDS.match(first.lstrip()) and announces:
        lines = rest.strip().splitlines()
        text = "\n".join(lines[1:] if _names(lines[0], title) else lines).strip()
    body, _, last = text.rpartition("\n\n")
    offers = len(last) <= _LONGEST_CHATTER and _CLOSING_WORDS.match(last.lstrip())
    return body.rstrip() if body.strip() and offers else text


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


def _demoted(lines: list[str], level: int, title: str) -> list[str]:
    """With headings below the section's own, and without those that say its title again."""
    fenced = False
    changed = []
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading and _names(line, title):
            continue
        if heading:
            depth = min(_DEEPEST, level + 1 + len(heading[1]))
            changed.append(f"{'#' * depth} {heading[2]}")
        else:
            changed.append(line)
    return changed
