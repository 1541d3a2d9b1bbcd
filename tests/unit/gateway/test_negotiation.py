"""Which form of a result a client gets, and under what name."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.negotiation import AT_HAND, ResultFormat, choose, disposition, unchanged
from gateway.results.rendering import title_and_markdown
from shared.contracts.exports import ExportFormat
from shared.contracts.states import JobKind

ALL = tuple(ResultFormat)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def test_every_file_can_be_named() -> None:
    assert [each.export for each in ResultFormat if each.export] == list(ExportFormat)
    assert {each.value for each in ResultFormat} == {"json", "markdown", *(each.value for each in ExportFormat)}


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "json"),
        ("", "json"),
        (" ", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("application/json, text/plain, */*", "json"),
        ("application/*", "json"),
        (BROWSER, "html"),
        ("text/html", "html"),
        ("text/html;level=1;q=0.5, application/json;q=0.4", "html"),
        ("TEXT/HTML;Q=1", "html"),
        ("text/*", "markdown"),
        ("text/*, text/markdown;q=0", "html"),
        ("text/*;q=0.3, text/html;q=0.7, application/json;q=0.5", "html"),
        ("text/markdown", "markdown"),
        ("application/pdf", "pdf"),
        ("application/pdf, */*", "pdf"),
        ("application/pdf;q=0.9, */*;q=0.1", "pdf"),
        ("application/pdf;q=0.2, application/json;q=0.3", "json"),
        ("application/pdf;q=0, */*", "json"),
        ("*/*, application/json;q=0, text/markdown;q=0", "html"),
        (f"{WORD}, application/pdf;q=0.5", "docx"),
        ("application/x-bibtex", "bibtex"),
        ("application/vnd.citationstyles.csl+json", "csl-json"),
        ("application/pdf;q=x, application/json", "json"),
        ("application/pdf;q=2, text/html;q=0.1", "html"),
        ("application/pdf;q=nan, text/html;q=0.1", "html"),
        ("garbage, text/html", "html"),
    ],
)
def test_what_is_accepted_is_chosen_as_rfc_9110_says(accept: str | None, chosen: str) -> None:
    assert choose(accept, ALL) == chosen


@pytest.mark.parametrize(
    "accept", ["image/png", "garbage", "*/*;q=0", "text/html;q=0", "/", "*/json", "application/pdf;q=-1", ","]
)
def test_what_accepts_nothing_gets_nothing(accept: str) -> None:
    assert choose(accept, ALL) is None


def test_what_is_not_offered_is_not_chosen() -> None:
    assert choose("application/pdf", AT_HAND) is None
    assert choose("application/pdf, text/*;q=0.1", AT_HAND) is ResultFormat.MARKDOWN
    assert choose(BROWSER, AT_HAND) is ResultFormat.JSON


@given(st.text(max_size=60))
def test_no_header_breaks_it(accept: str) -> None:
    assert choose(accept, ALL) in {None, *ALL}


@pytest.mark.parametrize(
    ("header", "same"),
    [(None, False), ("", False), ('W/"a"', True), ('"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False)],
)
def test_tags_are_compared_weakly(header: str | None, same: bool) -> None:
    assert unchanged('W/"a"', header) is same


@pytest.mark.parametrize(
    ("title", "plain", "name"),
    [
        ("Bees and honey", "Bees and honey", "Bees and honey"),
        ("蜜蜂与蜂蜜", "document", "蜜蜂与蜂蜜"),
        ("Über Bienen", "Uber Bienen", "Über Bienen"),
        ("../../etc/passwd", "etc passwd", "etc passwd"),
        ('a"; filename="evil.exe', "a ; filename= evil.exe", "a ; filename= evil.exe"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie x", "a Set-Cookie x"),
        ("invoice\u202efdp.exe", "invoice fdp.exe", "invoice fdp.exe"),
        ("50% off", "50 off", "50 off"),
        ("it's", "its", "it's"),
        ("...", "document", "document"),
        ("", "document", "document"),
        ("x" * 300, "x" * 80, "x" * 80),
    ],
)
def test_files_are_named_by_their_titles(title: str, plain: str, name: str) -> None:
    header = disposition(title, ".pdf", inline=False)
    match = re.fullmatch(r"attachment; filename=\"([^\"]*)\"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)", header)
    assert match is not None
    assert (match[1], unquote(match[2])) == (f"{plain}.pdf", f"{name}.pdf")
    assert disposition(title, ".pdf", inline=True).startswith("inline; ")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_title_leaves_its_header(title: str) -> None:
    header = disposition(title, ".docx", inline=False)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert not set(unquote(header.partition("UTF-8''")[2])) & set('/\\:*?"<>|\n\r\0')


def test_an_outline_as_markdown() -> None:
    result = (
        '{"outline":{"title":"Bees","language":"en","nodes":[{"id":"s1","title":"Honey","summary":"What it\\nis",'
        '"children":[{"id":"s1.1","title":"Nectar"}]},{"id":"s2","title":"Wax"}]},"usage":{},"sources":[]}'
    )
    title, text = title_and_markdown(JobKind.OUTLINE, result.encode())
    assert title == "Bees"
    assert text == "# Bees\n\n- **Honey**: What it is\n  - **Nectar**\n- **Wax**\n"
