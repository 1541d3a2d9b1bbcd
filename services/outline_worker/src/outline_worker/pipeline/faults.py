"""What is wrong with a draft: what code mends by itself, and what the model is asked to mend."""

from itertools import combinations
from typing import TypeVar

from outline_worker.pipeline.prompts import ABOUT_TITLES
from outline_worker.pipeline.schemas import OutlineDraft, SectionDraft, SubsectionDraft
from outline_worker.pipeline.titles import LONGEST_TITLE, clean_title, echoes, is_nameless, nearly_the_same, wording
from shared.contracts.shape import Shape
from shared.retrieval.text import detect_language, is_han, language_name, reads_as

FEWEST_SECTIONS = 2
_Draft = TypeVar("_Draft", bound=SubsectionDraft)


def distinct(sections: list[SectionDraft], *, title: str = "") -> list[SectionDraft]:
    """The sections with clean titles, none twice, none that is the document's title or a piece of the instructions.

    A chapter with a single subsection left is written as one piece.
    """
    kept = []
    for section in _first_of_each(sections, title):
        parts = _first_of_each(section.subsections, section.title)
        kept.append(section.model_copy(update={"subsections": parts if len(parts) > 1 else []}))
    return kept


def _first_of_each(drafts: list[_Draft], above: str) -> list[_Draft]:
    seen = {wording(clean_title(above))}
    kept = []
    for draft in drafts:
        title = clean_title(draft.title)
        if title and wording(title) not in seen and not echoes(title, ABOUT_TITLES):
            seen.add(wording(title))
            kept.append(draft.model_copy(update={"title": title}))
    return kept


def from_questions(questions: list[str]) -> list[SectionDraft]:
    """What a model too small for a plan has given all the same: the questions that the document has to answer."""
    return [SectionDraft(title=question, summary=question) for question in questions]


def find_faults(draft: OutlineDraft, language: str, shape: Shape) -> list[str]:
    """What the model should mend, in words it can act on."""
    kept = distinct(draft.sections, title=draft.title)
    return [*_title_faults(draft, kept, language), *_content_faults(kept, language), *_size_faults(kept, shape)]


def is_useless(draft: OutlineDraft, language: str) -> bool:
    """Whether nothing could be built on the draft."""
    kept = distinct(draft.sections, title=draft.title)
    return len(kept) < FEWEST_SECTIONS or not _reads_as(kept, language) or all(_says_nothing(part) for part in kept)


def _title_faults(draft: OutlineDraft, kept: list[SectionDraft], language: str) -> list[str]:
    faults = []
    if any(wording(clean_title(section.title)) == wording(clean_title(draft.title)) for section in draft.sections):
        faults.append("A section has the title of the whole document; it needs a subject of its own.")
    elif any(echoes(part.title, ABOUT_TITLES) for part in draft.sections):
        faults.append("Some titles repeat these instructions; a title names the subject of its section.")
    elif len(kept) < len(draft.sections):
        faults.append("Some section titles are the same; every section needs a title and a subject of its own.")
    near = [pair for pair in combinations([part.title for part in kept], 2) if nearly_the_same(*pair, language)]
    faults += [f"These titles say nearly the same: {first} / {second}." for first, second in near]
    nameless = [part.title for part in kept if is_nameless(part.title)]
    if nameless:
        faults.append(f"These titles do not name a subject: {', '.join(nameless)}.")
    if any(len(part.title.strip()) > LONGEST_TITLE for part in _parts(draft.sections)):
        faults.append("Some titles are whole paragraphs; a title names its subject in a few words.")
    return faults


def _content_faults(kept: list[SectionDraft], language: str) -> list[str]:
    faults = []
    if any(_says_nothing(part) for part in _parts(kept)):
        faults.append("Some summaries only repeat the title; a summary says what the section tells.")
    if kept and not _reads_as(kept, language):
        faults.append(f"The outline is not written in {language_name(language)}.")
    return faults


def _size_faults(kept: list[SectionDraft], shape: Shape) -> list[str]:
    if not max(FEWEST_SECTIONS, shape.sections / 2) <= len(kept) <= shape.sections * 2:
        return [f"The outline needs {shape.sections} different sections, not {len(kept)}."]
    if shape.subsections and len(_leaves(kept)) < shape.sections * shape.subsections / 2:
        return [f"Each section needs {shape.subsections} subsections."]
    return []


def _says_nothing(part: SubsectionDraft) -> bool:
    return not part.summary.strip() or wording(part.summary) == wording(clean_title(part.title))


def _reads_as(sections: list[SectionDraft], language: str) -> bool:
    text = "\n".join(f"{part.title}. {part.summary}" for part in _parts(sections))
    # A few words are too few to tell languages apart, but not scripts.
    return reads_as(text, language) and is_han(language) == is_han(detect_language(text))


def _parts(sections: list[SectionDraft]) -> list[SubsectionDraft]:
    return [part for section in sections for part in (section, *section.subsections)]


def _leaves(sections: list[SectionDraft]) -> list[SubsectionDraft]:
    return [leaf for section in sections for leaf in section.subsections or [section]]
