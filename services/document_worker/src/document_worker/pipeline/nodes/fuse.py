"""One document from the sections: headings, and one numbering of sources over all of them."""

import asyncio

from langgraph.runtime import Runtime

from document_worker.pipeline.nodes.smooth import say_once
from document_worker.pipeline.state import FUSED, DocumentContext, DocumentState
from shared.contracts.plan import LEDGER, text_field
from shared.evidence import Ledger
from shared.evidence.assembly import assemble


async def fuse(state: DocumentState, runtime: Runtime[DocumentContext]) -> DocumentState:
    """Put the document together."""
    context = runtime.context
    context.progress("fuse", "Putting the document together", 93)
    plan = await context.plan()
    ledger = Ledger.model_validate_json(await context.desk.require(LEDGER))
    revised = context.payload.revision is not None
    # What its parent lacked, for want of time, a revision lacks as well.
    incomplete = revised or state.get("ended_early")
    texts = {
        leaf.id: (await context.desk.require(text_field(leaf.id))).decode()
        for leaf in plan.leaves()
        if leaf.id in context.finished or not incomplete
    }
    if not revised:
        # Introduction and conclusion were written side by side, each knowing the body only.
        await say_once(context, [leaf for leaf in plan.leaves() if leaf.role != "body" and leaf.id in texts], texts)
    # A long document takes a while, and the loop keeps the leases of other jobs.
    assembled = await asyncio.to_thread(assemble, plan, texts, ledger)
    await context.desk.store(FUSED, assembled.model_dump_json().encode())
    return {}
