"""One document from the sections: headings, and one numbering of sources over all of them."""

from langgraph.runtime import Runtime

from document_worker.pipeline.citations import Numbering
from document_worker.pipeline.prose import plain
from document_worker.pipeline.schemas import Fused, Plan
from document_worker.pipeline.state import FUSED, LEDGER, PLAN, DocumentContext, DocumentState, text_field
from shared.retrieval import Ledger

_DEEPEST = 6


async def fuse(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Put the document together."""
    context = runtime.context
    context.progress("fuse", "Putting the document together", 93)
    plan = Plan.model_validate_json(await context.desk.require(PLAN))
    ledger = Ledger.model_validate_json(await context.desk.require(LEDGER))
    numbering = Numbering({passage.key: passage.source_id for passage in ledger.passages})
    blocks = [f"# {plain(plan.title)}"]
    for section in plan.sections:
        blocks.append(f"{'#' * min(_DEEPEST, section.level + 1)} {plain(section.title)}")
        if section.leaf:
            text = await context.desk.require(text_field(section.id))
            blocks.append(numbering.apply(text.decode()))
    fused = Fused(body="\n\n".join(blocks), source_ids=numbering.source_ids)
    await context.desk.store(FUSED, fused.model_dump_json().encode())
    return {}
