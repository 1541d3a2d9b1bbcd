"""From sound sections to an outline: ids, an introduction and a conclusion, budgets that add up."""

from collections.abc import Sequence
from dataclasses import dataclass

from outline_worker.pipeline.schemas import SectionDraft, SubsectionDraft
from outline_worker.pipeline.titles import clean_title
from shared.contracts.outline import Outline, OutlineNode, apportioned
from shared.contracts.plan import SectionRole
from shared.contracts.roles import frame_titles, role_of
from shared.contracts.shape import CONCLUSION_SHARE, FRAMED_FROM_WORDS, INTRODUCTION_SHARE

_SHARES: dict[SectionRole, float] = {"introduction": INTRODUCTION_SHARE, "conclusion": CONCLUSION_SHARE}
_SHORTEST_FRAME_WORDS = 60


@dataclass(frozen=True, slots=True)
class Points:
    """What an added introduction and an added conclusion are to say."""

    introduction: str
    conclusion: str


def build(title: str, sections: Sequence[SectionDraft], language: str, target_words: int, points: Points) -> Outline:
    """The outline with ids, and with budgets that add up to the target exactly (at least 1 a leaf)."""
    if target_words >= FRAMED_FROM_WORDS:
        sections = framed(sections, language, points)
    outline = Outline(
        title=clean_title(title) or sections[0].title, language=language, nodes=[_node(part) for part in sections]
    ).with_ids()
    weights = [float(1 + leaf.weight) for part in sections for leaf in part.subsections or [part]]
    lengths = budgets(outline, weights, target_words)
    return outline.model_copy(update={"nodes": [_with_budgets(node, lengths) for node in outline.nodes]})


def framed(sections: Sequence[SectionDraft], language: str, points: Points) -> list[SectionDraft]:
    """With a first leaf that introduces and a last one that concludes, where the model planned none of its own."""
    roles = [role_of(part.title, position, len(sections)) for position, part in enumerate(sections)]
    planned = [
        part if role == "body" else part.model_copy(update={"subsections": []})
        for part, role in zip(sections, roles, strict=True)
    ]
    titles = frame_titles(language)
    if titles is None:
        return planned
    if "introduction" not in roles:
        planned.insert(0, SectionDraft(title=titles[0], summary=points.introduction))
    if "conclusion" not in roles:
        planned.append(SectionDraft(title=titles[1], summary=points.conclusion))
    return planned


def budgets(outline: Outline, weights: Sequence[float], target_words: int) -> dict[str, int]:
    """Words for each leaf, by id. An introduction and a conclusion have their share of a target long enough."""
    count = len(outline.nodes)
    lengths: dict[str, int] = {}
    if target_words >= FRAMED_FROM_WORDS:
        for position, node in enumerate(outline.nodes):
            share = _SHARES.get(role_of(node.title, position, count))
            if share and not node.children:
                lengths[node.id or ""] = max(_SHORTEST_FRAME_WORDS, round(share * target_words))
    weighed = {leaf.id or "": weight for leaf, weight in zip(outline.leaves(), weights, strict=True)}
    body = {name: weight for name, weight in weighed.items() if name not in lengths}
    if not body:
        return apportioned(weighed, target_words)
    return lengths | apportioned(body, target_words - sum(lengths.values()))


def _node(part: SectionDraft) -> OutlineNode:
    return OutlineNode(
        title=part.title, summary=part.summary.strip(), children=[_leaf(child) for child in part.subsections]
    )


def _leaf(part: SubsectionDraft) -> OutlineNode:
    return OutlineNode(title=part.title, summary=part.summary.strip())


def _with_budgets(node: OutlineNode, lengths: dict[str, int]) -> OutlineNode:
    children = [_with_budgets(child, lengths) for child in node.children]
    return node.model_copy(update={"children": children, "target_words": lengths.get(node.id or "")})
