"""Budgets add up; long outlines have leaves enough; an introduction and a conclusion frame what is long enough."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outline_worker.pipeline.building import Points, build
from outline_worker.pipeline.schemas import SectionDraft, SubsectionDraft
from shared.contracts.outline import apportioned
from shared.contracts.roles import frame_titles, role_of
from shared.contracts.shape import is_framed, shape_of

POINTS = Points(introduction="Why it matters.", conclusion="What follows?")
LANGUAGES = ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "zh", "zh-TW"]
CHAPTERS = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=2, max_size=12)
"""The weights of the leaves of each chapter; one leaf: the chapter itself."""


def _sections(chapters: list[list[int]]) -> list[SectionDraft]:
    number = itertools.count(1)

    def draft(weight: int) -> SubsectionDraft:
        return SubsectionDraft(title=f"Topic {next(number)}", summary="It tells.", weight=weight)

    sections = []
    for weights in chapters:
        chapter = draft(weights[0])
        parts = [draft(weight) for weight in weights] if len(weights) > 1 else []
        sections.append(SectionDraft(**chapter.model_dump(), subsections=parts))
    return sections


@given(CHAPTERS, st.integers(100, 50_000), st.sampled_from(["en", "zh", "nl"]))
def test_budgets_add_up_exactly(chapters: list[list[int]], target: int, language: str) -> None:
    outline = build("Bees", _sections(chapters), language, target, POINTS)
    leaves = outline.leaves()
    lengths = [leaf.target_words or 0 for leaf in leaves]
    assert (sum(lengths), min(lengths) >= 1) == (target, True)
    assert all(node.target_words is None for node in outline.nodes if node.children)
    if is_framed(language, target):
        assert (leaves[0].title, leaves[-1].title) == frame_titles(language)
        assert lengths[0] == max(60, round(target * 0.08))
        assert lengths[-1] == max(60, round(target * 0.07))
    else:
        assert len(leaves) == sum(map(len, chapters))


@given(st.dictionaries(st.text(max_size=3), st.floats(0.1, 1e4), max_size=60), st.integers(0, 100_000))
def test_parts_add_up_to_the_whole(weights: dict[str, float], whole: int) -> None:
    found = apportioned(weights, whole)
    assert sum(found.values()) == (max(whole, len(weights)) if weights else 0)
    assert list(found) == list(weights)
    assert min(found.values(), default=1) >= 1


def test_what_weighs_more_has_more_room() -> None:
    outline = build("Bees", _sections([[1], [2], [3]]), "en", 90 * 3, POINTS)
    assert [leaf.target_words for leaf in outline.leaves()] == [60, 90, 120]


def test_ids_are_stable_and_the_frame_has_the_first_and_the_last() -> None:
    outline = build("1. Bees", _sections([[2, 2], [2]]), "en", 1_000, POINTS)
    assert (outline.title, outline.language) == ("Bees", "en")
    assert [(leaf.id, leaf.title) for leaf in outline.leaves()] == [
        ("s1", "Introduction"), ("s2.1", "Topic 2"), ("s2.2", "Topic 3"), ("s3", "Topic 4"), ("s4", "Conclusion"),
    ]  # fmt: skip
    assert [leaf.target_words for leaf in outline.leaves()] == [80, 284, 283, 283, 70]
    assert [leaf.summary for leaf in outline.leaves()][:: len(outline.leaves()) - 1] == [
        POINTS.introduction,
        POINTS.conclusion,
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_frame_that_the_model_made_is_not_doubled(language: str) -> None:
    titles = frame_titles(language)
    assert titles is not None
    middle = _sections([[2], [2, 2]])
    own = [
        SectionDraft(title=titles[0], summary="Mine.", subsections=[SubsectionDraft(title="Scope", summary="Mine.")]),
        *middle,
        SectionDraft(title=titles[1], summary="Mine."),
    ]
    outline = build("Bees", own, language, 2_000, POINTS)
    assert [node.title for node in outline.nodes] == [titles[0], *(part.title for part in middle), titles[1]]
    assert [node.target_words for node in (outline.nodes[0], outline.nodes[-1])] == [160, 140]
    assert outline.nodes[0].children == []


def test_a_frame_around_nothing_has_all_the_words() -> None:
    sections = [SectionDraft(title=title, summary="Mine.") for title in ("Introduction", "Conclusion")]
    assert [leaf.target_words for leaf in build("Bees", sections, "en", 1_000, POINTS).leaves()] == [500, 500]


@pytest.mark.parametrize(
    ("title", "position", "role"),
    [
        ("Introduction", 0, "introduction"),
        ("introduction: why bees matter", 0, "introduction"),
        ("Introduction to bees", 0, "introduction"),
        ("Introduction to bees", 1, "body"),
        ("Introductions of species", 0, "body"),
        ("The introduction of the plough", 0, "body"),
        ("引言", 0, "introduction"),
        ("绪论：蜜蜂与人", 0, "introduction"),
        ("引言的历史", 0, "body"),
        ("Conclusion and outlook", 4, "conclusion"),
        ("Conclusion of the peace", 4, "body"),
        ("Conclusion", 0, "body"),
        ("Fazit und Ausblick", 4, "conclusion"),
        ("结论与展望", 4, "conclusion"),
        ("总结经验", 4, "body"),
        ("Bees", 0, "body"),
    ],
)
def test_roles_are_told_by_title_and_place(title: str, position: int, role: str) -> None:
    assert role_of(title, position, 5) == role


def test_no_frame_where_its_titles_are_unknown_or_the_text_is_short() -> None:
    assert frame_titles("nl") is None
    assert (is_framed("nl", 5_000), is_framed("en", 699), is_framed("en", 700)) == (False, False, True)
    assert role_of("Introduction", 0, 1) == "body"


@given(st.integers(1, 200_000), st.integers(600, 8_192), st.booleans())
def test_a_plan_fits_into_one_answer(target: int, answer_tokens: int, framed: bool) -> None:
    shape = shape_of(target, answer_tokens, framed=framed)
    assert 3 <= shape.sections <= 17
    assert shape.sections * (1 + shape.subsections) * 80 <= answer_tokens
    if target >= 3_000 and answer_tokens >= 1_440:
        assert 6 <= shape.sections <= 12
        assert 2 <= shape.subsections <= 4


@pytest.mark.parametrize("target", [8_000, 9_500, 12_000, 16_000, 20_000])
def test_the_leaves_of_long_outlines_stay_short(target: int) -> None:
    shape = shape_of(target, 8_192, framed=True)
    sections = _sections([[1, 2, 3, 2][: shape.subsections]] * shape.sections)
    body = build("Bees", sections, "en", target, POINTS).leaves()[1:-1]
    assert target * 0.85 / len(body) <= 360
    assert max(leaf.target_words or 0 for leaf in body) <= 480


def test_a_small_model_is_asked_for_a_flat_plan() -> None:
    assert shape_of(1_500, 1_365, framed=True).sections == 6
    assert shape_of(8_000, 1_365, framed=True).subsections == 0
    assert shape_of(300, 682, framed=False).sections == 3
