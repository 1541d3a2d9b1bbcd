"""What an OpenAI-compatible endpoint accepts, learnt from what it refuses."""

from typing import Literal, TypeAlias

Rung: TypeAlias = Literal["json_schema", "json_object", "none"]
"""How structured output is asked for, from the strictest way down."""

_DISPENSABLE = ("stream_options", "max_tokens", "temperature")
_NOT_KNOWN = ("unsupported", "not support", "unknown", "unrecognized", "not permitted", "extra_forbidden")


class Dialect:
    """What one endpoint accepts. Lives as long as its client, so that each refusal is met once."""

    def __init__(self) -> None:
        self.rung: Rung = "json_schema"
        """The first way of asking for JSON that is worth trying."""
        self._refused: set[str] = set()

    def speak(self, body: dict[str, object]) -> dict[str, object]:
        """The same request without the parameters this endpoint refuses.

        ``max_tokens`` becomes ``max_completion_tokens``, the only name newer OpenAI models know.
        """
        spoken = {name: value for name, value in body.items() if name not in self._refused}
        if "max_tokens" in self._refused:
            spoken["max_completion_tokens"] = body["max_tokens"]
        return spoken

    def learn(self, refusal: str) -> bool:
        """Read the text of a refusal; True where the same request may pass without a parameter."""
        lowered = refusal.lower()
        if not any(phrase in lowered for phrase in _NOT_KNOWN):
            return False
        for name in _DISPENSABLE:
            if name in lowered and name not in self._refused:
                self._refused.add(name)
                return True
        return False
