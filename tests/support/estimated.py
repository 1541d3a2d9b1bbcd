"""Documents made by both pipelines from scripted models over HTTP, and what was estimated for them before.

``python -m tests.support.estimated`` prints them as a table.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from langgraph.checkpoint.memory import InMemorySaver

from document_worker.pipeline.graph import build_graph as build_document_graph
from gateway.estimates.estimating import estimate
from gateway.estimates.routes import asked_of
from gateway.estimates.views import Estimate
from gateway.parts.pricing import Room
from outline_worker.pipeline.graph import build_graph as build_outline_graph
from outline_worker.pipeline.state import RESULT, OutlineContext
from shared.contracts.commands import ContextFile, DocumentPayload, OutlinePayload
from shared.contracts.document import OutlineResult
from shared.contracts.ids import JobRef
from shared.contracts.outline import Outline
from shared.contracts.states import JobKind
from shared.contracts.usage import Usage
from shared.lifecycle.clock import SystemClock
from shared.llm import ChatClient
from tests.eval.cases import OUTLINE, text_of
from tests.support.llm import model_settings
from tests.support.scripted_model import ScriptedModel
from tests.support.scripted_model.replies import Script
from tests.support.scripted_model.scripts import SCRIPTS
from tests.support.writing import TextGatherer, document_context
from tests.unit.pipelines.desk import PaperDesk

MODELS = ("obedient", "half_cites", "erratic_length")
LARGE, SMALL = Room(32_768, 8_192), Room(4_096, 1_365)
_TIDES = "How do small harbour towns live with the tide, and what do they build against it?"
_WORKS = "Public works compared: what the barrage, the tramway and the map archive took, and what they gave"
_PLACES = "三个地方的变化：清溪灌区改造、云岭茶叶合作社、临港市公交电动化"
_GIVEN = Outline.model_validate(OUTLINE).with_ids()


@dataclass(frozen=True, slots=True)
class Wish:
    """A document somebody asks for."""

    prompt: str
    words: int | None
    files: Sequence[str] = ()
    outline: Outline | None = None
    room: Room = LARGE

    @property
    def payload(self) -> DocumentPayload:
        files = [ContextFile(name=f"{name}.md", text=text_of(name)) for name in self.files]
        return DocumentPayload(
            outline=self.outline, task_prompt=self.prompt, target_words=self.words, context_files=files
        )


WISHES = {
    "en-300": Wish(_TIDES, 300),
    "zh-800": Wish("小城市怎样保护自己的老街道和手工业？请写一篇报告。", 800),
    "en-800-file": Wish("The Morwen Bay tidal barrage: why it was built and what it yields", 800, ("barrage",)),
    "en-default-files": Wish(_WORKS, None, ("barrage", "tramway", "maps")),
    "zh-of-en-1500": Wish("Morwen 潮汐电站与 Kessel 有轨电车：两项公共工程的影响", 1_500, ("barrage", "tramway")),
    "en-outline-file": Wish("What Kessel learned from its trams", None, ("tramway",), _GIVEN),
    "en-outline-2500": Wish("What Kessel learned from its trams", 2_500, (), _GIVEN),
    "zh-3000-files": Wish(_PLACES, 3_000, ("reservoir", "tea", "buses")),
    "en-5000-files": Wish(_WORKS, 5_000, ("barrage", "tramway", "maps")),
    "en-2000-small": Wish(_WORKS, 2_000, ("barrage", "tramway"), room=SMALL),
}


def estimated(wish: Wish) -> Estimate:
    """As the gateway answers, for a model without a price."""
    return estimate(JobKind.DOCUMENT, asked_of(wish.payload), wish.room, None, None)


async def made(wish: Wish, model: str) -> tuple[Usage, int]:
    """What the document used, and how many sections it has."""
    spent = Usage()
    payload = wish.payload
    async with (
        ScriptedModel(_unreported(SCRIPTS[model])) as server,
        ChatClient(model_settings(server.base_url), SystemClock()) as client,
    ):
        if wish.outline is None:
            outline, spent = await _planned(wish, client)
            payload = payload.model_copy(update={"outline": outline, "target_words": None})
        desk = PaperDesk()
        room = wish.room
        context = document_context(client, desk, payload, context_tokens=room.context, answer_tokens=room.answer)
        await build_document_graph(InMemorySaver()).ainvoke(
            {}, {"configurable": {"thread_id": "document"}}, context=context, durability="sync"
        )
    assert payload.outline is not None
    return spent + desk.spent, len(payload.outline.leaves())


async def _planned(wish: Wish, client: ChatClient) -> tuple[Outline, Usage]:
    desk, asked = PaperDesk(), wish.payload
    command = OutlinePayload(
        task_prompt=wish.prompt, target_words=asked.target_words, context_files=asked.context_files
    )
    context = OutlineContext(JobRef("job"), command, client, desk, TextGatherer(), wish.room.context, wish.room.answer)
    await build_outline_graph(InMemorySaver()).ainvoke(
        {}, {"configurable": {"thread_id": "outline"}}, context=context, durability="sync"
    )
    return OutlineResult.model_validate_json(desk.stored[RESULT]).outline.with_ids(), desk.spent


def _unreported(script: Script) -> Script:
    """The server's own count takes four Han characters for one token; without one the client counts as estimates do."""
    return lambda asked: replace(script(asked), report_usage=False, chunk_characters=400)


async def _table() -> None:
    print(
        "| document | sections | estimate: calls | tokens | high / low | model | calls | tokens | place in the range |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, wish in WISHES.items():
        told = estimated(wish)
        calls, tokens = told.calls, told.total_tokens
        for model in MODELS:
            used, sections = await made(wish, model)
            total = used.prompt_tokens + used.completion_tokens
            place = (total - tokens.low) / (tokens.high - tokens.low)
            print(
                f"| {name} | {sections} | {calls.low}-{calls.high} | {tokens.low:,}-{tokens.high:,} | "
                f"{tokens.high / tokens.low:.1f} | {model} | {used.llm_calls} | {total:,} | {place:.0%} |"
            )


if __name__ == "__main__":
    asyncio.run(_table())
