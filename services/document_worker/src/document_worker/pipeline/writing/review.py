"""Makes a draft fit its place, and finds what is wrong with it. Adds no word of its own."""

from dataclasses import dataclass
from enum import StrEnum

from document_worker.pipeline.checks.addresses import without_foreign_addresses
from document_worker.pipeline.checks.claims import attribute, check_claims
from document_worker.pipeline.writing.assignment import Assignment
from document_worker.pipeline.writing.drafting import Draft, Usable
from document_worker.pipeline.writing.length import shortened, too_long, too_short
from document_worker.pipeline.writing.neighbours import said_once
from document_worker.pipeline.writing.prose import tidy
from shared.evidence.citations import Checked, cited_in, keep_known, length_of, without_keys
from shared.language.leftovers import without_leftovers
from shared.language.text import language_name, reads_as, sentence_spans

_MOST_NAMED = 5
"""Sentences named to the model as faulty."""


class FaultKind(StrEnum):
    """What can be wrong with a draft, worst first."""

    LANGUAGE = "language"
    """It is written in another language than the document."""
    UNCITED = "uncited"
    """It was given evidence and cites none."""
    UNSUPPORTED = "unsupported"
    """Numbers or quotations that the passages cited do not hold."""
    TOO_SHORT = "too_short"
    UNKNOWN = "unknown_citations"
    """Citations of what was never given."""


_WEIGHTS = {
    FaultKind.LANGUAGE: 16.0,
    FaultKind.UNCITED: 8.0,
    FaultKind.UNSUPPORTED: 2.0,
    FaultKind.TOO_SHORT: 4.0,
    FaultKind.UNKNOWN: 1.0,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to mend, in words that the model can act on."""

    kind: FaultKind
    told: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A draft as it may stand in the document."""

    text: str
    unknown: int
    """Citations removed, since nobody gave what they name."""
    flagged: list[str]
    """Sentences that lost a citation."""
    words: int
    leftovers: int
    """Lines that lost a piece of the instructions or an empty mark."""


def _tidied(text: str, draft: Draft, job: Assignment) -> str:
    return tidy(text, job.planned.title, job.planned.level, cut=draft.cut, document_title=job.plan.title)


def clean(draft: Draft, job: Assignment) -> Cleaned:
    """Without wrapping, chatter, pieces of the instructions, citations of unknown keys, addresses of its own, and
    sentences said before.
    """
    tidied, leftovers = without_leftovers(_tidied(draft.text, draft, job), job.told)
    if leftovers:
        # A title may have stood behind an empty mark.
        tidied = _tidied(tidied, draft, job)
    known = set(job.planned.evidence)
    flagged = [
        " ".join(without_keys(sentence).split())
        for sentence in (tidied[start:end] for start, end in sentence_spans(tidied))
        if not known.issuperset(cited_in(sentence))
    ]
    checked: Checked = keep_known(tidied, known)
    plain, _ = without_foreign_addresses(checked.text, job.addresses)
    text = said_once(plain, job.said)
    return Cleaned(text, checked.unknown, flagged, length_of(text), leftovers)


def usable(job: Assignment) -> Usable:
    """Whether a draft of the section leaves anything once it is cleaned."""
    return lambda draft: bool(clean(draft, job).text.strip())


def find_faults(cleaned: Cleaned, job: Assignment) -> list[Fault]:
    """What a second asking may mend, worst first. A text that is too long is shortened without asking."""
    return [*_language(cleaned, job), *_citing(cleaned, job), *_length(cleaned, job)]


def _language(cleaned: Cleaned, job: Assignment) -> list[Fault]:
    if reads_as(without_keys(cleaned.text), job.plan.language):
        return []
    return [Fault(FaultKind.LANGUAGE, f"It is in the wrong language. Write it in {language_name(job.plan.language)}.")]


def _citing(cleaned: Cleaned, job: Assignment) -> list[Fault]:
    faults = []
    if job.evidence and not cited_in(cleaned.text):
        faults.append(Fault(FaultKind.UNCITED, "It cites none of the material. Cite each passage you use by its key."))
    wrong = [claim for claim in check_claims(cleaned.text, job.spans, job.weights) if claim.verdict == "unsupported"]
    faults += [Fault(FaultKind.UNSUPPORTED, f"“{claim.sentence}”: {claim.why}.") for claim in wrong[:_MOST_NAMED]]
    if cleaned.unknown:
        faults.append(Fault(FaultKind.UNKNOWN, "It cites what was not given. Cite only the keys of the material."))
    return faults


def _length(cleaned: Cleaned, job: Assignment) -> list[Fault]:
    if not too_short(cleaned.words, job.planned.target_words):
        return []
    return [Fault(FaultKind.TOO_SHORT, "It is too short. Treat its subject more fully, without repeating anything.")]


def badness(faults: list[Fault]) -> float:
    """For comparing two drafts of one section."""
    return sum(_WEIGHTS[fault.kind] for fault in faults)


def finished(text: str, job: Assignment) -> tuple[str, int]:
    """The text at its length and with what can be cited cited, and how many citations were set here."""
    attributed = 0
    if job.evidence and not cited_in(text):
        text, attributed = attribute(text, job.spans, job.weights)
    if too_long(length_of(text), job.planned.target_words):
        text = shortened(text, job.planned.target_words)
        attributed = min(attributed, len(cited_in(text)))
    return text, attributed
