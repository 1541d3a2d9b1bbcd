"""Outlines as people and models write them, for property tests."""

from hypothesis import strategies as st

from shared.contracts.outline import MAX_DEPTH, Outline, OutlineNode

ODDITIES = [
    "Bees",
    "[s1] Bees",
    "(250 words)",
    "Bees (5 words)",
    "蜂（3 字）",
    "# a",
    "- b",
    "> c",
    "<!-- d",
    "e\tf\ng",
]
TITLES = (st.sampled_from(ODDITIES) | st.text(min_size=1, max_size=12)).filter(lambda text: bool(text.strip()))
SUMMARIES = st.sampled_from(["", "What bees do.", "One\n\n- two\n> three", " \n x \r\n"]) | st.text(max_size=12)


@st.composite
def outlines(draw: st.DrawFn, titles: st.SearchStrategy[str] = TITLES) -> Outline:
    """With ids, and lengths for leaves only."""
    parents: list[list[OutlineNode]] = [[]]
    levels = [1]
    for _ in range(draw(st.integers(1, 10))):
        place = draw(st.integers(0, len(parents) - 1))
        node = OutlineNode(
            title=draw(titles),
            summary=draw(SUMMARIES),
            target_words=draw(st.none() | st.integers(1, 5000)),
            children=[],
        )
        parents[place].append(node)
        if levels[place] < MAX_DEPTH:
            parents.append(node.children)
            levels.append(levels[place] + 1)
    outline = Outline(title=draw(titles), language=draw(st.sampled_from(["en", "zh-CN", None])), nodes=parents[0])
    return outline.with_ids().model_copy(update={"nodes": [_leaves_alone(node) for node in outline.with_ids().nodes]})


def _leaves_alone(node: OutlineNode) -> OutlineNode:
    words = None if node.children else node.target_words
    return node.model_copy(update={"target_words": words, "children": [_leaves_alone(c) for c in node.children]})
