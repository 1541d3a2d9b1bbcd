"""LangGraph on our Redis: its checkpoints, fenced, and one way to run a graph."""

from shared.checkpoints.run import JobContext, run_graph, staged
from shared.checkpoints.saver import RedisSaver

__all__ = ["JobContext", "RedisSaver", "run_graph", "staged"]
