"""What the pipeline needs of the world around it: a model, the desk of its job, and somebody who gathers evidence."""

from shared.gathering.ports import Gathered, Gatherer
from shared.llm import Model
from shared.streams import Desk

__all__ = ["Desk", "Gathered", "Gatherer", "Model"]
