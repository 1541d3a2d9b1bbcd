"""What is wrong with a draft: what code mends by itself, and what the model is asked to mend."""

from itertools import combinations
from typing import TypeVar

from outline_worker.pipeline.schemas import OutlineDraft, SectionDraft, SubsectionDraft
from outline_worker.pipeline.titles import LONGEST_TITLE, clean_title, is_nameless, nearly_the_same, wording
from shared.contracts.shape import Shape
from shared.language.leftovers import Told, is_in_another_script, is_leftover
from shared.language.text import detect_language, is_han, language_name, reads_as

FEWEST_SECTIONS = 2
_Draft = TypeVar("_Draft", bound=SubsectionDraft)


def distinct(sections: list[SectionDraft], told: Told, *, title: str = "") -> list[SectionDraft]:
    """The sections with clean titles, none twice, none that is the document's title or left from the prompt.

    A chapter with a single subsection left is written as one piece.
    """
    kept = []
    for section in _first_of_each(sections, title, told):
        parts = _first_of_each(section.subsections, section.title, told)
        kept.append(section.model_copy(update={"subsections": parts if len(parts) > 1 else []}))
    return kept


def _first_of_each(drafts: list[_Draft], above: str, told: Told) -> list[_Draft]:
    seen = {wording(clean_title(above))}
    kept = []
    for draft in drafts:
        title = clean_title(draft.title)
        if wording(title) not in seen and not is_leftover(title, told):
            seen.add(wording(title))
            kept.append(draft.model_copy(update={"title": title}))
    return kept


def from_questions(questions: list[str]) -> list[SectionDraft]:
    """What a model too small for a plan has given all the same: the questions that the document has to answer."""
    return [SectionDraft(title=question, summary=question) for question in questions]


def find_faults(draft: OutlineDraft, told: Told, shape: Shape) -> list[str]:
    """What the model should mend, in words it can act on."""
    kept = distinct(draft.sections, told, title=draft.title)
    return [*_title_faults(draft, kept, told), *_content_faults(kept, told.language), *_size_faults(kept, shape)]


def is_useless(draft: OutlineDraft, told: Told) -> bool:
    """Whether nothing could be built on the draft."""
    kept = distinct(draft.sections, told, title=draft.title)
    return (
        len(kept) < FEWEST_SECTIONS or not _reads_as(kept, told.language) or all(_says_nothing(part) for part in kept)
    )


def _title_faults(draft: OutlineDraft, kept: list[SectionDraft], told: Told) -> list[str]:
    faults = _unfit_titles(draft, told)
    if any(wording(clean_title(section.title)) == wording(clean_title(draft.title)) for section in draft.sections):
        faults.append("A section has the title of the whole document; it needs a subject of its own.")
    elif len(kept) < len(draft.sections) and not faults:
        faults.append("Some section titles are the same; every section needs a title and a subject of its own.")
    titles = [part.title for part in kept]
    near = [pair for pair in combinations(titles, 2) if nearly_the_same(*pair, told.language)]
    faults += [f"These titles say nearly the same: {first} / {second}." for first, second in near]
    nameless = [part.title for part in kept if is_nameless(part.title)]
    if nameless:
        faults.append(f"These titles do not name a subject: {', '.join(nameless)}.")
    if any(len(part.title.strip()) > LONGEST_TITLE for part in _parts(draft.sections)):
        faults.append("Some titles are whole paragraphs; a title names its subject in a few words.")
    return faults


def _unfit_titles(draft: OutlineDraft, told: Told) -> list[str]:
    """What is wrong with titles that are not of this document."""
    titles = [clean_title(title) for title in (draft.title, *(part.title for part in _parts(draft.sections)))]
    faults = []
    if any(is_leftover(title, told) for title in titles):
        faults.append("Some titles repeat these instructions; a title names the subject of its section.")
    if any(is_in_another_script(title, told) for title in titles):
        faults.append(f"Some titles are not written in {language_name(told.language)}.")
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
