from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.local.outline_changes import operations
from deploy.local.outline_text import as_shown, parse, render
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.outline_edits import OutlinePatch, apply
from tests.unit.local.outlines import outlines

PLAIN = st.text("abc", min_size=1, max_size=3)
PLAIN_OUTLINES = outlines(PLAIN).map(as_shown)


def renamed(node: OutlineNode, names: dict[str, str | None]) -> OutlineNode:
    children = [renamed(child, names) for child in node.children]
    return node.model_copy(update={"id": names[str(node.id)], "children": children})


@st.composite
def edits(draw: st.DrawFn) -> tuple[Outline, Outline]:
    """Two outlines of which some nodes are the same by id, anywhere in either."""
    before, other = draw(PLAIN_OUTLINES), draw(PLAIN_OUTLINES)
    ids = draw(st.permutations([str(node.id) for node, _ in before.walk()]))
    others = [str(node.id) for node, _ in other.walk()]
    kept = draw(st.integers(0, min(len(ids), len(others))))
    names: dict[str, str | None] = dict.fromkeys(others)
    names.update(zip(draw(st.permutations(others)), ids[:kept], strict=False))
    nodes = [renamed(node, names) for node in other.nodes]
    return before, other.model_copy(update={"language": before.language, "nodes": nodes})


@st.composite
def shuffles(draw: st.DrawFn) -> tuple[Outline, Outline]:
    """An outline, and the same with the sections of each family in another order, some of them gone."""
    before = draw(PLAIN_OUTLINES)

    def shuffled(nodes: list[OutlineNode], least: int) -> list[OutlineNode]:
        order = draw(st.permutations(nodes))[: draw(st.integers(min(least, len(nodes)), len(nodes)))]
        return [node.model_copy(update={"children": shuffled(node.children, 0)}) for node in order]

    return before, before.model_copy(update={"nodes": shuffled(before.nodes, 1)})


def without_new_ids(outline: Outline, known: set[str | None]) -> Outline:
    names = {str(node.id): node.id if node.id in known else None for node, _ in outline.walk()}
    return outline.model_copy(update={"nodes": [renamed(node, names) for node in outline.nodes]})


@settings(deadline=None)
@given(edits() | shuffles())
def test_the_operations_lead_to_what_was_written(edit: tuple[Outline, Outline]) -> None:
    before, after = edit
    known = {node.id for node, _ in before.walk()}
    found = operations(before, after, 2)
    assert without_new_ids(apply(before, found, 2), known) == after


@settings(deadline=None)
@given(outlines())
def test_an_unchanged_text_changes_nothing(outline: Outline) -> None:
    assert operations(outline, parse(render(outline), outline), 2) == []


def test_a_changed_line_is_one_operation() -> None:
    nodes = [OutlineNode(id=f"s{number}", title=f"Part {number}", target_words=100) for number in range(1, 5)]
    before = Outline(title="Bees", nodes=nodes)
    text = render(before)

    def found(edited: str) -> list[dict[str, object]]:
        made = operations(before, parse(edited, before), 2)
        return OutlinePatch(operations=made).model_dump(exclude_defaults=True)["operations"] if made else []

    assert found(text.replace("# Bees", "# Wasps")) == [{"op": "rename", "id": None, "title": "Wasps"}]
    assert found(text.replace("Part 3 (100", "Part 3 (70")) == [{"op": "set_budget", "id": "s3", "target_words": 70}]
    line = "- [s1] Part 1 (100 words)\n"
    assert found(text.replace(line, "") + line) == [{"op": "move", "id": "s1", "parent": None, "index": 3}]
    assert found(text.replace(line, "")) == [{"op": "remove", "id": "s1"}]
    assert found(text.replace(line, line + "- Drones\n")) == [
        {"op": "add", "node": {"id": "n2-1", "title": "Drones"}, "parent": None, "index": 1}
    ]


def test_a_section_that_is_split_hands_its_length_down() -> None:
    before = Outline(title="Bees", nodes=[OutlineNode(id="s1", title="Bees", target_words=101)])
    after = parse(render(before) + "  - Drones\n  - Queens\n", before)
    result = apply(before, operations(before, after, 2), 2)
    assert [(leaf.title, leaf.target_words) for leaf in result.leaves()] == [("Drones", 51), ("Queens", 50)]
