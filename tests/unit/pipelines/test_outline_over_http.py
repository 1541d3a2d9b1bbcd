"""The outline pipeline and its client of the model, against an endpoint of every kind."""

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from outline_worker.pipeline.graph import build_graph
from outline_worker.pipeline.state import RESULT, OutlineContext
from shared.contracts.commands import ContextFile, OutlinePayload
from shared.contracts.document import OutlineResult
from shared.contracts.ids import JobRef
from shared.language.text import reads_as
from shared.lifecycle.clock import SystemClock
from shared.llm import ChatClient
from tests.support.llm import model_settings
from tests.support.scripted_model import ScriptedModel
from tests.support.scripted_model.scripts import SCRIPTS
from tests.unit.pipelines.desk import PaperDesk
from tests.unit.pipelines.test_outline_graph import Shelf

PROMPTS = {"en": "Write about how the bees of the valley make honey", "zh": "介绍蜜蜂怎样采集花蜜并且酿成蜂蜜"}


@pytest.mark.parametrize("language", PROMPTS)
@pytest.mark.parametrize("target", [600, 1_500, 9_000])
@pytest.mark.parametrize("script", ["obedient", "thinking", "no-json-schema", "no-json"])
async def test_an_outline_comes_from_every_kind_of_endpoint(script: str, target: int, language: str) -> None:
    files = [ContextFile(name="notes.md", text=PROMPTS[language])]
    command = OutlinePayload(task_prompt=PROMPTS[language], target_words=target, context_files=files)
    desk = PaperDesk()
    async with (
        ScriptedModel(SCRIPTS[script]) as server,
        ChatClient(model_settings(server.base_url), SystemClock()) as client,
    ):
        context = OutlineContext(
            JobRef("job"), command, client, desk, Shelf(), context_tokens=32_768, answer_tokens=8_192
        )
        thread = {"configurable": {"thread_id": "job"}}
        await build_graph(InMemorySaver()).ainvoke({}, thread, context=context, durability="sync")
        refused = 2 if script == "no-json" else int(script == "no-json-schema")
        # analyse, draft and refine; nothing was repaired.
        assert len(server.calls) == 3 + refused
    result = OutlineResult.model_validate_json(desk.stored[RESULT])
    leaves = result.outline.leaves()
    assert sum(leaf.target_words or 0 for leaf in leaves) == target
    assert result.outline.language == language
    assert all(leaf.summary for leaf in leaves)
    assert reads_as("\n".join(f"{leaf.title} {leaf.summary}" for leaf in leaves), language)
    assert max(leaf.target_words or 0 for leaf in leaves[1:-1]) <= 500
    assert [file.status for file in result.quality.files] == ["used"]
