"""No thinking reaches the answer, however the text is cut into pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.thinking import ThinkFilter


def visible(pieces: list[str]) -> str:
    filtered, shown = ThinkFilter(), ""
    for piece in pieces:
        text, retracted = filtered.feed(piece)
        shown = text if retracted else shown + text
    return shown + filtered.finish().text


@st.composite
def chunked(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, list[str]]:
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    edges = [0, *cuts, len(text)]
    return text, [text[a:b] for a, b in pairwise(edges)]


taglike = st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "<", "/", "`", " ", "\n", "word", "思考"]))
plain = st.text(alphabet=st.characters(exclude_characters="<`"), min_size=1)


@given(chunked(taglike.map("".join)))
def test_chunking_changes_nothing(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    assert visible(pieces) == visible([text])


@given(st.lists(st.tuples(plain, plain), max_size=5), plain, st.data())
def test_blocks_are_dropped_and_all_else_stays(blocks: list[tuple[str, str]], ending: str, data: st.DataObject) -> None:
    text = "".join(f"x{before}<think>{thought}</think>" for before, thought in blocks) + ending
    _, pieces = data.draw(chunked(st.just(text)))
    assert visible(pieces) == "".join(f"x{before}" for before, _ in blocks) + ending


@given(chunked(plain))
def test_text_without_tags_is_untouched(case: tuple[str, list[str]]) -> None:
    text, pieces = case
    assert visible(pieces) == text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>secret</think>\n\nHello", "Hello"),
        ("<think>secret</think>", ""),
        ("<think>never closed", ""),
        ("secret, the template opened it</think>\nHello", "Hello"),
        ("Hello <think>secret</think>world", "Hello world"),
        ("a < b <thin", "a < b <thin"),
        ("The tags `<think>` and `</think>` mark it.", "The tags `<think>` and `</think>` mark it."),
        ("<think>a</think>b</think>c", "bc"),
    ],
)
def test_cases(text: str, answer: str) -> None:
    assert visible(list(text)) == answer
