"""Sources that between them have every kind, every field and every sort of value that a citation style looks at."""

import itertools
import random
from collections.abc import Iterator
from typing import Any, get_args

from shared.contracts.document import Author, Source, SourceKind

KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
_LANGUAGES = ("en", "zh", "de", "es", "fr", "", "ja", "ru", "it", "pt", "ko", "tlh")
PEOPLE = (
    Author(family="Smith", given="Jane"),
    Author(family="van der Berg", given="J. K."),
    Author(family="García Márquez", given="Gabriel José"),
    Author(family="王", given="小明"),
    Author(literal="Estuary Trust"),
    Author(family="O'Neil", given="Jean-Luc"),
    Author(family="Müller-Lüdenscheidt", given="Åsa"),
    Author(literal="国家统计局"),
    Author(family="SMITH", given="john"),
    Author(literal="IBM Corp."),
    Author(family="Plato"),
    Author(family="de la Cruz", given="M.K."),
)
# Where a style begins to write "et al.": 3 (APA in a text), 4 (GB/T 7714), 7 (IEEE, Chicago), 21 (APA).
_NUMBERS_OF_AUTHORS = (0, 1, 2, 3, 4, 6, 7, 8, 20, 21, 22)
_VALUES: dict[str, tuple[str, ...]] = {
    "title": (
        "Tides", "How tides are predicted?", "Stop!", 'The "quoted" word', "“Curly” and ‘inner’", "END OF ALL",
        "iPhone and DNA: a history. Part 2.", "湿地生态研究", "Über die Gezeiten — eine Studie", "title ends…", "...",
        "Of mice and men / the sequel", "Ends in comma,", "",
    ),
    "issued": (
        "", "2019", "2019-13", "spring 2019", "2019年", "2019-01-02", "2019-02", "2019-03-31", "2019-04",
        "2019-05-05", "2019-06", "2019-07-04", "2019-08", "2019-09-09", "2019-10", "2019-11-30", "2019-12-31T10:00:00",
    ),
    "container": ("", "Journal of tides", "NATURE", "地理学报", "J. Phys. A: Math. Gen.", "Who?", "Ocean Service"),
    "publisher": ("", "MIT Press", "Wiley Inc.", "科学出版社", "Univ. of X, Dept. Y"),
    "volume": ("", "7", "12-13", "3–4", "1 & 2", "Supp. A", "IV", "iv", "7A", "卷二"),
    "issue": ("", "3", "2-4", "1, 3", "S1", "Special Issue", "no. 5"),
    "pages": ("", "5", "12-19", "12–19", "123-9", "321-328", "1002-1008", "e12", "e12, 13", "iv-x", "S12-S19", "n/a"),
    "doi": ("", "10.1234/abc.5", "https://doi.org/10.1000/XY(3)"),
    "url": ("", "https://a.example/x", "http://b.example.org/?q=[3]&r=(1)", "javascript:1"),
    "accessed": ("", "2026-11-02", "2026-07", "2026", "yesterday"),
    "language": _LANGUAGES,
}  # fmt: skip
_PLACED_BY_KIND = ("container", "publisher", "volume", "issue", "pages", "doi", "url")


def every_value() -> list[Source]:
    """Each value of each field, beside values of the other fields that are drawn at random, the same each time.

    What a style places differently from kind to kind comes with every kind, the rest with two of them. No two titles
    are the same.
    """
    draw = random.Random(7714)
    drawn = [
        _source(draw, kind, {field: value})
        for field, values in _fields()
        for value in values
        for kind in (KINDS if field in _PLACED_BY_KIND else draw.sample(KINDS, 2))
    ]
    return [_numbered(number, source) for number, source in enumerate(drawn)]


def little_known() -> list[Source]:
    """Sources as a search finds them: author, title, perhaps a year, and where they are."""
    return [
        Source(
            id="s", name="x", media_type="x", kind=kind, title=f"Tides {number}", authors=[PEOPLE[0]],
            issued=issued, container=container, doi=doi, url=url,
        )
        for number, (kind, issued, container, (doi, url)) in enumerate(
            itertools.product(
                KINDS, ("", "2019"), ("", "Nature"), (("", ""), ("10.1234/abc", ""), ("", "https://a.example/x"))
            )
        )
    ]  # fmt: skip


def sources_alike() -> list[Source]:
    """Sources of few people, years and titles: a style tells them apart by letters, initials or further names."""
    draw = random.Random(1)
    people = [Author(family="Li", given=given) for given in ("Jane", "Joan", "J.", "Kim")]
    return [
        _source(
            draw,
            draw.choice(KINDS),
            {
                "title": draw.choice(("Tides", "tides", "Waves?")),
                "authors": draw.choices(people, k=draw.choice((0, 1, 2, 4))),
                "issued": draw.choice(("", "2019", "2019-05-03", "2019-05-12", "2020-01")),
                "container": draw.choice(("", "Nature")),
                "language": draw.choice(("en", "zh")),
            },
        )
        for _ in range(120)
    ]


def _fields() -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield from _VALUES.items()
    yield "authors", tuple(list(_people(number)) for number in _NUMBERS_OF_AUTHORS)
    yield "authors", tuple([person] for person in PEOPLE)


def _people(number: int) -> Iterator[Author]:
    for place in range(number):
        yield PEOPLE[place % len(PEOPLE)]


def _numbered(number: int, source: Source) -> Source:
    title = f"{number} {source.title}" if source.title else ""
    return source.model_copy(update={"title": title, "name": f"notes {number} Final.pdf"})


def _source(draw: random.Random, kind: SourceKind, fixed: dict[str, Any]) -> Source:
    fields: dict[str, Any] = {field: draw.choice((values[0], draw.choice(values))) for field, values in _VALUES.items()}
    fields["authors"] = draw.sample(PEOPLE, draw.choice(_NUMBERS_OF_AUTHORS[:7]))
    return Source.model_validate(
        {"id": "s", "name": "notes Final.pdf", "media_type": "x", "kind": kind, **fields, **fixed}
    )
