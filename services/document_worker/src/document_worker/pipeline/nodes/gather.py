"""The evidence: what the context files hold, and what a search finds where one is asked for."""

from collections.abc import Mapping, Sequence

from langgraph.runtime import Runtime

from document_worker.pipeline.state import RESULT, DocumentContext, DocumentState
from shared.contracts.commands import ContextFile
from shared.contracts.document import Degradation, DegradationCode, OutlineResult
from shared.contracts.outline import Outline, Research
from shared.contracts.plan import LEDGER
from shared.evidence import Ledger
from shared.gathering.ports import SearchNotConfiguredError

MOST_QUERIES = 12


async def gather(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Fill the ledger."""
    context = runtime.context
    allowed = context.outline.research(context.payload.research)
    research = context.outline.reach(context.payload.research)
    queries = queries_for(context.outline, allowed)
    known, degradations = await _known(context) if context.planned else (None, [])
    # What was not read then is read now: a person may have allowed it since.
    read = known is not None and context.payload.research != "none" and not _hurried(degradations)
    files = [] if read else context.payload.context_files
    context.progress("gather", _said(len(files), planned=read, searches=bool(queries)), 1)
    found, failures = await _gathered(context, files, queries, research)
    # Searching for the subjects of an outline adds to what was found for the questions it answers.
    ledger = known.extended(found) if known else found
    await context.desk.store(LEDGER, ledger.model_dump_json().encode())
    return {"degradations": [degradation.model_dump() for degradation in [*degradations, *failures]]}


async def _gathered(
    context: DocumentContext, files: Sequence[ContextFile], queries: Sequence[str], research: Research
) -> tuple[Ledger, Sequence[Degradation]]:
    """What there is. Where only nodes of the outline ask for a search and none is set up, the document does without:
    whoever allowed it for a section cannot take that back any more.
    """
    try:
        gathered = await context.gatherer.gather(str(context.ref), files, queries, research)
    except SearchNotConfiguredError as error:
        if context.payload.research == "web":
            raise
        gathered = await context.gatherer.gather(str(context.ref), files, [], "context_only")
        return gathered.ledger, [
            *gathered.degradations,
            Degradation(code=DegradationCode.SEARCH_FAILED, message=error.message),
        ]
    return gathered.ledger, gathered.degradations


async def _known(context: DocumentContext) -> tuple[Ledger, list[Degradation]]:
    """What the planning of this job gathered already, and what it could not."""
    ledger = Ledger.model_validate_json(await context.desk.require(LEDGER))
    made = OutlineResult.model_validate_json(await context.desk.require(RESULT))
    return ledger, made.quality.degradations


def _hurried(degradations: Sequence[Degradation]) -> bool:
    return any(degradation.code == DegradationCode.TIME_LIMITED for degradation in degradations)


def queries_for(outline: Outline, allowed: Mapping[str, Research]) -> list[str]:
    """What to search for: the subjects of leaves all over the document, in its context."""
    leaves = [leaf for leaf in outline.leaves() if allowed[leaf.id or ""] == "web"]
    step = max(1.0, len(leaves) / MOST_QUERIES)
    chosen = [leaves[int(position * step)] for position in range(min(len(leaves), MOST_QUERIES))]
    return [f"{outline.title} {leaf.title}" for leaf in chosen]


def _said(files: int, *, planned: bool, searches: bool) -> str:
    done = []
    if planned:
        done.append("taking up what was found for the outline")
    elif files:
        done.append("reading 1 file" if files == 1 else f"reading {files} files")
    if searches:
        done.append("searching the web")
    return ", ".join(done or ["no files to read"]).capitalize()
