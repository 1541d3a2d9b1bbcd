"""From a draft to an outline that keeps its promises: no doubles, the right language, budgets that add up."""

import re

from langgraph.runtime import Runtime

from outline_worker.pipeline.routing import MAX_REPAIRS
from outline_worker.pipeline.schemas import OutlineDraft, SectionDraft
from outline_worker.pipeline.state import LEDGER, RESULT, OutlineContext, OutlineState
from shared.contracts.document import OutlineQuality, OutlineResult
from shared.contracts.errors import PermanentError
from shared.contracts.outline import Outline, OutlineNode
from shared.retrieval import Ledger
from shared.retrieval.text import detect_language, is_han, language_name

_NUMBERING = re.compile(
    r"^\s*(?:(?:section|chapter|part)\s+(?:\d{1,2}|[IVX]+)\s*[.:)–-]\s*"
    r"|\d{1,2}(?:\.\d{1,2})*\s*[.)、]\s*"
    r"|(?:II|III|IV|VI{1,3}|IX|XI{0,3})\.\s+"
    r"|第[一二三四五六七八九十\d]+[章节][\s：:、]+)",
    re.IGNORECASE,
)
"""Only what is surely a number of the outline: ``2008: the crisis`` and ``V. S. Naipaul`` are titles."""
_NAMELESS = re.compile(r"^(?:section|chapter|part)\s*\d*$", re.IGNORECASE)
_FEWEST_SECTIONS = 2


async def validate(state: OutlineState, runtime: Runtime[OutlineContext]) -> OutlineState:
    """Check the draft; store the outline, or name the faults for one repair."""
    context = runtime.context
    context.progress("validate", "Checking the outline", 85)
    draft = OutlineDraft.model_validate_json(state["draft"])
    sections = distinct(draft.sections)
    faults = find_faults(draft, sections, state["language"])
    time_limited = state.get("time_limited", False)
    if faults and state.get("repairs", 0) < MAX_REPAIRS:
        if not context.desk.time_is_short():
            return {"faults": faults}
        time_limited = True
    if len(sections) < _FEWEST_SECTIONS:
        sections = distinct([*sections, *from_questions(state["questions"])])
    if len(sections) < _FEWEST_SECTIONS:
        code = "outline_invalid"
        raise PermanentError(code, "The model gave no usable outline: " + "; ".join(faults))
    outline = build(draft.title, sections, state["language"], context.target_words)
    sources = Ledger.model_validate_json(await context.desk.require(LEDGER)).sources
    quality = OutlineQuality(time_limited=time_limited)
    result = OutlineResult(outline=outline, sources=sources, quality=quality)
    await context.desk.store(RESULT, result.model_dump_json().encode())
    return {"faults": []}


def distinct(sections: list[SectionDraft]) -> list[SectionDraft]:
    """The sections without numbering, and without those that repeat an earlier title."""
    seen: set[str] = set()
    kept = []
    for section in sections:
        title = clean_title(section.title)
        if title and title.casefold() not in seen:
            seen.add(title.casefold())
            kept.append(section.model_copy(update={"title": title}))
    return kept


def from_questions(questions: list[str]) -> list[SectionDraft]:
    """What a model too small for a plan has given all the same: the questions that the document has to answer."""
    return [SectionDraft(title=question, summary=question) for question in questions]


def clean_title(title: str) -> str:
    """The title without a number of its own, since numbers are given when the document is put together."""
    return _NUMBERING.sub("", title).strip(' \t\n,;:：，；"“”*#')


def find_faults(draft: OutlineDraft, kept: list[SectionDraft], language: str) -> list[str]:
    """What the model should mend, in words it can act on."""
    faults = []
    if len(kept) < len(draft.sections):
        faults.append("Some section titles are the same; every section needs a title and a subject of its own.")
    nameless = [section.title for section in kept if _NAMELESS.match(section.title)]
    if nameless:
        faults.append(f"These titles do not name a subject: {', '.join(nameless)}.")
    words = " ".join(section.title + " " + section.summary for section in kept)
    if words and is_han(language) != is_han(detect_language(words)):
        faults.append(f"The outline is not written in {language_name(language)}.")
    if len(kept) < _FEWEST_SECTIONS:
        faults.append(f"At least {_FEWEST_SECTIONS} different sections are needed.")
    return faults


def build(title: str, sections: list[SectionDraft], language: str, target_words: int) -> Outline:
    """The outline with ids, and with budgets that add up to the target exactly."""
    leaves = sum(max(1, len(section.subsections)) for section in sections)
    budgets = iter(shares(target_words, leaves))
    nodes = []
    for section in sections:
        if section.subsections:
            children = [
                OutlineNode(title=clean_title(sub.title) or sub.title, summary=sub.summary, target_words=next(budgets))
                for sub in section.subsections
            ]
            nodes.append(OutlineNode(title=section.title, summary=section.summary, children=children))
        else:
            nodes.append(OutlineNode(title=section.title, summary=section.summary, target_words=next(budgets)))
    return Outline(title=clean_title(title) or title, language=language, nodes=nodes).with_ids()


def shares(total: int, parts: int) -> list[int]:
    """Whole numbers, as equal as can be, at least 1 each, with the total as their sum where it is large enough."""
    base, rest = divmod(total, parts)
    return [max(1, base + (1 if i < rest else 0)) for i in range(parts)]
