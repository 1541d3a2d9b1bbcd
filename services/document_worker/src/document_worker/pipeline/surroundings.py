"""What a section that is written again has to fit: the text it replaces, and those on both sides of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.contracts.plan import Plan, PlannedSection
from shared.evidence.citations import without_keys
from shared.language.markdown import paragraphs
from shared.language.text import sentence_spans
from shared.llm import estimate_tokens

_MOST = 1 / 5
"""Share of the model's context that all of it may take."""
_PREVIOUS = 3 / 5
"""Share of that for the text to be replaced; the rest is for both sides alike."""
_ASKING = 500
"""Tokens of what every prompt says."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Short enough for a prompt; empty where there is none."""

    previous: str = ""
    """The text that is replaced, with its citations."""
    whole: bool = True
    """Whether that is all of it."""
    before: str = ""
    """How the section before ends."""
    after: str = ""
    """How the section after begins."""


def room_for(context_tokens: int, answer_tokens: int, shown: Iterable[str]) -> int:
    """Tokens that a prompt has left for it beside the contents and what else is ``shown``."""
    taken = answer_tokens + context_tokens // 10 + _ASKING + sum(map(estimate_tokens, shown))
    return max(0, min(round(context_tokens * _MOST), context_tokens - taken))


def surroundings_of(
    plan: Plan, section_id: str, texts: Mapping[str, str], previous: str, room_tokens: int
) -> Surroundings:
    """``texts`` are those of the other sections."""
    before, after = neighbours_of(plan, section_id)
    side = round(room_tokens * (1 - _PREVIOUS) / 2)
    shown = within(previous, round(room_tokens * _PREVIOUS))
    return Surroundings(
        previous=shown,
        whole=shown == previous.rstrip(),
        before=_ending(_block(texts, before, -1), side),
        after=within(_block(texts, after, 0), side),
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


def _ending(text: str, tokens: int) -> str:
    kept = len(text)
    for start, end in reversed(sentence_spans(text)):
        tokens -= estimate_tokens(text[start:end])
        if tokens < 0:
            break
        kept = start
    return text[kept:].lstrip()


def _block(texts: Mapping[str, str], leaf: PlannedSection | None, which: int) -> str:
    found = paragraphs(without_keys(texts.get(leaf.id, ""))) if leaf is not None else []
    return found[which] if found else ""
