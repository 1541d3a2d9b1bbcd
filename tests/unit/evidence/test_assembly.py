"""A document from the texts that are there: no heading over nothing, numbers and list as if the rest never was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.document import Source
from shared.contracts.errors import PermanentError
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.plan import Plan, PlannedSection
from shared.evidence import Ledger, Passage
from shared.evidence.assembly import Assembled, assemble, plain, to_document
from shared.evidence.citations import leaked_keys, length_of, numbers_in

LEDGER = Ledger(
    sources=[Source(id=f"file-{n}", name=f"{n}.txt", media_type="text/plain") for n in (1, 2, 3)],
    passages=[Passage(key=f"S{str(n) * 6}", source_id=f"file-{n}", offset=0, text="Bees hum.") for n in (1, 2, 3)],
    unreadable=[],
)
TEXTS = {
    "s1": "Honey first [@S333333].",
    "s2.1": "Queens rule [@S111111].",
    "s2.2.1": "Drones idle [@S222222].",
    "s2.2.2": "Workers toil [@S111111] [@S333333].",
    "s3": "It ends.",
}
"""Leaves of ``_plan``: s1 stands alone, s2 holds s2.1 and s2.2, which holds two more."""


def _node(title: str, *children: OutlineNode) -> OutlineNode:
    return OutlineNode(title=title, children=list(children))


def _planned(outline: Outline) -> Plan:
    sections = [
        PlannedSection(
            id=node.id or "", title=node.title, level=level, summary="", leaf=not node.children, target_words=5,
            evidence=[],
        )
        for node, level in outline.with_ids().walk()
    ]  # fmt: skip
    return Plan(title=outline.title, language="en", task_prompt="", sections=sections)


def _plan() -> Plan:
    castes = _node("Castes", _node("Queens"), _node("Others", _node("Drones"), _node("Workers")))
    return _planned(Outline(title="Bees", nodes=[_node("Honey"), castes, _node("End")]))


def _without(*missing: str) -> tuple[Assembled, str]:
    """The document without some texts, before and after its list."""
    texts = {name: text for name, text in TEXTS.items() if name not in missing}
    assembled = assemble(_plan(), texts, LEDGER)
    words = {name: length_of(text) for name, text in texts.items()}
    document = to_document(_plan(), LEDGER, assembled, words)
    assert document.words == sum(words.values())
    assert {section.id: section.words for section in document.sections if section.words} == words
    assert [section.title for section in document.sections] == _headings(assembled.body)[1:]
    assert not leaked_keys(document.markdown)
    return assembled, document.markdown


def _headings(markdown: str) -> list[str]:
    return [line.lstrip("# ") for line in markdown.splitlines() if line.startswith("#")]


def test_all_sections_under_their_headings() -> None:
    assembled, markdown = _without()
    assert assembled.missing == []
    assert assembled.source_ids == ["file-3", "file-1", "file-2"]
    assert markdown == (
        "# Bees\n\n## Honey\n\nHoney first [1].\n\n## Castes\n\n### Queens\n\nQueens rule [2].\n\n### Others\n\n"
        "#### Drones\n\nDrones idle [3].\n\n#### Workers\n\nWorkers toil [2][1].\n\n## End\n\nIt ends.\n\n"
        "## References\n\n\\[1\\] 3.txt\n\n\\[2\\] 1.txt\n\n\\[3\\] 2.txt\n"
    )


@pytest.mark.parametrize(
    ("missing", "headings"),
    [
        (["s1"], ["Bees", "Castes", "Queens", "Others", "Drones", "Workers", "End"]),
        (["s3"], ["Bees", "Honey", "Castes", "Queens", "Others", "Drones", "Workers"]),
        (["s2.1"], ["Bees", "Honey", "Castes", "Others", "Drones", "Workers", "End"]),
        (["s2.2.1", "s2.2.2"], ["Bees", "Honey", "Castes", "Queens", "End"]),
        (["s2.1", "s2.2.1", "s2.2.2"], ["Bees", "Honey", "End"]),
        (["s1", "s2.1", "s2.2.1", "s3"], ["Bees", "Castes", "Others", "Workers"]),
        (["s2.2.1", "s2.2.2", "s3"], ["Bees", "Honey", "Castes", "Queens"]),
        (list(TEXTS), ["Bees"]),
    ],
)
def test_what_is_missing_leaves_no_heading(missing: list[str], headings: list[str]) -> None:
    assembled, _ = _without(*missing)
    assert assembled.missing == missing
    assert _headings(assembled.body) == headings


def test_numbers_and_list_are_of_what_is_there() -> None:
    assembled, markdown = _without("s1", "s2.2.1")
    assert assembled.source_ids == ["file-1", "file-3"]
    assert "Queens rule [1]." in markdown
    assert "Workers toil [1][2]." in markdown
    assert "2.txt" not in markdown
    assert markdown.endswith("## References\n\n\\[1\\] 1.txt\n\n\\[2\\] 3.txt\n")


def test_nothing_cited_means_no_list() -> None:
    _, markdown = _without("s1", "s2.1", "s2.2.1", "s2.2.2")
    assert markdown == "# Bees\n\n## End\n\nIt ends.\n"


def test_a_chapter_with_nothing_before_one_that_goes_deeper() -> None:
    nodes = [_node("Empty", _node("Gone")), _node("Full", _node("There"))]
    assembled = assemble(_planned(Outline(title="Bees", nodes=nodes)), {"s2.1": "It is."}, LEDGER)
    assert _headings(assembled.body) == ["Bees", "Full", "There"]


def test_texts_of_other_plans_are_passed_over() -> None:
    assert "Stray" not in assemble(_plan(), {**TEXTS, "s9": "Stray."}, LEDGER).body


def test_a_key_that_the_ledger_does_not_hold_is_no_document() -> None:
    assembled = assemble(_plan(), {"s1": "Honey [@Sffffff]."}, LEDGER)
    with pytest.raises(PermanentError) as raised:
        to_document(_plan(), LEDGER, assembled, {"s1": 1})
    assert raised.value.code == "citation_integrity"


def test_the_list_is_named_in_the_language_of_the_document() -> None:
    plan = _plan().model_copy(update={"language": "zh"})
    document = to_document(plan, LEDGER, assemble(plan, TEXTS, LEDGER), {})
    assert "\n## 参考文献\n" in document.markdown


def test_titles_show_nothing_but_themselves() -> None:
    assert plain("Arrays [0]\nexplained in `C`") == r"Arrays \[0\] explained in \`C\`"


def _inner(children: list[OutlineNode]) -> OutlineNode:
    return _node("Inner", *children)


_TREES = st.recursive(
    st.just(_node("Leaf")), lambda inner: st.lists(inner, min_size=1, max_size=3).map(_inner), max_leaves=12
)


@given(st.lists(_TREES, min_size=1, max_size=3), st.data())
def test_headings_are_the_written_leaves_and_what_is_above_them(nodes: list[OutlineNode], data: st.DataObject) -> None:
    plan = _planned(Outline.model_construct(title="Bees", language="en", nodes=nodes))
    written = data.draw(st.sets(st.sampled_from([leaf.id for leaf in plan.leaves()])))
    texts = {name: f"Text [@S{'123'[len(name) % 3] * 6}]." for name in written}
    assembled = assemble(plan, texts, LEDGER)
    document = to_document(plan, LEDGER, assembled, dict.fromkeys(texts, 1))
    above = [each.id for each in plan.sections if any(f"{name}.".startswith(f"{each.id}.") for name in written)]
    assert [section.id for section in document.sections] == above
    assert numbers_in(assembled.body) == set(range(1, len(assembled.source_ids) + 1))
