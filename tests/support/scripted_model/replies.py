"""What a script can answer: text, or one of the ways endpoints misbehave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tests.support.scripted_model.schemas import find_schema


@dataclass(frozen=True, slots=True)
class Asked:
    """One chat request as the script sees it; ``index`` counts from 0 since the last reset."""

    index: int
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """Everything said to the model; its own earlier answers are left out."""
        return "\n\n".join(m["content"] for m in self.body["messages"] if m["role"] != "assistant")

    @property
    def last_user(self) -> str:
        return next((m["content"] for m in reversed(self.body["messages"]) if m["role"] == "user"), "")

    @property
    def format(self) -> Literal["json_schema", "json_object", "none"]:
        kind = (self.body.get("response_format") or {}).get("type")
        return kind if kind in ("json_schema", "json_object") else "none"

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema of the response format, else the first one written into the prompt."""
        if self.format == "json_schema":
            schema: dict[str, Any] = self.body["response_format"]["json_schema"]["schema"]
            return schema
        return find_schema(self.prompt)


@dataclass(frozen=True, slots=True)
class Reply:
    """How one request is answered. ``status`` 200 streams ``text``; any other sends ``error``."""

    text: str = ""
    reasoning: str = ""
    """Sent as ``reasoning_content`` before the text."""
    finish_reason: str | None = "stop"
    first_token_seconds: float = 0.0
    chunk_seconds: float = 0.0
    chunk_characters: int = 40
    comment_seconds: float | None = None
    """While it hangs, send a comment this often, as proxies do to keep the connection."""
    report_usage: bool = True
    usage: tuple[int, int] | None = None
    """Prompt and completion tokens to report instead of the server's own count."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    stream_error: Mapping[str, Any] | None = None
    """Sent as an event after the text, instead of the end of the stream."""
    raw: bytes | None = None
    """Sent with status 200 as the whole body, instead of anything well-formed."""
    cut_after_chunks: int | None = None
    """Close the connection after so many chunks, in the middle of the body."""
    hang_after_chunks: int | None = None
    """Say nothing more after so many chunks, until the client goes; 0: not even headers."""


Script: TypeAlias = Callable[[Asked], Reply]


def failure(
    status: int,
    message: str = "scripted failure",
    *,
    code: str | int | None = None,
    kind: str | None = None,
    retry_after: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An HTTP error in the shape OpenAI gives it; ``retry_after`` is sent as it is."""
    more = {"retry-after": retry_after} if retry_after is not None else {}
    error = {"message": message, "type": kind or "scripted_error", "param": None, "code": code}
    return Reply(status=status, headers={**more, **(headers or {})}, error={"error": error})


def context_exceeded() -> Reply:
    return failure(400, "maximum context length is 4096 tokens", code="context_length_exceeded")


def garbage() -> Reply:
    """A body that is neither JSON nor an event stream."""
    return Reply(raw=b"<html><body>502 Bad Gateway</body></html>")


def broken_events() -> Reply:
    """An event stream whose second event is no JSON."""
    first = b'data: {"choices":[{"index":0,"delta":{"content":"Begun"}}]}\n\n'
    return Reply(raw=first + b'data: {"choices":[{"ind\n\ndata: [DONE]\n\n')


def hang(*, after_chunks: int = 0, text: str = "The beginning of an answer that never ends.") -> Reply:
    return Reply(text=text, hang_after_chunks=after_chunks, chunk_characters=8)


def cut(*, after_chunks: int = 2, text: str = "The beginning of an answer that is cut off.") -> Reply:
    return Reply(text=text, cut_after_chunks=after_chunks, chunk_characters=8)


def sequence(*replies: Reply, then: Script) -> Script:
    """One reply after the other, then as ``then`` says."""

    def script(asked: Asked) -> Reply:
        return replies[asked.index] if asked.index < len(replies) else then(asked)

    return script


def always(reply: Reply) -> Script:
    return lambda _asked: reply


def refusing(*formats: str, then: Script, status: int = 400) -> Script:
    """Refuse these types of ``response_format``, as servers without guided decoding do."""

    def script(asked: Asked) -> Reply:
        if asked.format in formats:
            return failure(status, f"response_format of type {asked.format} is not supported")
        return then(asked)

    return script
