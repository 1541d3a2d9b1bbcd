"""The document graph with fakes: what fails is written again, what is done is not."""

from dataclasses import replace
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from document_worker.pipeline.graph import build_graph
from document_worker.pipeline.state import RESULT, DocumentContext
from shared.contracts.commands import ContextFile, DocumentPayload
from shared.contracts.document import DocumentResult
from shared.contracts.errors import LeaseLostError, PermanentError, TransientError
from shared.contracts.events import ProgressData, Section
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.usage import Usage
from shared.llm import Answer, ChatRequest, Dialect, StoredAnswers
from shared.llm.errors import ModelContextExceededError, ModelUnavailableError
from tests.support.llm import AnswersInMemory
from tests.support.writing import document_context
from tests.unit.pipelines.desk import PaperDesk

OUTLINE = Outline(
    title="Bees",
    language="en",
    nodes=[OutlineNode(title=title, summary="s", target_words=5) for title in ("Honey", "Queens", "Drones")],
).with_ids()


class TitleModel:
    """Answers by the title of the section that is asked for."""

    def __init__(self, **replies: Any) -> None:
        self.dialect = Dialect()
        self.replies = replies
        self.asked: list[str] = []

    async def complete(self, request: ChatRequest, *, sink: Any = None, **_: Any) -> Answer:
        title = request.messages[1].content.partition("arrow: ")[2].partition("\n")[0]
        self.asked.append(title)
        reply = self.replies.get(title, f"All about {title} is told here.")
        if isinstance(reply, list):
            reply = reply.pop(0)
        if isinstance(reply, Exception):
            raise reply
        answer = reply if isinstance(reply, Answer) else Answer(reply, "stop", Usage(llm_calls=1))
        if sink is not None:
            sink.write(answer.text)
        return answer


