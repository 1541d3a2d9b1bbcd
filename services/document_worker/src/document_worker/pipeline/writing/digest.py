"""A document short enough to be read before its introduction is written."""

from collections.abc import Mapping

from shared.contracts.plan import Plan
from shared.evidence.citations import without_keys
from shared.language.text import sentence_spans
from shared.llm import estimate_tokens


def digest_of(plan: Plan, texts: Mapping[str, str], context_tokens: int) -> str:
    """Every section with as much of its beginning as a third of the model's context bears, without citations."""
    written = [section for section in plan.leaves() if section.id in texts]
    if not written:
        return ""
    share = context_tokens // 3 // len(written)
    return "\n\n".join(f"{leaf.title}\n{_beginning(texts[leaf.id], share)}" for leaf in written)


def _beginning(text: str, tokens: int) -> str:
    """Whole sentences; of the first at least a part."""
    prose = " ".join(without_keys(text).split())
    kept = ""
    for start, end in sentence_spans(prose):
        tokens -= estimate_tokens(prose[start:end])
        if tokens < 0:
            break
        kept += prose[start:end]
    return kept.strip() or prose[: max(40, tokens)]
