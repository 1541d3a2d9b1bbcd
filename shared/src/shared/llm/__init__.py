"""Models behind OpenAI-compatible endpoints. The only importer of openai."""

from shared.contracts.tokens import estimate_tokens
from shared.llm.artifacts import ArtifactAnswers
from shared.llm.budget import Budget, BudgetedModel
from shared.llm.client import ChatClient
from shared.llm.dialect import Dialect
from shared.llm.embeddings import Embedder, Vectors
from shared.llm.errors import BudgetExceededError, ModelOutputInvalidError
from shared.llm.observed import CallMetrics
from shared.llm.ports import (
    Answer,
    AnswerStore,
    CallObserver,
    ChatRequest,
    FinishReason,
    Message,
    Meter,
    Model,
    ResponseFormat,
    Role,
    TextSink,
    request_hash,
)
from shared.llm.retry import RetryPolicy
from shared.llm.stored import StoredAnswers
from shared.llm.structured import complete_json

__all__ = [
    "Answer",
    "AnswerStore",
    "ArtifactAnswers",
    "Budget",
    "BudgetExceededError",
    "BudgetedModel",
    "CallMetrics",
    "CallObserver",
    "ChatClient",
    "ChatRequest",
    "Dialect",
    "Embedder",
    "FinishReason",
    "Message",
    "Meter",
    "Model",
    "ModelOutputInvalidError",
    "ResponseFormat",
    "RetryPolicy",
    "Role",
    "StoredAnswers",
    "TextSink",
    "Vectors",
    "complete_json",
    "estimate_tokens",
    "request_hash",
]
