"""Entries of references: four styles, two languages, and whatever stands in a title."""

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from document_worker.export import ReferenceFormatter, to_bibtex, to_csl_json
from document_worker.export.csl import csl_items, language_of
from document_worker.export.nodes import escaped
from shared.contracts.commands import ReferenceStyleName
from shared.contracts.document import Author, Reference, Source
from shared.evidence.citations import numbers_in
from shared.sandbox import Pandoc, Sandbox
from tests.unit.export.samples import CHINESE_ENTRIES, CHINESE_SOURCES, ENGLISH_ENTRIES, ENGLISH_SOURCES

STYLES: tuple[ReferenceStyleName, ...] = ("gb-t-7714-2015", "ieee", "apa", "chicago-notes")
ODD = '[1] *x* _y_ <b>bold</b> [@key] $x$ \\input{a} "q" `c` {=html} &amp; ](http://x.example) ~~s~~ | #h'


def file(name: str) -> Source:
    return Source(id="f", name=name, media_type="application/pdf")


def numbered(*sources: Source) -> list[Reference]:
    return [Reference(number=number, source=source) for number, source in enumerate(sources, 1)]


@pytest.fixture
def formatter(pandoc: Pandoc) -> ReferenceFormatter:
    return ReferenceFormatter(pandoc)


async def test_english_sources_in_ieee(formatter: ReferenceFormatter) -> None:
    assert await formatter.format(ENGLISH_SOURCES, "ieee") == ENGLISH_ENTRIES


async def test_chinese_sources_in_the_national_standard(formatter: ReferenceFormatter) -> None:
    assert await formatter.format(CHINESE_SOURCES, "gb-t-7714-2015") == CHINESE_ENTRIES


async def test_apa(formatter: ReferenceFormatter) -> None:
    entries = await formatter.format(ENGLISH_SOURCES, "apa")

    assert entries[0].startswith("Prandle, D., & Lane, A. (2015). Tidal range and power. *Renewable Energy*, *75*,")
    assert entries[2] == (
        "*How tides are predicted*. (n.d.). Ocean Service. Retrieved November 2, 2026, from "
        "<https://ocean.example.org/tides/predictions.html>"
    )
    assert entries[4] == r"*lagoon\_minutes\_2023.docx*."


async def test_chicago_notes_read_as_notes(formatter: ReferenceFormatter) -> None:
    entries = await formatter.format(ENGLISH_SOURCES, "chicago-notes")

    assert entries[0].startswith("David Prandle and Andrew Lane, “Tidal Range and Power,” *Renewable Energy* 75 (2015)")
    assert entries[4] == r"“lagoon\_minutes\_2023.docx.”"


@pytest.mark.parametrize("style", STYLES)
async def test_each_item_is_in_its_own_language(formatter: ReferenceFormatter, style: ReferenceStyleName) -> None:
    entries = await formatter.format(CHINESE_SOURCES, style)

    assert "王小明" in entries[0]
    assert "et al" not in entries[0]
    assert "等" not in entries[2]


@pytest.mark.parametrize("style", STYLES)
async def test_a_file_of_which_only_the_name_is_known(formatter: ReferenceFormatter, style: ReferenceStyleName) -> None:
    (entry,) = await formatter.format([file("notes Final.pdf")], style)

    assert "notes Final.pdf" in entry
    assert "n.d." not in entry


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("title", [ODD, "7", "x" * 10_000, "\x00\x1b[31m\u202e", "- a", "1. b", "]" * 40, "C:\\a[1]"])
async def test_odd_titles_show_as_themselves_and_cite_nothing(
    formatter: ReferenceFormatter, style: ReferenceStyleName, title: str
) -> None:
    (entry,) = await formatter.format([file(title)], style)

    assert entry.strip()
    assert "\n" not in entry
    assert numbers_in(entry) == set()
    assert "<b>" not in entry


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.example/ b", 'https://a.example/"><script>'])
async def test_no_link_to_what_is_no_web_address(formatter: ReferenceFormatter, url: str) -> None:
    source = Source(id="w", name="A page", media_type="text/html", kind="webpage", url=url)

    (entry,) = await formatter.format([source], "ieee")

    assert entry == "“A page.”"


