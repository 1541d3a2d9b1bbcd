"""What can be read off a stored result without a worker: its title, and itself as Markdown."""

from collections.abc import Iterator

from pydantic import BaseModel

from shared.contracts.states import JobKind


class _Document(BaseModel):
    """Of a document only what is shown here: a newer worker may have written more."""

    title: str
    markdown: str


class _WithDocument(BaseModel):
    document: _Document


class _Node(BaseModel):
    title: str
    summary: str = ""
    children: list["_Node"] = []


class _Outline(BaseModel):
    title: str
    nodes: list[_Node]


class _WithOutline(BaseModel):
    outline: _Outline


def title_and_markdown(kind: JobKind, result: bytes) -> tuple[str, str]:
    """Of a result as stored."""
    if kind is JobKind.DOCUMENT:
        document = _WithDocument.model_validate_json(result).document
        return document.title, document.markdown
    outline = _WithOutline.model_validate_json(result).outline
    return outline.title, "\n".join((f"# {outline.title}", "", *_items(outline.nodes), ""))


def _items(nodes: list[_Node], indent: str = "") -> Iterator[str]:
    for node in nodes:
        summary = " ".join(node.summary.split())
        yield f"{indent}- **{node.title}**{': ' if summary else ''}{summary}"
        yield from _items(node.children, indent + "  ")
