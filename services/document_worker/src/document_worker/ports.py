"""What the pipeline needs of the world around it: a model that answers, the desk of the job it
works on, and the time."""

from shared.lifecycle.clock import Clock
from shared.llm import Model
from shared.streams import Desk

__all__ = ["Clock", "Desk", "Model"]
