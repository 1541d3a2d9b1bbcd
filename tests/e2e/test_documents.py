"""Documents that hold whatever the model does: both pipelines over HTTP, with one model of each vice."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from shared.llm.thinking import ThinkFilter
from tests.eval.cases import CASES, Case, notes
from tests.eval.judging import Row, judged
from tests.eval.manuscript import Manuscript
from tests.eval.producing import Client, Produced
from tests.support.documents import events_of, texts
from tests.support.processes import Fleet, fleet
from tests.support.scripted_model import SCRIPTS, WAYWARD, Asked, ScriptedModel
from tests.support.scripted_model.injected import PAYLOADS
from tests.support.scripted_model.misshapen import CHATTER, THOUGHT
from tests.support.servers import running, server_binaries

pytestmark = [
    pytest.mark.ci,
    pytest.mark.xdist_group("documents"),
    pytest.mark.timeout(90),
    pytest.mark.asyncio(loop_scope="module"),
]
WORDS = 600
MOST_REPEATED = 0.002
ENGLISH = Case(
    "english", "The Morwen Bay tidal barrage: why it was built, what it yields, what became of the bay", WORDS, "en",
    notes("barrage"),
)  # fmt: skip
CHINESE = Case("chinese", "云岭茶叶合作社的种植、加工、销售和分配", WORDS, "zh", notes("tea"))
PLANTED = {case.language: replace(case, words=WORDS) for case in CASES if case.payloads}
_CITATION = re.compile(r"\s?\[(?:\d+|@\w+)\]")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True, slots=True)
class Studio:
    """The services, and the models they ask."""

    services: Fleet
    model: ScriptedModel
    client: Client

    async def write(self, case: Case, name: str) -> tuple[Row, Produced]:
        """One document by one model."""
        produced = await self.client.produce(case, name, case.files(), name)
        return judged(produced), produced

    def answers(self, name: str) -> list[str]:
        """All that a model has written: its answers follow from the requests."""
        found = []
        for call in self.model.calls:
            if call.body["model"] == name:
                text = SCRIPTS[name](Asked(call.index, call.body)).text
                begun = "".join(m["content"] for m in call.body["messages"] if m["role"] == "assistant")
                found += [_unthought(begun + text), _unthought(text)]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def studio(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    folder: Path = tmp_path_factory.mktemp("logs")
    async with (
        running("valkey9", server_binaries()["valkey9"], "--maxmemory", "1gb") as server,
        ScriptedModel(SCRIPTS["by-model"]) as model,
        fleet(server.url, model.base_url, folder, DRAFTLINE_BACKOFF_BASE_SECONDS="0.2") as services,
        httpx2.AsyncClient(base_url=services.api, timeout=60, trust_env=False) as http,
    ):
        for name in ("gateway", "outline_worker", "document_worker"):
            await services.start(name)
        yield Studio(services, model, Client(http, job_seconds=60))


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, (ENGLISH, CHINESE)[number % 2]) for number, name in enumerate(["obedient", "obedient", *WAYWARD, "mixed"])],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
async def test_the_document_holds(studio: Studio, name: str, case: Case) -> None:
    row, produced = await studio.write(case, name)
    assert row.error == ""
    assert (row.bibliography, row.structure, row.language, row.exports) == ([], [], [], [])
    assert row.repeated <= MOST_REPEATED
    assert row.deviation <= (0.1 if name == "obedient" else 0.2)
    assert row.with_spans > 0
    assert row.citing >= row.with_spans * (1 if name == "obedient" else 0.5)
    assert produced.result is not None
    document, quality = produced.result["document"], produced.result["quality"]
    assert _not_written(document, studio.answers(name)) == []
    _POINTS.get(name, _nothing_more)(document["markdown"], quality)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["injected", "obedient"])
async def test_planted_commands_reach_nobody(studio: Studio, name: str, language: str) -> None:
    row, _ = await studio.write(PLANTED[language], name)
    assert row.error == ""
    assert row.injections == []
    # Nor does the model see them: it may not always be the one that was asked here.
    prompts = [str(call.body["messages"]) for call in studio.model.calls]
    assert not [payload for payload in PAYLOADS if any(payload in prompt for prompt in prompts)]
    streamed = texts(await events_of(studio.services.api, f"{name}-{PLANTED[language].name}-text"))
    assert streamed
    assert not [payload for payload in PAYLOADS if any(payload in text for text in streamed.values())]


async def test_a_model_that_stays_in_the_wrong_language_is_told_of(studio: Studio) -> None:
    row, produced = await studio.write(ENGLISH, "stubborn_language")
    assert row.bibliography == []
    assert produced.result is not None
    assert produced.result["quality"]["language"]["matches"] is False


def _unthought(text: str) -> str:
    """What a client keeps of an answer."""
    thinking = ThinkFilter()
    passed = thinking.feed(text)
    return passed.text + thinking.finish().text


def _not_written(document: dict[str, Any], answers: list[str]) -> list[str]:
    """Sentences of the document that stand in no answer of the model."""
    written = "\n".join(_bare(answer) for answer in answers)
    sentences = [
        sentence
        for part in Manuscript(document["markdown"]).body
        for sentence in _SENTENCES.split(_CITATION.sub("", part.text))
    ]
    return [sentence for sentence in sentences if _bare(sentence) not in written]


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", _CITATION.sub("", text))


def _nothing_more(_markdown: str, _quality: dict[str, Any]) -> None:
    """Some models have no point of their own."""


def _unknown_keys_are_counted(_: str, quality: dict[str, Any]) -> None:
    assert sum(section["unknown_citations"] for section in quality["sections"]) > 0


def _citations_are_set_by_matching(_: str, quality: dict[str, Any]) -> None:
    assert quality["evidence"] == "cited"
    assert sum(section["attributed"] for section in quality["sections"]) > 0


def _sections_were_written_again(_: str, quality: dict[str, Any]) -> None:
    assert any("uncited" in section["repaired"] for section in quality["sections"])
    assert sum(section["attributed"] for section in quality["sections"]) == 0


def _new_numbers_are_flagged(markdown: str, quality: dict[str, Any]) -> None:
    left = re.findall(r"\d\d\.\d (?:percent|%)", markdown)
    assert not left or quality["claims"]["unsupported"] > 0


def _no_thought_is_left(markdown: str, _: dict[str, Any]) -> None:
    assert THOUGHT not in markdown
    assert "think>" not in markdown


def _no_chatter_is_left(markdown: str, _: dict[str, Any]) -> None:
    assert not [words for words in CHATTER if words in markdown]


_POINTS = {
    "cites_unknown": _unknown_keys_are_counted,
    "cites_nothing": _citations_are_set_by_matching,
    "half_cites": _sections_were_written_again,
    "invents_numbers": _new_numbers_are_flagged,
    "thinks": _no_thought_is_left,
    "chatty": _no_chatter_is_left,
}
