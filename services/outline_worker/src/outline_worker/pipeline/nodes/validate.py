"""From a draft to an outline that keeps its promises."""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from outline_worker.pipeline.building import Points, build
from outline_worker.pipeline.faults import FEWEST_SECTIONS, distinct, find_faults, from_questions, is_useless
from outline_worker.pipeline.nodes.refine import MENDING
from outline_worker.pipeline.routing import MAX_REPAIRS
from outline_worker.pipeline.schemas import OutlineDraft
from outline_worker.pipeline.state import LEDGER, RESULT, OutlineContext, OutlineState
from outline_worker.pipeline.titles import clean_title
from shared.contracts.commands import ContextFile
from shared.contracts.document import Degradation, DegradationCode, FileOutcome, OutlineQuality, OutlineResult
from shared.contracts.errors import PermanentError
from shared.contracts.outline import Outline
from shared.evidence import Ledger
from shared.language.leftovers import Told, is_leftover


class OutlineInvalidError(PermanentError):
    code = "outline_invalid"
    meaning = "The model gave no usable outline, even after two repairs"
    advice = "Use a more capable model, or send an outline"


async def validate(state: OutlineState, runtime: Runtime[OutlineContext]) -> OutlineState:
    """Check the draft; store the outline, or name the faults for one repair.

    Raises OutlineInvalidError where nothing can be made of it.
    """
    context = runtime.context
    context.progress("validate", "Checking the outline", 85)
    draft = OutlineDraft.model_validate_json(state["draft"])
    told = context.told(state["language"])
    faults = find_faults(draft, told, context.shape(state["language"]))
    time_limited, left_out = state.get("time_limited", False), list(state.get("left_out", []))
    if faults and state.get("repairs", 0) < MAX_REPAIRS:
        if time_limited or context.desk.time_is_short():
            time_limited = True
        elif context.budget.is_short() and not is_useless(draft, told):
            left_out.append(MENDING)
        else:
            return {"faults": faults}
    outline = _mended(draft, state, told, context.target_words, faults)
    ledger = Ledger.model_validate_json(await context.desk.require(LEDGER))
    quality = OutlineQuality(
        time_limited=time_limited,
        files=outcomes(context.command.context_files, ledger, state.get("shown", [])),
        degradations=_degradations(state, left_out),
    )
    result = OutlineResult(outline=outline, sources=ledger.sources, quality=quality)
    await context.desk.store(RESULT, result.model_dump_json().encode())
    return {"faults": []}


def _degradations(state: OutlineState, left_out: Sequence[str]) -> list[Degradation]:
    degradations = [Degradation.model_validate_json(each) for each in state.get("degradations", [])]
    if left_out:
        named = ", ".join(dict.fromkeys(left_out))
        message = f"The budget ran short, so these were left out: {named}."
        degradations.append(Degradation(code=DegradationCode.BUDGET_LIMITED, message=message))
    return degradations


def _mended(draft: OutlineDraft, state: OutlineState, told: Told, target_words: int, faults: Sequence[str]) -> Outline:
    """The outline with what code can mend mended."""
    questions = state["questions"]
    sections = distinct(draft.sections, told, title=draft.title)
    if len(sections) < FEWEST_SECTIONS:
        sections = distinct([*sections, *from_questions(questions)], told)
    if len(sections) < FEWEST_SECTIONS:
        raise OutlineInvalidError("The model gave no usable outline: " + "; ".join(faults))
    points = Points(introduction=state["purpose"], conclusion=questions[0] if questions else state["purpose"])
    title = "" if is_leftover(clean_title(draft.title), told) else draft.title
    return build(title, sections, state["language"], target_words, points)


def outcomes(files: Sequence[ContextFile], ledger: Ledger, shown: Sequence[str]) -> list[FileOutcome]:
    """What became of each context file; used are those of which the model saw passages."""
    unreadable = dict(ledger.unreadable)
    found = []
    for name in dict.fromkeys(file.name for file in files):
        warnings = [warning for of, warning in ledger.warnings if of == name]
        if name in unreadable:
            found.append(FileOutcome(name=name, status="unreadable", detail=unreadable[name], warnings=warnings))
        else:
            status = "used" if name in shown else "not_used"
            found.append(FileOutcome(name=name, status=status, warnings=warnings))
    return found