async def test_brackets_in_an_address_are_no_citation(formatter: ReferenceFormatter) -> None:
    source = Source(id="w", name="A", media_type="text/html", kind="webpage", url="https://a.example/?q=[3]&r=(1)")

    (entry,) = await formatter.format([source], "gb-t-7714-2015")

    assert "<https://a.example/?q=%5B3%5D&r=(1)>" in entry
    assert numbers_in(entry) == set()


async def test_no_sources(formatter: ReferenceFormatter, pandoc: Pandoc) -> None:
    assert await formatter.format([], "ieee") == []
    assert json.loads(to_csl_json([])) == []
    assert await to_bibtex([], pandoc) == b""


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.builds(
            Source,
            id=st.just("s"),
            name=st.text(max_size=40),
            media_type=st.just("x"),
            kind=st.sampled_from(["file", "webpage", "article", "preprint", "report", "book", "thesis"]),
            title=st.text(max_size=40),
            authors=st.lists(st.builds(Author, family=st.text(max_size=8), given=st.text(max_size=8)), max_size=3),
            issued=st.one_of(st.text(max_size=10), st.dates().map(str)),
            container=st.text(max_size=20),
            pages=st.text(max_size=8),
            doi=st.text(max_size=20),
            url=st.text(max_size=20),
            accessed=st.text(max_size=10),
            language=st.sampled_from(["", "en", "zh-CN", "de", "x"]),
        ),
        max_size=5,
    ),
    st.sampled_from(STYLES),
)
async def test_it_never_fails(sources: list[Source], style: ReferenceStyleName) -> None:
    entries = await ReferenceFormatter(Pandoc(Sandbox(2))).format(sources, style)

    assert len(entries) == len(sources)
    assert all(entry.strip() and "\n" not in entry and not numbers_in(entry) for entry in entries)


@given(st.text())
def test_no_bracket_of_escaped_text_is_left_open(text: str) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]*_`<>$]", escaped(text))


def test_csl_json_says_what_is_known_and_nothing_else() -> None:
    first, second, *_ = json.loads(to_csl_json(numbered(*CHINESE_SOURCES)))

    assert first["author"][0] == {"literal": "王小明"}
    assert first["issued"] == {"date-parts": [[2021]]}
    assert first["container-title"] == "地理学报"
    assert second == {"id": "source", "type": "document", "title": "湿地巡护记录（2023）.docx", "language": "zh-CN"}


async def test_bibtex_keeps_chinese_and_has_stable_keys(pandoc: Pandoc) -> None:
    made = (await to_bibtex(numbered(*ENGLISH_SOURCES), pandoc)).decode()

    assert "{王小明}" in made
    assert re.findall(r"@\w+\{([^,]+),", made) == [
        "prandle2015", "estuary2021", "how", "okafor2019", "lagoon", "source2022",
    ]  # fmt: skip
    assert "year = {}" not in made


def test_keys_are_unique() -> None:
    keys = [item.id for item in csl_items([file("a.pdf")] * 4)]

    assert keys == ["a", "a-2", "a-3", "a-4"]


@pytest.mark.parametrize(
    ("source", "language"),
    [
        (file("报告.pdf"), "zh-CN"),
        (file("report.pdf"), "en-US"),
        (file("report.pdf").model_copy(update={"language": "zh-Hans"}), "zh-CN"),
        (file("报告.pdf").model_copy(update={"language": "en"}), "en-US"),
        (file("x").model_copy(update={"language": "tlh"}), "en-US"),
    ],
)
def test_the_language_of_a_source(source: Source, language: str) -> None:
    assert language_of(source) == language
