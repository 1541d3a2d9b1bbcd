"""The outline as a text that a person edits: a Markdown list with a line for each section, parsed strictly.

Strictly, since a slip of the pen that is taken for something else would remove a section without a word.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from deploy.local.picture import printable
from shared.contracts.outline import MAX_DEPTH, NodeId, Outline, OutlineNode, apportioned
from shared.language.text import is_han

EXPLANATION = """\
<!--
  A section is a line "- [id] Title (250 {unit})", two spaces further in for
  each level. What it is to say stands below it, on lines that begin with ">".
  Add a section: a line without [id]. Remove one: delete its lines.
  Move one: move its lines, and leave its [id] as it is.
  Only sections without subsections have a length; without one, or with
  "(? {unit})", the writer decides.
  Save and close the file to go on. Unchanged, it changes nothing.
-->
"""
INDENT = "  "
_LENGTH = r"[(（](?P<words>\?|[^()（）]*\d[^()（）]*?) *(?:\bwords?|字)[)）]"
_SECTION = re.compile(rf" *[-*+] +(?:\[(?P<id>[A-Za-z0-9][\w.-]*)\] *)?(?P<title>.*?)(?: *{_LENGTH})?")
_ENDS_WITH_LENGTH = re.compile(rf".*{_LENGTH}")
_SUMMARY = re.compile(r" *>(?P<text>.*)")
_TITLE = re.compile(r"# +(?P<title>.+)")


class OutlineTextError(Exception):
    """The text is not an outline; says where and why, for the person who wrote it."""


def render(outline: Outline) -> str:
    """The outline, which has ids, as text. ``parse`` makes ``as_shown(outline)`` of it."""
    shown, unit = as_shown(outline), length_unit(outline.language)
    lines = [EXPLANATION.format(unit=unit), f"# {shown.title}", ""]
    for node, level in shown.walk():
        indent = INDENT * (level - 1)
        lines.append(f"{indent}- [{node.id}] {with_length(node, unit)}")
        lines += [f"{indent}{INDENT}> {line}".rstrip() for line in node.summary.split("\n") if node.summary]
    return "\n".join(lines) + "\n"


def length_unit(language: str | None) -> str:
    """What lengths are counted in: Han characters or words."""
    return "字" if is_han(language or "") else "words"


def with_length(node: OutlineNode, unit: str) -> str:
    """The title and the length, such that either can be told from the other."""
    if node.target_words is not None:
        return f"{node.title} ({node.target_words} {unit})"
    return f"{node.title} (? {unit})" if _ENDS_WITH_LENGTH.fullmatch(node.title) else node.title


def as_shown(outline: Outline) -> Outline:
    """As far as the text can say it: titles on one line, nothing unprintable, lengths of leaves only."""
    nodes = [_shown(node) for node in outline.nodes]
    return outline.model_copy(update={"title": _one_line(outline.title), "nodes": nodes})


def parse(text: str, before: Outline) -> Outline:
    """The outline that a person made of ``before``; nodes without an id are new. Raises OutlineTextError.

    A length that is given for a section with subsections goes to those of them that have none.
    """
    title, root = _read(text, {node.id for node, _ in before.walk() if node.id})
    if not root.children:
        msg = "No section is left."
        raise OutlineTextError(msg)
    for section in reversed(list(root.walk())):
        section.share_out()
    nodes = [section.node() for section in root.children]
    try:
        return Outline(title=title, language=before.language, nodes=nodes)
    except ValidationError as error:
        raise OutlineTextError(_reason(error)) from error


@dataclass(slots=True)
class _Section:
    line: int
    indent: int
    title: str
    id: NodeId | None = None
    words: int | None = None
    summary: list[str] = field(default_factory=list)
    children: list["_Section"] = field(default_factory=list)

    def walk(self) -> Iterator["_Section"]:
        yield self
        for child in self.children:
            yield from child.walk()

    def share_out(self) -> None:
        """Hand a length down: subsections have theirs already, as the innermost sections come first."""
        if self.words is None or not self.children:
            return
        leaves = [section for section in self.walk() if not section.children]
        lacking = {str(leaf.line): leaf for leaf in leaves if leaf.words is None}
        rest = self.words - sum(leaf.words or 0 for leaf in leaves)
        if rest < len(lacking) or (rest and not lacking):
            raise _at(self.line, "the lengths of its subsections do not add up to this one; take it away")
        for line, words in apportioned(dict.fromkeys(lacking, 1.0), rest).items():
            lacking[line].words = words

    def node(self) -> OutlineNode:
        children = [child.node() for child in self.children]
        summary = "\n".join(self.summary).strip("\n")
        words = None if children else self.words
        try:
            return OutlineNode(id=self.id, title=self.title, summary=summary, target_words=words, children=children)
        except ValidationError as error:
            raise _at(self.line, _reason(error)) from error


def _read(text: str, known: Collection[str]) -> tuple[str, _Section]:
    """The title and the sections, as children of one that stands for the outline."""
    title: str | None = None
    lines_of: dict[str, int] = {}
    stack = [_Section(0, -1, "")]
    for number, line in _lines_that_count(text):
        if title is None:
            found = _TITLE.fullmatch(line)
            if found is None:
                raise _at(number, 'the title of the outline comes first, as in "# Title"')
            title = _one_line(found["title"])
        elif (said := _SUMMARY.fullmatch(line)) is not None:
            if len(stack) == 1:
                raise _at(number, "there is no section above that this could belong to")
            stack[-1].summary.append(_one_line(said["text"]))
        else:
            section = _section(number, line, known, lines_of)
            _put(stack, section)
    if title is None:
        msg = "The file is empty."
        raise OutlineTextError(msg)
    return title, stack[0]


def _lines_that_count(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, without blank ones and comments."""
    in_comment = False
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if in_comment or stripped.startswith("<!--"):
            in_comment = not stripped.endswith("-->")
        elif stripped:
            yield number, line.rstrip().expandtabs(4)


