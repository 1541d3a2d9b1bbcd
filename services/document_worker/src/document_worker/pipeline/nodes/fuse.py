"""One document from the sections: headings, and one numbering of sources over all of them."""

from langgraph.runtime import Runtime

from document_worker.pipeline.citations import Numbering
from document_worker.pipeline.schemas import Fused, Plan
from document_worker.pipeline.state import FUSED, LEDGER, PLAN, DocumentContext, DocumentState, text_field
from shared.contracts.errors import TransientError
from shared.retrieval import Ledger

_DEEPEST = 6


async def fuse(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Put the document together."""
    context = runtime.context
    context.progress("fuse", "Putting the document together", 93)
    plan = Plan.model_validate_json(await context.desk.load(PLAN) or b"")
    ledger = Ledger.model_validate_json(await context.desk.load(LEDGER) or b"")
    numbering = Numbering({passage.key: passage.source_id for passage in ledger.passages})
    blocks = [f"# {plan.title}"]
    for section in plan.sections:
        blocks.append(f"{'#' * min(_DEEPEST, section.level + 1)} {section.title}")
        if section.leaf:
            text = await context.desk.load(text_field(section.id))
            if text is None:
                code = "section_missing"
                raise TransientError(code, f"The text of section {section.id} is gone.")
            blocks.append(numbering.apply(text.decode()))
    fused = Fused(body="\n\n".join(blocks), source_ids=numbering.source_ids)
    await context.desk.store(FUSED, fused.model_dump_json().encode())
    return {}
