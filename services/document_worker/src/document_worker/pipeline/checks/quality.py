"""What is known about a finished document, measured from its texts."""

from collections.abc import Mapping, Sequence
from typing import Literal

from document_worker.pipeline.checks.claims import CheckedClaim, Weights, check_claims
from document_worker.pipeline.checks.repetition import repeated
from document_worker.pipeline.schemas import WrittenSection
from shared.contracts.document import (
    Claim,
    Claims,
    Degradation,
    DegradationCode,
    Document,
    FileOutcome,
    LanguageCheck,
    MissingSection,
    Quality,
    Score,
    SectionQuality,
)
from shared.contracts.plan import Plan
from shared.evidence import Ledger
from shared.evidence.citations import cited_in, length_of, without_keys
from shared.evidence.sources import merged
from shared.language.text import reads_as

NEVER_GIVEN = "it cited something that was never given"
_PARTS = {"length": 25, "citations": 20, "support": 20, "repetition": 15, "language": 10, "completeness": 10}
"""Weights of the score's parts; documented in docs/quality.md."""
_WORST_REPETITION = 0.02


def judged(plan: Plan, ledger: Ledger, texts: Mapping[str, str]) -> dict[str, list[CheckedClaim]]:
    """Every cited sentence held against its passages, by section."""
    passages = {passage.key: passage.text for passage in ledger.passages}
    if not passages:
        return {}
    weights = Weights(passages.values())
    return {
        leaf.id: check_claims(texts[leaf.id], {key: passages[key] for key in leaf.evidence}, weights)
        for leaf in plan.leaves()
        if leaf.id in texts and leaf.evidence
    }


def assess(
    plan: Plan,
    ledger: Ledger,
    document: Document,
    texts: Mapping[str, str],
    facts: Sequence[WrittenSection],
    claims: Mapping[str, Sequence[CheckedClaim]],
    degradations: Sequence[Degradation],
    *,
    judge: Literal["offline", "model"] = "offline",
) -> Quality:
    """All of it; ``claims`` as ``judged`` or the model found them."""
    sections = [_measured(written.quality, texts[written.quality.id]) for written in facts]
    missing = [MissingSection(id=leaf.id, title=leaf.title) for leaf in plan.leaves() if leaf.id not in texts]
    counted = _claims(plan, ledger, document, texts, facts, claims, judge)
    language = _language(plan, texts)
    repetition = repeated([texts[leaf.id] for leaf in plan.leaves() if leaf.id in texts])
    time_limited = bool(missing) or any(section.out_of_time for section in sections)
    if time_limited:
        degradations = [
            *degradations,
            Degradation(code=DegradationCode.TIME_LIMITED, message="The soft time limit ended it early."),
        ]
    quality = Quality(
        target_words=sum(leaf.target_words for leaf in plan.leaves()),
        words=sum(section.words for section in sections),
        sections=sections,
        time_limited=time_limited,
        missing_sections=missing,
        files=_files(ledger, document),
        evidence=_evidence(plan, ledger, document),
        claims=counted,
        repetition=repetition,
        language=language,
        degradations=list(degradations),
    )
    return quality.model_copy(update={"score": score(quality)})


def score(quality: Quality) -> Score:
    """From what was measured; parts that do not apply, such as citations without evidence, weigh nothing."""
    given = [section for section in quality.sections if section.evidence]
    cited = quality.claims.supported + quality.claims.weak + quality.claims.unsupported
    leaves = len(quality.sections) + len(quality.missing_sections)
    parts = {
        "length": _mean([length_score(section.words, section.target_words) for section in quality.sections]),
        "repetition": max(0.0, 1 - quality.repetition.share / _WORST_REPETITION),
        "completeness": len(quality.sections) / leaves if leaves else 0.0,
    }
    if given:
        parts["citations"] = _mean([float(section.citations > 0) for section in given])
    if cited:
        parts["support"] = (quality.claims.supported + quality.claims.weak / 2) / cited
    if quality.language is not None:
        others = len(quality.language.other_sections)
        parts["language"] = 1 - others / len(quality.sections) if quality.sections else 0.0
    weight = sum(_PARTS[name] for name in parts)
    value = 100 * sum(_PARTS[name] * part for name, part in parts.items()) / weight
    return Score(value=round(value, 1), parts={name: round(part, 3) for name, part in parts.items()})


