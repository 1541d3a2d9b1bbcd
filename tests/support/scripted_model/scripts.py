"""Scripts by name, for tests that start the server as a process of its own."""

from collections.abc import Callable
from dataclasses import replace

from tests.support.scripted_model.obedient import asked_length, obedient
from tests.support.scripted_model.prose import prose
from tests.support.scripted_model.replies import (
    Asked,
    Reply,
    Script,
    always,
    cut,
    failure,
    garbage,
    hang,
    refusing,
)


def flaky(asked: Asked) -> Reply:
    """Every third request fails for a moment."""
    return failure(500, "out of memory") if asked.index % 3 == 2 else obedient(asked)


def truncating(asked: Asked) -> Reply:
    """Every answer stops half-way with ``finish_reason=length``."""
    reply = obedient(asked)
    return replace(reply, text=reply.text[: len(reply.text) // 2], finish_reason="length")


def thinking(asked: Asked) -> Reply:
    """Every answer is preceded by its thinking, in the text itself."""
    reply = obedient(asked)
    return replace(reply, text=f"<think>\nThe user wants {len(reply.text)} characters.\n</think>\n\n{reply.text}")


def unknown_keys(asked: Asked) -> Reply:
    """Prose cites a key that nobody gave."""
    reply = obedient(asked)
    return reply if asked.schema else replace(reply, text=f"{reply.text}\n\nThis is beyond doubt [@Sdeadbeef].")


def uncited(asked: Asked) -> Reply:
    """Prose without a single citation, whatever evidence there is."""
    return _sized(asked, 1.0)


def too_long(asked: Asked) -> Reply:
    return _sized(asked, 1.8)


def too_short(asked: Asked) -> Reply:
    return _sized(asked, 0.4)


def silent_usage(asked: Asked) -> Reply:
    return replace(obedient(asked), report_usage=False)


def delayed(script: Script, *, first_token_seconds: float, chunk_seconds: float) -> Script:
    """The same answers, slower."""

    def slower(asked: Asked) -> Reply:
        return replace(script(asked), first_token_seconds=first_token_seconds, chunk_seconds=chunk_seconds)

    return slower


def _sized(asked: Asked, factor: float) -> Reply:
    reply = obedient(asked)
    if asked.schema or asked.format != "none":
        return reply
    length, chinese = asked_length(asked.last_user)
    return replace(reply, text=prose(reply.text[:80], max(int(length * factor), 5), [], chinese=chinese))


SCRIPTS: dict[str, Callable[[Asked], Reply]] = {
    "obedient": obedient,
    "flaky": flaky,
    "truncating": truncating,
    "thinking": thinking,
    "unknown-keys": unknown_keys,
    "uncited": uncited,
    "too-long": too_long,
    "too-short": too_short,
    "silent-usage": silent_usage,
    "no-json-schema": refusing("json_schema", then=obedient),
    "no-json": refusing("json_schema", "json_object", then=obedient),
    "garbage": always(garbage()),
    "hanging": always(hang()),
    "cutting": always(cut()),
    "failing": always(failure(500)),
    "busy": always(failure(429, retry_after="1")),
}
