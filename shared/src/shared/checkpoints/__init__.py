"""LangGraph on our Redis: its checkpoints, fenced, and one way to run a graph."""

import os

# Read by langgraph and langsmith while they are imported: only plain values come out of a checkpoint, and no trace
# of a customer's document leaves for a third party.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # noqa: TID251
os.environ["LANGSMITH_TRACING"] = "false"  # noqa: TID251

from shared.checkpoints.run import JobContext, run_graph, staged
from shared.checkpoints.saver import RedisSaver

__all__ = ["JobContext", "RedisSaver", "run_graph", "staged"]
