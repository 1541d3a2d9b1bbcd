"""One document from the section texts that are there: headings, one numbering of sources over all, reference list."""

import re
from collections.abc import Collection, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from shared.contracts.document import Document, Reference, SectionInfo
from shared.contracts.errors import PermanentError
from shared.contracts.plan import Plan, PlannedSection
from shared.evidence.citations import Numbering, leaked_keys, numbers_in
from shared.evidence.ledger import Ledger
from shared.evidence.sources import merged
from shared.language.text import is_han

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")
_DEEPEST = 6


class CitationIntegrityError(PermanentError):
    code = "citation_integrity"
    meaning = "The citations and the reference list do not agree, so the document is not delivered"
    advice = "Report it: it is a fault of Draftline"


class Assembled(BaseModel):
    """The document before its reference list: citations are numbers, sources in their order."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    body: str
    source_ids: list[str]
    missing: list[str] = []
    """Ids of the leaves without a text, in reading order."""


def assemble(plan: Plan, texts: Mapping[str, str], ledger: Ledger) -> Assembled:
    """Put together the texts with evidence keys, by section id. A leaf without one is left out with its heading, and so
    is an inner heading with nothing under it; numbers run over what is there.
    """
    same = merged(ledger.sources)
    numbering = Numbering({passage.key: same[passage.source_id] for passage in ledger.passages})
    missing = [leaf.id for leaf in plan.leaves() if leaf.id not in texts]
    blocks = [f"# {plain(plan.title)}"]
    for section in _standing(plan, missing):
        blocks.append(f"{'#' * min(_DEEPEST, section.level + 1)} {plain(section.title)}")
        if section.leaf:
            blocks.append(numbering.apply(texts[section.id]))
    return Assembled(body="\n\n".join(blocks), source_ids=numbering.source_ids, missing=missing)


def to_document(
    plan: Plan, ledger: Ledger, assembled: Assembled, words: Mapping[str, int], entries: Sequence[str] = ()
) -> Document:
    """The document with its reference list; ``words`` by id of written leaf, ``entries`` the lines of the list, else
    the sources are listed by their names. Raises CitationIntegrityError where its citations do not add up.
    """
    sources = [ledger.source(name) for name in assembled.source_ids]
    lines = entries or [plain(source.name) for source in sources]
    listed = [
        Reference(number=number, source=source, text=line)
        for number, (source, line) in enumerate(zip(sources, lines, strict=True), 1)
    ]
    check_integrity(assembled.body, listed)
    return Document(
        title=plan.title,
        language=plan.language,
        markdown=with_list(assembled.body, listed, plan.language),
        sections=[
            SectionInfo(id=section.id, title=section.title, level=section.level, words=words.get(section.id, 0))
            for section in _standing(plan, assembled.missing)
        ],
        references=listed,
        words=sum(words.values()),
        reference_style=plan.reference_style if entries else None,
    )


def check_integrity(body: str, listed: list[Reference]) -> None:
    """{n in text} = {n in list} = 1..N, or CitationIntegrityError."""
    in_text, in_list = numbers_in(body), {reference.number for reference in listed}
    leaked = leaked_keys(body)
    if in_text != in_list or leaked:
        raise CitationIntegrityError(f"Cited {sorted(in_text)}, listed {sorted(in_list)}, left over {leaked}.")


def with_list(body: str, listed: list[Reference], language: str) -> str:
    """The document with its reference list, or as it is where nothing is cited."""
    if not listed:
        return body + "\n"
    heading = "参考文献" if is_han(language) else "References"
    entries = "\n\n".join(f"\\[{item.number}\\] {item.text}" for item in listed)
    return f"{body}\n\n## {heading}\n\n{entries}\n"


def plain(text: str) -> str:
    """A title or a name as one line of Markdown that shows nothing but itself."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _standing(plan: Plan, missing: Collection[str]) -> list[PlannedSection]:
    """The headings under which something is written. From the end backwards: what stands after an inner heading is
    under it if it is deeper.
    """
    left_out = set(missing)
    standing: list[PlannedSection] = []
    for section in reversed(plan.sections):
        written = section.id not in left_out if section.leaf else standing and standing[-1].level > section.level
        if written:
            standing.append(section)
    return standing[::-1]
