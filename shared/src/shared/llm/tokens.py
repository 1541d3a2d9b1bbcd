"""Token counts of what a model is shown."""

from collections.abc import Iterable

from shared.contracts.tokens import estimate_tokens
from shared.llm.ports import Message

_MESSAGE_OVERHEAD_TOKENS = 4


def estimate_prompt_tokens(messages: Iterable[Message]) -> int:
    """As ``estimate_tokens``, with the few tokens a chat template adds to each message."""
    return sum(estimate_tokens(message.content) + _MESSAGE_OVERHEAD_TOKENS for message in messages)
