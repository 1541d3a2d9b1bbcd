"""gather → split → sections in parallel → collect → smooth → introduction and conclusion → fuse → references; of a
document that stands already: restore → one section → collect → transitions → fuse → references.
"""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph

from document_worker.pipeline.nodes.collect import collect
from document_worker.pipeline.nodes.fuse import fuse
from document_worker.pipeline.nodes.gather import gather
from document_worker.pipeline.nodes.references import references
from document_worker.pipeline.nodes.restore import restore
from document_worker.pipeline.nodes.section import section
from document_worker.pipeline.nodes.smooth import smooth
from document_worker.pipeline.nodes.split import split
from document_worker.pipeline.nodes.transitions import transitions
from document_worker.pipeline.routing import after_body, after_collect, begin, to_sections
from document_worker.pipeline.state import DocumentContext, DocumentState, SectionTask
from shared.checkpoints import staged
from shared.contracts.states import JobKind


def build_graph(saver: BaseCheckpointSaver[str]) -> Any:
    """The compiled graph; one serves all jobs of the process."""
    graph = StateGraph(DocumentState, context_schema=DocumentContext)
    for node in (gather, split, restore, collect, smooth, transitions, fuse, references):
        graph.add_node(node.__name__, staged(JobKind.DOCUMENT, node.__name__, node))
    graph.add_node("section", staged(JobKind.DOCUMENT, "section", section), input_schema=SectionTask)
    graph.add_conditional_edges(START, begin, ["gather", "restore"])
    graph.add_edge("gather", "split")
    graph.add_conditional_edges("split", to_sections, ["section", "smooth", "fuse"])
    graph.add_conditional_edges("restore", to_sections, ["section", "transitions"])
    graph.add_edge("section", "collect")
    graph.add_conditional_edges("collect", after_collect, ["section", "smooth", "transitions", "fuse"])
    graph.add_conditional_edges("smooth", after_body, ["section", "fuse"])
    graph.add_edge("transitions", "fuse")
    graph.add_edge("fuse", "references")
    graph.add_edge("references", END)
    return graph.compile(checkpointer=saver)