def _section(number: int, line: str, known: Collection[str], lines_of: dict[str, int]) -> _Section:
    found = _SECTION.fullmatch(line)
    if found is None:
        raise _at(number, 'neither a section, "- Title", nor what one is to say, "> ..."')
    node_id, title = found["id"], _one_line(found["title"])
    if not title:
        raise _at(number, "a section needs a title")
    if node_id is None and title.startswith("["):
        raise _at(number, "a new section has no [id], and its title can't begin with a bracket")
    if node_id is not None and node_id not in known:
        raise _at(number, f"there was no section [{node_id}]; a new one has no [id]")
    if node_id is not None and lines_of.setdefault(node_id, number) != number:
        raise _at(number, f"[{node_id}] stands in line {lines_of[node_id]} already")
    indent = len(line) - len(line.lstrip(" "))
    return _Section(number, indent, title, node_id, _words(number, found["words"]))


def _words(number: int, text: str | None) -> int | None:
    if text is None or text == "?":
        return None
    figures = text.replace(",", "")
    if not (figures.isascii() and figures.isdecimal()):
        raise _at(number, f'"{text}" is no length; for a title that ends so, write "(? words)" after it')
    return int(figures)


def _put(stack: list[_Section], section: _Section) -> None:
    """Under the last section that stands less far in; the stack leads from the outline to the section."""
    while stack[-1].indent >= section.indent:
        stack.pop()
    siblings = stack[-1].children
    if siblings and siblings[0].indent != section.indent:
        raise _at(section.line, f"stands as far in as no section above it; line {siblings[0].line} is of its level")
    if len(stack) > MAX_DEPTH:
        raise _at(section.line, f"an outline has at most {MAX_DEPTH} levels")
    siblings.append(section)
    stack.append(section)


def _shown(node: OutlineNode) -> OutlineNode:
    summary = "\n".join(_one_line(line) for line in node.summary.split("\n")).strip("\n")
    return node.model_copy(
        update={
            "title": _one_line(node.title),
            "summary": summary,
            "target_words": None if node.children else node.target_words,
            "children": [_shown(child) for child in node.children],
        }
    )


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _at(line: int, message: str) -> OutlineTextError:
    return OutlineTextError(f"Line {line}: {message}.")
