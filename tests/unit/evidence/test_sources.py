"""Which sources are the same work."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.document import Author, Source
from shared.evidence.sources import bare_doi, canonical_url, merge_keys, merged

FRISCH = Author(family="von Frisch", given="Karl")
TITLE = "The waggle dance of bees"


def _source(number: int, **given: object) -> Source:
    values: dict[str, object] = {
        "id": f"s{number}", "name": "n", "media_type": "text/html", "kind": "webpage",
    } | given  # fmt: skip
    return Source.model_validate(values)


def _same(*given: Mapping[str, object]) -> list[str]:
    return list(merged([_source(number, **values) for number, values in enumerate(given)]).values())


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://www.Bees.example/A/?utm_source=x&b=2&a=1#top", "bees.example/A?a=1&b=2"),
        ("http://bees.example:80", "bees.example"),
        ("https://bees.example:443/", "bees.example"),
        ("https://bees.example:8443/x//", "bees.example:8443/x"),
        ("bees.example/x?fbclid=1&gclid=2", "bees.example/x"),
        ("https://bees.example/a%7Eb%20c/%E8%9C%9C", "bees.example/a~b%20c/%E8%9C%9C"),
        ("https://bees.example/a~b c/蜜", "bees.example/a~b%20c/%E8%9C%9C"),
        ("https://bees.example/r?to=https://other.example/", "bees.example/r?to=https%3A%2F%2Fother.example%2F"),
        ("https://bees.example/app#!id=1", "bees.example/app#!id=1"),
        ("https://bees.example/app#/id/1", "bees.example/app#/id/1"),
        ("http://user:word@[2606:4700::1111]:8080/x", "[2606:4700::1111]:8080/x"),
        ("https://arxiv.org/pdf/1706.03762v7.pdf", "arxiv.org/abs/1706.03762"),
        ("http://www.arxiv.org/abs/1706.03762", "arxiv.org/abs/1706.03762"),
        ("https://arxiv.org/abs/hep-th/9901001v2", "arxiv.org/abs/hep-th/9901001"),
        ("https://arxiv.org/list/cs.CL/recent", "arxiv.org/list/cs.CL/recent"),
        ("", ""),
        ("http://[::1", ""),
        ("https://bees.example:99999/", ""),
        ("/path/alone", ""),
    ],
)
def test_addresses_are_compared_without_their_trimmings(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@given(st.text(max_size=60))
def test_any_text_may_stand_for_an_address(text: str) -> None:
    canonical_url(text)
    canonical_url(f"https://bees.example/{text}")


@given(
    st.lists(st.text("abcäß蜜%2F .~-", max_size=8), max_size=4),
    st.dictionaries(st.text("abc&=蜜 +", min_size=1, max_size=4), st.text("abc&=+ ", max_size=4), max_size=3),
)
def test_a_canonical_address_is_its_own(parts: list[str], query: dict[str, str]) -> None:
    url = "https://www.bees.example/" + "/".join(parts) + "?" + "&".join(f"{n}={v}" for n, v in query.items())
    canonical = canonical_url(url)
    assert canonical_url(canonical) == canonical
    assert canonical_url(f"https://{canonical}") == canonical


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("10.1000/Bees", "10.1000/Bees"), ("https://doi.org/10.1000/bees.", "10.1000/bees"),
        ("doi:10.1000/x", "10.1000/x"), ("bees", ""), ("https://doi.org/10.1000%2Fx", "10.1000/x"),
        ("10.1/x", ""), ("", ""),
    ],
)  # fmt: skip
def test_dois(text: str, doi: str) -> None:
    assert bare_doi(text) == doi


def test_by_doi_however_it_is_written() -> None:
    first = {"doi": "10.1000/Bees"}
    assert (
        _same(first, {"doi": "https://doi.org/10.1000/bees"}, {"url": "http://dx.doi.org/10.1000/bees"}) == ["s0"] * 3
    )


def test_by_address() -> None:
    assert _same({"url": "http://bees.example/a/"}, {"url": "https://www.bees.example/a?utm_medium=x"}) == ["s0", "s0"]
    assert _same({"url": "http://bees.example/a"}, {"url": "http://bees.example/A"}) == ["s0", "s1"]


def test_by_title_and_year() -> None:
    one = {"title": TITLE, "issued": "2019-03", "url": "https://a.example"}
    assert _same(one, {"title": "THE WAGGLE-DANCE OF BEES.", "issued": "2019", "url": "https://b.example"}) == [
        "s0",
        "s0",
    ]
    assert _same(one, {"title": TITLE, "issued": "2020"}) == ["s0", "s1"]
    assert _same({"title": TITLE}, {"title": TITLE}) == ["s0", "s1"]
    assert _same({"title": "蜜蜂的舞蹈", "issued": "2019"}, {"title": "蜜蜂的舞蹈", "issued": "2019-01-02"}) == [
        "s0",
        "s0",
    ]


def test_short_titles_are_borne_by_many() -> None:
    report = {"title": "Annual report", "issued": "2019"}
    assert _same(report, report) == ["s0", "s1"]
    assert _same(report | {"authors": [FRISCH]}, report | {"authors": [FRISCH]}) == ["s0", "s0"]


def test_authors_without_a_name_in_common_are_others() -> None:
    one = {"title": TITLE, "issued": "2019", "authors": [FRISCH]}
    assert _same(one, one | {"authors": [Author(family="Lindauer")]}) == ["s0", "s1"]
    assert _same(one, one | {"authors": [Author(literal="K. Frisch")]}) == ["s0", "s1"]
    assert _same(one, one | {"authors": [Author(family="VON FRISCH", given="K."), Author(family="X")]}) == ["s0", "s0"]
    assert _same(one, one | {"authors": []}) == ["s0", "s0"]


def test_different_dois_are_different_works_but_for_a_preprint() -> None:
    one = {"kind": "article", "title": TITLE, "issued": "2019", "doi": "10.1000/a"}
    assert _same(one, one | {"doi": "10.1000/b"}) == ["s0", "s1"]
    assert _same(one, one | {"doi": "10.48550/arXiv.1", "kind": "preprint"}) == ["s0", "s0"]


def test_joined_by_a_third() -> None:
    by_doi, by_address = {"doi": "10.1000/a"}, {"url": "https://bees.example/a"}
    assert _same(by_doi, by_address, by_doi | by_address) == ["s0", "s0", "s0"]


def test_a_third_joins_no_two_that_contradict_each_other() -> None:
    one = {"kind": "article", "title": TITLE, "issued": "2019", "doi": "10.1000/a"}
    assert _same(one, one | {"doi": "10.1000/b"}, one | {"doi": ""}) == ["s0", "s1", "s0"]
    assert _same(one | {"doi": ""}, one, one | {"doi": "10.1000/b"}) == ["s0", "s0", "s2"]


def test_files_need_their_authors() -> None:
    file = {"kind": "file", "title": TITLE, "issued": "2019"}
    assert _same(file, file) == ["s0", "s1"]
    assert _same(file | {"authors": [FRISCH]}, file | {"authors": [FRISCH]}) == ["s0", "s0"]
    assert _same(file | {"doi": "10.1000/a"}, {"doi": "10.1000/a"}) == ["s0", "s0"]
    assert _same({"kind": "file", "name": "a.pdf"}, {"kind": "file", "name": "a.pdf"}) == ["s0", "s1"]


def test_the_surest_key_comes_first() -> None:
    source = _source(1, doi="10.1000/A", url="https://bees.example", title=TITLE, issued="2019", authors=[FRISCH])
    assert [key.partition(":")[0] for key in merge_keys(source)] == ["doi", "url", "work", "title"]


@given(
    st.lists(
        st.builds(
            dict,
            doi=st.sampled_from(["", "10.1000/a", "10.1000/b"]),
            url=st.sampled_from(["", "https://a.example", "https://b.example"]),
            title=st.sampled_from(["", TITLE]),
            issued=st.sampled_from(["", "2019"]),
            kind=st.sampled_from(["file", "webpage", "article", "preprint"]),
        ),
        max_size=8,
    )
)
def test_every_source_is_mapped_to_an_earlier_one_that_stands_for_itself(given: list[dict[str, object]]) -> None:
    sources = [_source(number, **values) for number, values in enumerate(given)]
    mapping = merged(sources)
    assert list(mapping) == [source.id for source in sources]
    for source, first in mapping.items():
        assert mapping[first] == first
        assert int(first[1:]) <= int(source[1:])