class CitingModel(TitleModel):
    """Answers with a text that names the first evidence key it is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    async def complete(self, request: ChatRequest, *, sink: Any = None, **_: Any) -> Answer:
        key = request.messages[1].content.partition("[@")[2].partition("]")[0]
        answer = Answer(self.text.format(key), "stop", Usage(llm_calls=1))
        sink.write(answer.text)
        return answer


def _context(model: TitleModel, desk: PaperDesk, attempt: int = 1) -> DocumentContext:
    return document_context(model, desk, DocumentPayload(outline=OUTLINE), fence=attempt + 1)


async def _run(graph: Any, context: DocumentContext) -> None:
    thread = {"configurable": {"thread_id": "default/job"}}
    begun = (await graph.aget_state(thread)).values
    await graph.ainvoke(None if begun else {}, thread, context=context, durability="sync")


def _result(desk: PaperDesk) -> DocumentResult:
    return DocumentResult.model_validate_json(desk.stored[RESULT])


async def test_sections_in_order_whatever_the_order_of_writing() -> None:
    desk, model = PaperDesk(), TitleModel()
    await _run(build_graph(InMemorySaver()), _context(model, desk))
    markdown = _result(desk).document.markdown
    assert markdown.startswith("# Bees\n\n## Honey\n\nAll about Honey is told here.\n\n## Queens")
    assert {event.section_id for event in desk.events if isinstance(event, Section)} == {"s1", "s2", "s3"}
    percents = [event.percent for event in desk.events if isinstance(event, ProgressData)]
    assert percents == sorted(percents)
    assert _result(desk).quality.evidence == "none"


async def test_only_the_failed_section_is_written_again() -> None:
    desk = PaperDesk()
    model = TitleModel(Queens=[ModelUnavailableError("away", 7.0), "Queens are back in this text."])
    graph = build_graph(InMemorySaver())
    with pytest.raises(TransientError) as raised:
        await _run(graph, _context(model, desk))
    assert raised.value.retry_after_seconds == 7.0
    await _run(graph, _context(model, desk, attempt=2))
    assert sorted(model.asked) == ["Drones", "Honey", "Queens", "Queens"]
    assert "Queens are back" in _result(desk).document.markdown


async def test_a_permanent_failure_ends_the_job_and_starts_nothing_more() -> None:
    desk, model = PaperDesk(), TitleModel(Queens=ModelContextExceededError("too long"))
    with pytest.raises(PermanentError, match="too long"):
        await _run(build_graph(InMemorySaver()), _context(model, desk))
    assert "text:s1" in desk.stored
    assert model.asked == ["Honey", "Queens"]


async def test_a_cut_answer_is_gone_on_with_and_shown_as_one_text() -> None:
    cut = Answer("Honey is made ", "length", Usage(llm_calls=1))
    rest = Answer("from nectar by bees. And so", "stop", Usage(llm_calls=1))
    desk, model = PaperDesk(), TitleModel(Honey=[cut, rest])
    await _run(build_graph(InMemorySaver()), _context(model, desk))
    assert desk.stored["text:s1"].decode() == "Honey is made from nectar by bees."
    assert desk.shown("s1") == "Honey is made from nectar by bees."


async def test_what_is_shown_at_the_end_is_what_is_stored() -> None:
    desk, model = PaperDesk(), TitleModel(Honey="## Honey\n\nMade up [@Sffffff]. Well told. And then", Queens="Plain.")
    await _run(build_graph(InMemorySaver()), _context(model, desk))
    for section_id in ("s1", "s2", "s3"):
        assert desk.shown(section_id) == desk.stored[f"text:{section_id}"].decode()
    assert desk.stored["text:s1"].decode() == "Made up. Well told."
    assert _result(desk).quality.sections[0].unknown_citations == 1


async def test_a_lost_lease_stops_before_the_next_node() -> None:
    desk, model = PaperDesk(lost=True), TitleModel()
    with pytest.raises(LeaseLostError):
        await _run(build_graph(InMemorySaver()), _context(model, desk))
    assert model.asked == []


async def test_hostile_titles_and_open_fences_do_not_break_the_citations() -> None:
    titles = ("Arrays [0] explained", "Of `code", "Last [1]")
    outline = Outline(title="All [2]", nodes=[OutlineNode(title=title, target_words=5) for title in titles]).with_ids()
    files = [ContextFile(name=f"{n} [x].txt", text=title) for n, title in enumerate(titles)]
    desk = PaperDesk()
    model = CitingModel("Told [@{0}; @Sffffff]. Again 【@{0}】 and @{0} [3] sweet[4].\n\n```\nx[1]")
    context = replace(_context(model, desk), payload=DocumentPayload(outline=outline, context_files=files))
    await _run(build_graph(InMemorySaver()), context)
    document = _result(desk).document
    assert [reference.number for reference in document.references] == [1, 2, 3]
    assert "Told [1]. Again [1] and [1] sweet." in document.markdown
    assert r"# All \[2\]" in document.markdown
    assert r"\[1\] 0 \[x\].txt" in document.markdown
    assert "@S" not in document.markdown


async def test_an_empty_answer_is_no_section() -> None:
    desk, model = PaperDesk(), TitleModel(Honey="   ")
    with pytest.raises(TransientError) as raised:
        await _run(build_graph(InMemorySaver()), _context(model, desk))
    assert raised.value.code == "section_empty"


async def test_an_answer_that_left_nothing_is_asked_for_again() -> None:
    desk, model = PaperDesk(), TitleModel(Honey=["[@Sffffff]", "Honey is told now."])
    graph, store = build_graph(InMemorySaver()), AnswersInMemory()
    first = replace(_context(model, desk), model=StoredAnswers(model, store))
    with pytest.raises(TransientError) as raised:
        await _run(graph, first)
    assert raised.value.code == "section_empty"
    await _run(graph, replace(_context(model, desk, attempt=2), model=StoredAnswers(model, store)))
    assert sorted(model.asked) == ["Drones", "Honey", "Honey", "Queens"]
    assert "Honey is told now." in _result(desk).document.markdown
