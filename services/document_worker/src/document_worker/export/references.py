"""Entries of a reference list in a citation style, made by pandoc's citeproc."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from document_worker.export.csl import CslDate, CslItem, csl_items
from document_worker.export.nodes import Node, attributes, escaped, markdown_of, node, span, tree, walk, words
from shared.contracts.commands import ReferenceStyleName
from shared.contracts.document import Reference, Source
from shared.sandbox import Pandoc

STYLES = Path(str(files("document_worker.export") / "styles"))
"""The directory of the citation styles, each in a file of its name. Pandoc is given the path, not the text."""

_OF_THE_NUMBER = "csl-left-margin"


class ReferenceFormatter:
    """Writes sources as a style has them."""

    def __init__(self, pandoc: Pandoc, styles: Path = STYLES) -> None:
        self._pandoc = pandoc
        self._styles = styles

    async def format(self, sources: Sequence[Source], style: ReferenceStyleName) -> list[str]:
        """For each source its entry as one line of CommonMark, without a number. Each is in its own language.

        Raises RenderingFailedError where pandoc cannot be run.
        """
        items = csl_items(sources)
        entries: dict[str, str] = {}
        for language in sorted({item.language for item in items}):
            group = [item for item in items if item.language == language]
            entries |= await self._of_one_language(group, language, style)
        return [entries.get(item.id) or escaped(item.title) for item in items]

    async def _of_one_language(
        self, items: Sequence[CslItem], language: str, style: ReferenceStyleName
    ) -> dict[str, str]:
        given = json.dumps(_citing(items, language)).encode()
        path = self._styles / f"{style}.csl"
        made = await self._pandoc.convert("json", "json", given, "--citeproc", "--csl", str(path))
        return _entries(json.loads(made))


async def to_bibtex(references: Sequence[Reference], pandoc: Pandoc) -> bytes:
    """The reference list as BibTeX; raises RenderingFailedError where pandoc cannot be run."""
    items = csl_items([reference.source for reference in references])
    if not items:
        return b""
    given = json.dumps(tree([], {"references": _meta_references(items), "nocite": _cite_all(items)})).encode()
    return await pandoc.convert("json", "bibtex", given)


def _citing(items: Sequence[CslItem], language: str) -> Node:
    """A document of one citation a paragraph: a style of notes puts the entry there, the others into a list."""
    references = _meta_references(items)
    for item, fields in zip(items, references["c"], strict=True):
        if item.type == "document" and not item.issued.known:
            # Known to be undated, so that no style writes "n.d." beside a file.
            fields["c"]["issued"] = _strings({"literal": ""})
    meta = {"references": references, "lang": node("MetaString", language)}
    return tree(
        [
            node("Div", [attributes(f"cite-{item.id}"), [node("Para", [_citation(item.id, count)])]])
            for count, item in enumerate(items, 1)
        ],
        meta,
    )


def _citation(key: str, count: int) -> Node:
    citation = {
        "citationId": key,
        "citationPrefix": [],
        "citationSuffix": [],
        "citationMode": node("NormalCitation"),
        "citationNoteNum": count,
        "citationHash": 0,
    }
    return node("Cite", [[citation], words(key)])


def _cite_all(items: Sequence[CslItem]) -> Node:
    return node("MetaInlines", [_citation(item.id, count) for count, item in enumerate(items, 1)])


def _meta_references(items: Sequence[CslItem]) -> Node:
    return node("MetaList", [node("MetaMap", _meta(item)) for item in items])


def _meta(item: CslItem) -> dict[str, Node]:
    """An item as metadata: inlines are taken as they stand, while strings of CSL-JSON may hold markup."""
    fields: dict[str, Node] = {}
    for key, value in item.model_dump(by_alias=True, exclude_defaults=True).items():
        match value:
            case str() if key in ("id", "type", "DOI", "URL", "language"):
                fields[key] = node("MetaString", value)
            case str():
                fields[key] = node("MetaInlines", words(value))
    if item.type == "document" and not item.author:
        # A file's name keeps its capitals.
        fields["title"] = node("MetaInlines", [span("", ["nocase"], words(item.title))])
    if item.author:
        names = [name.model_dump(exclude_defaults=True) for name in item.author]
        fields["author"] = node("MetaList", [_strings(name) for name in names])
    fields |= {name: _date(date) for name, date in (("issued", item.issued), ("accessed", item.accessed)) if date.known}
    return fields


def _date(date: CslDate) -> Node:
    if not date.date_parts:
        return _strings({"literal": date.literal})
    return node("MetaString", "-".join(f"{part:02d}" for part in date.date_parts[0]))


def _strings(values: dict[str, str]) -> Node:
    return node("MetaMap", {key: node("MetaString", value) for key, value in values.items()})


def _entries(made: Node) -> dict[str, str]:
    entries: dict[str, str] = {}

    def collect(block: Node) -> None:
        if block["t"] != "Div":
            return
        (name, _, _), blocks = block["c"]
        for prefix, found in (("ref-", _listed), ("cite-", _noted)):
            entry = markdown_of(found(blocks)) if name.startswith(prefix) else ""
            if entry:
                entries[name.removeprefix(prefix)] = entry

    walk(made["blocks"], collect)
    return entries


def _listed(blocks: list[Node]) -> list[Node]:
    inlines = [inline for block in blocks if block["t"] in ("Para", "Plain") for inline in block["c"]]
    return [inline for inline in inlines if not (inline["t"] == "Span" and _OF_THE_NUMBER in inline["c"][0][1])]


def _noted(blocks: list[Node]) -> list[Node]:
    noted: list[Any] = []
    walk(blocks, lambda found: noted.extend(_listed(found["c"])) if found["t"] == "Note" else None)
    return noted
