import pytest
from hypothesis import given, settings

from deploy.local.outline_text import OutlineTextError, as_shown, parse, render
from shared.contracts.outline import Outline, OutlineNode
from tests.unit.local.outlines import outlines

BEES = Outline(
    title="Bees",
    language="en",
    nodes=[
        OutlineNode(id="s1", title="Colonies", children=[OutlineNode(id="s1.1", title="The queen", target_words=120)]),
        OutlineNode(id="s2", title="Honey", summary="How it is made.\nWho eats it.", target_words=250),
    ],
)
TEXT = """\
# Bees

- [s1] Colonies
  - [s1.1] The queen (120 words)
- [s2] Honey (250 words)
  > How it is made.
  > Who eats it.
"""


def changed(old: str, new: str) -> Outline:
    assert old in TEXT
    return parse(TEXT.replace(old, new), BEES)


def lengths(outline: Outline) -> dict[str, int | None]:
    return {leaf.title: leaf.target_words for leaf in outline.leaves()}


def test_the_text_reads_like_a_list_below_its_explanation() -> None:
    explanation, _, rest = render(BEES).partition("-->\n")
    assert rest.lstrip() == TEXT
    assert explanation.startswith("<!--\n")


@settings(deadline=None)
@given(outlines())
def test_what_is_shown_is_read_back(outline: Outline) -> None:
    assert parse(render(outline), outline) == as_shown(outline)


def test_a_chinese_outline_counts_characters() -> None:
    chinese = Outline(title="蜂", language="zh", nodes=[OutlineNode(id="s1", title="蜂群", target_words=300)])
    text = render(chinese)
    assert "- [s1] 蜂群 (300 字)\n" in text
    edited = parse(text.replace("(300 字)", "（1,200字）"), chinese)
    assert edited.nodes[0].target_words == 1200
    assert edited.nodes[0].title == "蜂群"


def test_a_line_without_an_id_is_new() -> None:
    after = changed("- [s2]", "  * Drones (80 words)\n    > They don't work.\n- [s2]")
    assert after.nodes[0].children[1] == OutlineNode(title="Drones", target_words=80, summary="They don't work.")


def test_depth_is_indentation_whatever_its_width() -> None:
    text = "# Bees\n- [s2] Honey\n\t- [s1] Colonies\n\t     - [s1.1] The queen\n\t- Wax\n"
    honey = parse(text.replace("\n", "\r\n"), BEES).nodes[0]
    assert [child.title for child in honey.children] == ["Colonies", "Wax"]
    assert honey.children[0].children[0].id == "s1.1"


def test_a_length_above_is_shared_out_below() -> None:
    after = changed("- [s1] Colonies\n", "- [s1] Colonies (301 words)\n  - Workers\n  - Drones\n")
    assert lengths(after) == {"Workers": 91, "Drones": 90, "The queen": 120, "Honey": 250}
    assert after.nodes[0].target_words is None


def test_a_length_above_that_is_the_sum_below_is_fine() -> None:
    assert changed("Colonies\n", "Colonies (120 words)\n") == parse(TEXT, BEES)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# Bees\n", "", 'Line 2: the title of the outline comes first, as in "# Title".'),
        ("- [s2] Honey", "  > Too\n[s2] Honey", "Line 6: neither a section"),
        ("# Bees\n", "# Bees\n> Buzz\n", "Line 2: there is no section above"),
        ("[s2]", "[s9]", "Line 5: there was no section [s9]; a new one has no [id]."),
        ("[s2]", "[s2", "Line 5: a new section has no [id], and its title can't begin with a bracket."),
        ("[s2]", "[s1]", "Line 5: [s1] stands in line 3 already."),
        ("Honey", "", "Line 5: a section needs a title."),
        ("- [s2]", "    - Deep\n   - [s2]", "Line 6: stands as far in as no section above it; line 5 is of its level."),
        ("250", "some 250", 'Line 5: "some 250" is no length; for a title that ends so, write "(? words)" after it.'),
        ("250", "0", "Line 5: target_words: Input should be greater than or equal to 1."),
        ("Honey", "H" * 301, "Line 5: title: String should have at most 300 characters."),
        ("Colonies\n", "Colonies (100 words)\n", "Line 3: the lengths of its subsections do not add up to this one"),
        ("Colonies\n", "Colonies (120 words)\n  - Drones\n", "Line 3: the lengths of its subsections do not"),
        ("# Bees", "# " + "B" * 301, "title: String should have at most 300 characters"),
    ],
)
def test_what_is_not_an_outline_is_told_with_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(OutlineTextError) as caught:
        changed(old, new)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("text", "message"), [("\n", "The file is empty."), ("# Bees\n", "No section is left.")])
def test_an_outline_has_a_title_and_a_section(text: str, message: str) -> None:
    with pytest.raises(OutlineTextError, match=message):
        parse(text, BEES)


def test_seven_levels_are_too_many() -> None:
    lines = [f"{'  ' * level}- Level {level}" for level in range(7)]
    with pytest.raises(OutlineTextError, match="Line 8: an outline has at most 6 levels"):
        parse("\n".join(["# Bees", *lines]), BEES)
