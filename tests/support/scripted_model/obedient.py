"""A model that does what it is told: the schema asked for, or prose of the length asked for."""

import hashlib
import json
import re

from tests.support.scripted_model.prose import is_chinese, prose
from tests.support.scripted_model.replies import Asked, Reply
from tests.support.scripted_model.schemas import instance_of

_LENGTH = re.compile(r"(\d[\d,]*)[\s-]*(words?\b|(?:个|個)?(?:汉|漢)?字)")
_EVIDENCE = re.compile(r"\[@(S[0-9a-f]+)\]([^\n\[]*)")
_DEFAULT_WORDS = 120


def obedient(asked: Asked) -> Reply:
    """The default script: the answer is a function of the request alone."""
    seed = hashlib.sha256(json.dumps(asked.body["messages"], sort_keys=True).encode()).hexdigest()
    return within_budget(asked, _answer(asked, seed))


def within_budget(asked: Asked, text: str) -> Reply:
    """The text, cut at the ``max_tokens`` of the request as an endpoint would."""
    limit = asked.body.get("max_tokens") or asked.body.get("max_completion_tokens")
    if limit is not None and count_tokens(text) > limit:
        return Reply(text=text[: limit * 4], finish_reason="length")
    return Reply(text=text)


def count_tokens(text: str) -> int:
    """The server's own count: four characters a token."""
    return len(text) // 4


def asked_length(prompt: str) -> tuple[int, bool]:
    """The first ``N words`` or ``N 字`` outside the evidence; whether it counts characters."""
    found = _LENGTH.search(_EVIDENCE.sub("", prompt))
    if found is None:
        return _DEFAULT_WORDS * (2 if is_chinese(prompt) else 1), is_chinese(prompt)
    return int(found[1].replace(",", "")), found[2].endswith("字")


def evidence(prompt: str) -> dict[str, str]:
    """Each evidence key of the prompt, in order, with the longest text that follows it on its line."""
    spans: dict[str, str] = {}
    for key, text in _EVIDENCE.findall(prompt):
        spans[key] = max(spans.get(key, ""), text, key=len)
    return spans


def _answer(asked: Asked, seed: str) -> str:
    schema = asked.schema
    if schema is not None:
        return json.dumps(instance_of(schema, asked.prompt, seed), ensure_ascii=False)
    if asked.format == "json_object":
        return json.dumps({"text": prose(seed, 12, [], chinese=False)})
    length, chinese = asked_length(asked.last_user)
    return prose(seed, length, list(evidence(asked.prompt).items()), chinese=chinese)
