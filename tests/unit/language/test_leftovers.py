"""Pieces of the instructions go; whatever could be somebody's text stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from document_worker.pipeline.prompts.instructions import instructions
from outline_worker.pipeline import prompts
from shared.language.leftovers import Told, is_in_another_script, is_leftover, without_leftovers

BEES = "Write an introduction to honeybees for curious readers."
PLANNER = Told("en", prompts.instructions("en"), (BEES,))
WRITER = Told("en", instructions("en"), (BEES,))


def _asked(prompt: str) -> Told:
    return Told("en", instructions("en"), (prompt,))


@pytest.mark.parametrize(
    "title",
    [
        "Mend These Flaws",
        "mend these faults:",
        "Improve this plan.",
        "{'type'",
        '[{"title": "Bees',
        "{ 'sections",
        "<>",
        "---",
        "A short title that names its subject",
        "Cover what the material holds, and drop it",
    ],
)
def test_a_title_that_is_left_from_the_prompt_is_known(title: str) -> None:
    assert is_leftover(title, PLANNER)


@pytest.mark.parametrize(
    "title",
    [
        "The Hive",
        "Fix These Mistakes",
        "Revise the Draft",
        "Improve your plan",
        "Mending nets",
        "In a Few Words",
        "Who will read it",
        "What it is for",
        "Questions to answer",
        "An Introduction and a Warning",
        "JSON and its types",
        "{curly} braces in templates",
        "type: the first key",
        "<div> and <span>",
        "C++",
        "1984",
        "蜂巢",
        "Пчёлы",
        "Die Königin",
    ],
)
def test_what_may_be_a_title_stays(title: str) -> None:
    assert not is_leftover(title, PLANNER)


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Explain the prompt: a short title that names its subject", "A short title that names its subject"),
        ("""What does {"type": "object"} mean?""", '{"type": "object"}'),
    ],
)
def test_what_the_request_says_may_be_a_title(prompt: str, title: str) -> None:
    assert is_leftover(title, PLANNER)
    assert not is_leftover(title, Told("en", prompts.instructions("en"), (prompt,)))


@pytest.mark.parametrize(
    ("title", "language", "prompt", "strange"),
    [
        ("蜂群的生活", "en", BEES, True),
        ("Жизнь улья", "en-GB", BEES, True),
        ("حياة النحل", "de", BEES, True),
        ("꿀벌", "zh", "写一篇关于蜜蜂的文章", True),
        ("蜂群的生活", "en", "Explain the poem 蜂 by Luo Yin.", False),
        ("道 (Dao): the way", "en", "Explain Chinese philosophy.", False),
        ("Bees", "zh", "写一篇关于蜜蜂的文章", False),
        ("蜂群", "ja", "ミツバチについて書いてください", False),
        ("ミツバチ", "ja", "ミツバチについて書いてください", False),
        ("Бджоли", "uk", "Напиши про бджіл", False),
        ("1984", "en", BEES, False),
        ("π", "en", BEES, False),
    ],
)
def test_a_title_in_another_script_is_strange_where_nobody_uses_it(
    title: str, language: str, prompt: str, strange: bool
) -> None:
    assert is_in_another_script(title, Told(language, "", (prompt,))) is strange


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<>\n\nBees hum.", "Bees hum."),
        ("<> Bees hum.", "Bees hum."),
        ("<<The Life of Bees>>\n\nBees hum.", "Bees hum."),
        ("Bees hum.\n\n<>\n\nThey fly.", "Bees hum.\n\nThey fly."),
        ("Bees hum.\n\nLength: 169 words.\n\nThey fly.", "Bees hum.\n\nThey fly."),
        ("蜜蜂嗡嗡作响。\n\nLength: 300 字.", "蜜蜂嗡嗡作响。"),
        ("The text before it ends so:\nBees hum.", "Bees hum."),
        ("What the reader asked for: an introduction to honeybees\n\nBees hum.", "Bees hum."),
        ("Write the section marked with an arrow: The hive\n\nBees hum.", "Bees hum."),
        ("Keep to the subject of the section; the others have their own writers. Bees hum.", "Bees hum."),
    ],
)
def test_what_is_left_from_the_prompt_goes_and_is_counted(text: str, left: str) -> None:
    assert without_leftovers(text, WRITER) == (left, 1)


PROSE = [
    "In a few words: bees hum. Nothing else is said about them here.",
    "The draft: it came with the cold, and it left with it.",
    "Contents:\n\n- Bees\n- Honey",
    "Length: 12 mm. The wings are longer.",
    "Length: 300 words is what a school essay has.",
    "Write flowing paragraphs of whole sentences, says the guide for students.",
    "Numbers and quotations are checked against the source.",
    "`<>` compares two values in Pascal.",
    "The operator <> compares two values, and a <> b is read “a differs from b”.",
    "The class carries the stereotype <<interface>> in the diagram.",
    "```\n<>\n<<include>>\nLength: 5 words.\n```",
    "~~~html\n<>\n~~~",
    "    <>\n    <p>Bees</p>",
    'A request such as {"type": "object"} is JSON.',
    "<> 3 is the test for “not three”.",
    "System: the prompt comes first. Assistant: the answer follows.",
    "Prompts give orders: “Mend these faults.” Models repeat them.",
    "孔子说：学而时习之，不亦说乎？",
    "Confucius opens with a question.\n\n学而时习之，不亦说乎？\n\nIt is about learning.",
]


@pytest.mark.parametrize("text", PROSE)
def test_prose_stays(text: str) -> None:
    assert without_leftovers(text, WRITER) == (text, 0)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Explain React fragments such as <> and </>.", "<>\n\nThis mark opens a fragment."),
        ("What does <<include>> mean in UML?", "<<include>> The mark stands at an arrow."),
        (
            "Discuss this prompt: Keep to the subject of the section; the others have their own writers.",
            "Keep to the subject of the section; the others have their own writers. So it begins.",
        ),
        ("Reports have “What the reader asked for:” at their head. Write one.", "What the reader asked for: bees."),
    ],
)
def test_what_the_request_says_may_be_said(prompt: str, text: str) -> None:
    assert without_leftovers(text, WRITER)[1] == 1
    assert without_leftovers(text, _asked(prompt)) == (text, 0)


@given(st.text(alphabet="ab <>\n.`:", max_size=60))
def test_nothing_is_added(text: str) -> None:
    left, count = without_leftovers(text, WRITER)
    assert (left == text) or count
    assert len(left) <= len(text)
    assert without_leftovers(left, WRITER)[1] == 0 or count


def test_lines_are_removed_once_and_for_all() -> None:
    """The text of a section is cleaned again with each text that is added to it."""
    left, count = without_leftovers("<>\n\n<>\n\nBees hum.\n\n<>\n\n<>", WRITER)
    assert (left, count) == ("Bees hum.", 4)