def length_score(words: int, target: int) -> float:
    """0 to 1: LongBench-Write's length score (Bai et al., 2024): 4 times too long or 3 times too short is worth 0."""
    if words >= target:
        return max(0.0, 1 - (words / target - 1) / 3)
    return max(0.0, 1 - (target / words - 1) / 2) if words else 0.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _measured(quality: SectionQuality, text: str) -> SectionQuality:
    """As written, but with the length and citations it has now: smoothing may have changed it."""
    return quality.model_copy(update={"words": length_of(text), "citations": len(cited_in(text))})


def _claims(
    plan: Plan,
    ledger: Ledger,
    document: Document,
    texts: Mapping[str, str],
    facts: Sequence[WrittenSection],
    claims: Mapping[str, Sequence[CheckedClaim]],
    judge: Literal["offline", "model"],
) -> Claims:
    passages = {passage.key: passage for passage in ledger.passages}
    same = merged(ledger.sources)
    numbers = {reference.source.id: reference.number for reference in document.references}
    counts = {"supported": 0, "weak": 0, "unsupported": 0}
    doubtful: list[Claim] = []
    for leaf in plan.leaves():
        for claim in claims.get(leaf.id, []):
            counts[claim.verdict] += 1
            if claim.verdict != "supported":
                doubtful.append(
                    Claim(
                        section_id=leaf.id,
                        sentence=claim.sentence,
                        numbers=sorted({numbers[same[passages[key].source_id]] for key in claim.keys}),
                        verdict=claim.verdict,
                        why=claim.why,
                        locators=sorted({where for key in claim.keys if (where := passages[key].locator)}),
                    )
                )
    flagged = [
        Claim(section_id=written.quality.id, sentence=sentence, numbers=[], verdict="unsupported", why=NEVER_GIVEN)
        for written in facts
        for sentence in written.flagged
        if sentence in " ".join(without_keys(texts[written.quality.id]).split())
    ]
    counts["unsupported"] += len(flagged)
    return Claims(**counts, doubtful=[*doubtful, *flagged], judge=judge)


def _language(plan: Plan, texts: Mapping[str, str]) -> LanguageCheck:
    others = [name for name, text in texts.items() if not reads_as(without_keys(text), plan.language)]
    whole = " ".join(without_keys(text) for text in texts.values())
    return LanguageCheck(expected=plan.language, matches=reads_as(whole, plan.language), other_sections=others)


def _files(ledger: Ledger, document: Document) -> list[FileOutcome]:
    same = merged(ledger.sources)
    cited = {reference.source.id for reference in document.references}
    warnings: dict[str, list[str]] = {}
    for name, warning in ledger.warnings:
        warnings.setdefault(name, []).append(warning)
    files = [
        FileOutcome(
            name=source.name,
            status="used" if same[source.id] in cited else "not_used",
            warnings=warnings.get(source.name, []),
        )
        for source in ledger.sources
        if source.provider == "files"
    ]
    unreadable = [
        FileOutcome(name=name, status="unreadable", detail=why, warnings=warnings.get(name, []))
        for name, why in ledger.unreadable
    ]
    return [*files, *unreadable]


def _evidence(
    plan: Plan, ledger: Ledger, document: Document
) -> Literal["none", "given_not_matched", "given_not_cited", "cited"]:
    if document.references:
        return "cited"
    if any(leaf.evidence for leaf in plan.leaves()):
        return "given_not_cited"
    return "given_not_matched" if ledger.passages else "none"
