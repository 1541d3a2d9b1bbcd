"""The obedient script obeys, so that what fails on it is ours."""

import json
import re
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter

from shared.contracts.outline import Outline
from tests.support.scripted_model import Asked, Reply, obedient

_CITATION = re.compile(r"\s*\[@(S[0-9a-f]+)\]")
_HAN = re.compile(r"[\u4e00-\u9fff]")


class Every(BaseModel):
    """A bit of each kind of schema."""

    kind: Literal["a", "b"]
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
    few: Annotated[list[int], Field(min_length=3, max_length=3)]
    short: Annotated[str, StringConstraints(max_length=10)]
    long: Annotated[str, StringConstraints(min_length=100)]
    share: Annotated[float, Field(gt=0, lt=1.5)]
    words: Annotated[int, Field(ge=300, multiple_of=50)]
    sure: bool
    next: "Every | None" = None


def reply(text: str, response_format: dict[str, Any] | None = None, max_tokens: int = 9_999) -> Reply:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": text}], "max_tokens": max_tokens}
    return obedient(Asked(0, body if response_format is None else {**body, "response_format": response_format}))


def schema_format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "it", "schema": schema}}


@given(st.integers(5, 3_000))
def test_words_are_kept_to(words: int) -> None:
    assert len(reply(f"Write {words} words.").text.split()) == words


@given(st.integers(20, 3_000))
def test_characters_are_kept_to(characters: int) -> None:
    assert len(_HAN.findall(reply(f"请写 {characters} 字。").text)) == pytest.approx(characters, rel=0.05, abs=2)


@given(st.sets(st.from_regex(r"S[0-9a-f]{4}", fullmatch=True), max_size=12), st.sampled_from(["60 words", "80字"]))
def test_every_key_is_cited_at_the_end_of_a_sentence(keys: set[str], length: str) -> None:
    evidence = "\n".join(f"[@{key}] In 1999 it had 5,000 words about dams." for key in sorted(keys))
    text = reply(f"{evidence}\nWrite {length}.").text
    assert set(_CITATION.findall(text)) == keys
    assert not re.search(r"\[@\w+\](?!\s*\[@|[.。])", text)


def test_sections_differ() -> None:
    texts = [reply(f"Section {number} in 200 words.").text.split() for number in range(20)]
    grams = [tuple(words[i : i + 8]) for words in texts for i in range(len(words) - 7)]
    assert len(set(grams)) > 0.999 * len(grams)


def test_the_answer_is_the_same_each_time() -> None:
    assert reply("Hello") == reply("Hello")


@pytest.mark.parametrize("schema", [Outline, Every, TypeAdapter(list[Outline]), TypeAdapter(dict[str, int])])
def test_instances_are_valid(schema: type[BaseModel] | TypeAdapter[Any]) -> None:
    adapter = schema if isinstance(schema, TypeAdapter) else TypeAdapter(schema)
    adapter.validate_json(reply("Ships", schema_format(adapter.json_schema())).text)


def test_the_schema_is_found_in_the_prompt() -> None:
    text = f"Fill {{this}}:\n```json\n{json.dumps(Outline.model_json_schema())}\n```"
    for response_format in (None, {"type": "json_object"}):
        assert Outline.model_validate_json(reply(text, response_format).text)


def test_json_without_a_schema() -> None:
    assert json.loads(reply("Any JSON", {"type": "json_object"}).text)


def test_max_tokens_cut_the_answer() -> None:
    cut = reply("Write 500 words.", max_tokens=10)
    assert (len(cut.text), cut.finish_reason) == (40, "length")
