"""What the pipeline needs of the world around it: a model that answers, and the desk of the job it works on."""

from shared.llm import Model
from shared.streams import Desk

__all__ = ["Desk", "Model"]
