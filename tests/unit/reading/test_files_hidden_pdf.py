"""Text that the pages of a PDF hold but do not show is left out, and the outcome says so."""

import pytest

from tests.support.made_files import drawn_pdf, pdf
from tests.unit.reading.test_files_hidden import check, read


@pytest.mark.parametrize(
    "hidden",
    [
        "3 Tr 0 -20 Td (SECRET) Tj",
        "1 g 0 -20 Td (SECRET) Tj",
        "0.99 0.99 0.98 rg 0 -20 Td (SECRET) Tj",
        "0 0 0 0 k 0 -20 Td (SECRET) Tj",
        "/F 0.2 Tf 0 -20 Td (SECRET) Tj",
        "0.01 0 0 0.01 50 200 Tm (SECRET) Tj",
        "1000 0 Td (SECRET) Tj",
        "0 -900 Td (SECRET) Tj",
        "1 Tr 1 G 0 -20 Td (SECRET) Tj",
        "7 Tr 0 -20 Td (SECRET) Tj",
        "0 -100 Td (SECRET) Tj ET 0 g 0 150 400 100 re f BT",
        "ET 0 0 1 rg 0 150 400 100 re f BT /F 12 Tf 50 200 Td (SECRET) Tj",
    ],
)
def test_text_that_a_page_of_a_pdf_does_not_show(hidden: str) -> None:
    check(read("a.pdf", drawn_pdf(f"BT /F 12 Tf 50 300 Td (Seen) Tj {hidden} ET", "BT /F 9 Tf 9 9 Td (Two) Tj ET")))


@pytest.mark.parametrize(
    "shown",
    [
        "0 0 1 rg 0 250 400 100 re f BT 1 g /F 12 Tf 50 300 Td (Seen) Tj ET",
        "BT /F 1 Tf 12 0 0 12 50 300 Tm (Seen) Tj ET",
        "BT /F 12 Tf 1 Tr 1 g 50 300 Td (Seen) Tj ET",
        "0.1 0 0 0.1 0 0 cm BT /F 120 Tf 500 3000 Td (Seen) Tj ET",
        "1 g 0 0 400 400 re f 0 g BT /F 12 Tf 50 300 Td (Seen) Tj ET",
        "BT 0 1 -1 0 200 200 Tm /F 12 Tf (Seen) Tj ET",
    ],
)
def test_text_that_a_page_of_a_pdf_shows(shown: str) -> None:
    check(read("a.pdf", drawn_pdf(shown)), ())


def test_forms_in_a_pdf_are_placed_before_they_are_judged() -> None:
    text = "BT /F 12 Tf 50 300 Td (Seen) Tj 0 -20 Td 3 Tr (SECRET) Tj ET"
    check(read("a.pdf", drawn_pdf("/X Do", form=text)))
    check(
        read("a.pdf", drawn_pdf("0.1 0 0 0.1 0 0 cm /X Do", form=text.replace("/F 12 Tf 50 300", "/F 120 Tf 500 3000")))
    )

    beside = drawn_pdf(
        "BT /F 12 Tf 50 300 Td (Seen) Tj ET 1 0 0 1 900 0 cm /X Do", form="BT /F 12 Tf 9 9 Td (SECRET) Tj ET"
    )
    check(read("a.pdf", beside))
    tiny = drawn_pdf("BT /F 12 Tf 50 300 Td (Seen) Tj ET 0.01 0 0 0.01 9 9 cm /X Do", form="BT /F 12 Tf (SECRET) Tj ET")
    check(read("a.pdf", tiny))


def test_a_pdf_as_a_typesetter_hides_text_in_it() -> None:
    source = (
        "#set page(width: 300pt, height: 300pt)\nSeen 看见\n\n#text(fill: white)[SECRET 指令]\n\n"
        "#text(size: 0.1pt)[SECRET]\n"
        "#place(dx: 900pt)[SECRET]\n#text(fill: rgb(0, 0, 0, 0))[SECRET]\n#hide[SECRET]\n"
        "#block(fill: navy, inset: 8pt)[#text(fill: white)[Seen too]]"
    )
    file = read("a.pdf", pdf(source))
    check(file)
    assert file.text == "Seen 看见\n\nSeen too"
