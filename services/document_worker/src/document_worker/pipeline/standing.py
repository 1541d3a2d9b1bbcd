"""What a section that is written again has to fit: the text it replaces, and those on both sides of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from document_worker.pipeline.length import blocks
from shared.contracts.plan import Plan, PlannedSection
from shared.llm import estimate_tokens
from shared.retrieval.citations import without_keys
from shared.retrieval.text import sentence_spans

_LONGEST_NEIGHBOUR = 600
_PREVIOUS = 1 / 8
"""Share of the model's context that the text to be replaced may take."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Short enough for a prompt; empty where there is none."""

    previous: str = ""
    """The text that is replaced, with its citations."""
    before: str = ""
    """How the section before ends."""
    after: str = ""
    """How the section after begins."""


def standing_of(plan: Plan, section_id: str, texts: Mapping[str, str], previous: str, context_tokens: int) -> Standing:
    """``texts`` are those of the other sections."""
    before, after = neighbours_of(plan, section_id)
    return Standing(
        within(previous, round(context_tokens * _PREVIOUS)),
        _block(texts, before, -1)[-_LONGEST_NEIGHBOUR:],
        _block(texts, after, 0)[:_LONGEST_NEIGHBOUR],
    )


def neighbours_of(plan: Plan, section_id: str) -> tuple[PlannedSection | None, PlannedSection | None]:
    """The leaves before and after a leaf, in reading order."""
    leaves = plan.leaves()
    position = next(number for number, leaf in enumerate(leaves) if leaf.id == section_id)
    return leaves[position - 1] if position else None, leaves[position + 1] if position + 1 < len(leaves) else None


def within(text: str, tokens: int) -> str:
    """The text from its beginning, as many whole sentences as the tokens bear."""
    kept = 0
    for start, end in sentence_spans(text):
        tokens -= estimate_tokens(text[start:end])
        if tokens < 0:
            break
        kept = end
    return text[:kept].rstrip()


def _block(texts: Mapping[str, str], leaf: PlannedSection | None, which: int) -> str:
    found = blocks(without_keys(texts.get(leaf.id, ""))) if leaf is not None else []
    return found[which] if found else ""
