"""The soft time limit: a document ends with what there is, and says what it lacks."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from document_worker.pipeline.graph import build_graph
from document_worker.pipeline.state import RESULT
from shared.contracts.commands import ContextFile, DocumentPayload
from shared.contracts.document import DocumentResult
from shared.contracts.errors import PermanentError
from shared.contracts.outline import Outline, OutlineNode
from shared.contracts.plan import PLAN, section_of
from shared.contracts.usage import Usage
from shared.llm import Answer, ChatRequest, Dialect
from shared.llm.errors import ModelAuthFailedError, ModelUnavailableError
from tests.support.writing import document_context
from tests.unit.pipelines.desk import PaperDesk

NESTED = Outline(
    title="Bees",
    language="en",
    nodes=[
        OutlineNode(title="Honey", target_words=5),
        OutlineNode(
            title="Castes",
            children=[OutlineNode(title="Queens", target_words=5), OutlineNode(title="Drones", target_words=5)],
        ),
        OutlineNode(title="Keeping", children=[OutlineNode(title="Hives", target_words=5)]),
    ],
).with_ids()
"""Leaves: s1 Honey, s2.1 Queens, s2.2 Drones, s3.1 Hives."""
LEAVES = ["s1", "s2.1", "s2.2", "s3.1"]
FILES = [ContextFile(name=f"{title}.txt", text=title) for title in ("Drones", "Honey", "Queens", "Hives")]


@dataclasses.dataclass(slots=True)
class HurriedDesk(PaperDesk):
    """Its limits come while the test runs, and a worker may die on it."""

    seconds: tuple[float, float] = (0.0, 0.0)
    soft_at: float = 0.0
    texts_at: float = 0.0
    deadly: str = ""
    """The field after whose storing nothing happens any more."""
    died: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def limit(self, soft_seconds: float, text_seconds: float) -> "HurriedDesk":
        """Count from now, and anew from when the document is planned, however long that takes."""
        self.seconds = (soft_seconds, text_seconds)
        self._begin()
        return self

    def _begin(self) -> None:
        now = asyncio.get_running_loop().time()
        self.soft_at, self.texts_at = now + self.seconds[0], now + self.seconds[1]

    def over(self) -> None:
        """The soft limit comes now."""
        self.soft_at = 0.0

    def time_is_short(self) -> bool:
        return self.soft_seconds_left() <= 0

    def soft_seconds_left(self) -> float:
        return max(0.0, self.soft_at - asyncio.get_running_loop().time())

    def text_seconds_left(self) -> float:
        return max(0.0, self.texts_at - asyncio.get_running_loop().time())

    async def store(self, field: str, value: bytes) -> None:
        self.stored[field] = value
        if field == PLAN and self.soft_at:
            self._begin()
        if field == self.deadly:
            self.died.set()
            await asyncio.Event().wait()


@dataclasses.dataclass(frozen=True, slots=True)
class Flow:
    """A text that comes in pieces; ``then`` is done with the whole of it."""

    pieces: list[str]
    first_seconds: float = 0.0
    piece_seconds: float = 0.0
    finish_reason: Any = "stop"
    then: Callable[[], None] = lambda: None


NEVER = Flow([], first_seconds=60)


class FlowingModel:
    """Answers by the title of the section that is asked for."""

    def __init__(self, **flows: Flow | Exception) -> None:
        self.dialect = Dialect()
        self.asked: list[str] = []
        self._flows = flows

    async def complete(self, request: ChatRequest, *, sink: Any = None, **_: Any) -> Answer:
        title = request.messages[1].content.partition("arrow: ")[2].partition("\n")[0]
        self.asked.append(title)
        flow = self._flows.get(title, Flow([f"All about {title} is told here."]))
        if isinstance(flow, Exception):
            raise flow
        key = request.messages[1].content.partition("[@")[2].partition("]")[0]
        await asyncio.sleep(flow.first_seconds)
        for piece in flow.pieces:
            sink.write(piece.replace("KEY", key))
            await asyncio.sleep(flow.piece_seconds)
        flow.then()
        return Answer("".join(flow.pieces).replace("KEY", key), flow.finish_reason, Usage(llm_calls=1))


def _graph() -> Any:
    return build_graph(InMemorySaver())


async def _run(graph: Any, context: Any) -> None:
    thread = {"configurable": {"thread_id": "default/job"}}
    begun = (await graph.aget_state(thread)).values
    async with asyncio.timeout(3):
        await graph.ainvoke(None if begun else {}, thread, context=context, durability="sync")


async def _write(
    model: FlowingModel, desk: PaperDesk, graph: Any = None, attempt: int = 1, **payload: Any
) -> DocumentResult:
    """One attempt, as the handler makes it."""
    asked = DocumentPayload(**{"outline": NESTED, **payload})
    context = document_context(model, desk, asked, fence=attempt + 1, finished=_finished(desk))
    await _run(graph or _graph(), context)
    return DocumentResult.model_validate_json(desk.stored[RESULT])


def _finished(desk: PaperDesk) -> set[str]:
    return {section for name in desk.stored if (section := section_of(name)) is not None}


def _missing(result: DocumentResult) -> list[str]:
    return [section.id for section in result.quality.missing_sections]


async def test_sections_that_are_not_begun_are_left_out_with_their_headings() -> None:
    desk = HurriedDesk().limit(3_600, 3_600)
    model = FlowingModel(Honey=Flow(["Honey is told."], then=desk.over))
    # One at a time, as where the model takes no more.
    result = await _write(model, desk, _graph().with_config(max_concurrency=1))
    assert model.asked == ["Honey"]
    assert result.document.markdown == "# Bees\n\n## Honey\n\nHoney is told.\n"
    assert [section.id for section in result.document.sections] == ["s1"]
    assert result.quality.time_limited
    missing = [(section.id, section.title) for section in result.quality.missing_sections]
    assert missing == [("s2.1", "Queens"), ("s2.2", "Drones"), ("s3.1", "Hives")]
    assert (result.document.words, result.quality.words, result.quality.target_words) == (3, 3, 20)


async def test_a_chapter_stays_with_one_of_its_sections() -> None:
    """Those of which no word has come by the soft limit are missing."""
    model = FlowingModel(Honey=NEVER, Drones=NEVER, Hives=NEVER)
    result = await _write(model, HurriedDesk().limit(0.1, 0.2))
    assert [section.id for section in result.document.sections] == ["s2", "s2.1"]
    assert result.document.markdown.startswith("# Bees\n\n## Castes\n\n### Queens\n\nAll about")
    assert _missing(result) == ["s1", "s2.2", "s3.1"]


async def test_citations_are_numbered_over_what_is_there() -> None:
    """And of the files only those of the sections that were written count as used."""
    cited = Flow(["Told [@KEY]."])
    model = FlowingModel(Honey=NEVER, Queens=cited, Drones=NEVER, Hives=cited)
    result = await _write(model, HurriedDesk().limit(0.1, 0.2), context_files=FILES)
    document = result.document
    assert [(item.number, item.source.name) for item in document.references] == [(1, "Queens.txt"), (2, "Hives.txt")]
    assert document.markdown.count("Told [1].") == document.markdown.count("Told [2].") == 1
    used = {file.name for file in result.quality.files if file.status == "used"}
    assert used == {"Queens.txt", "Hives.txt"}


async def test_a_text_that_takes_too_long_ends_with_its_last_whole_sentence() -> None:
    desk = HurriedDesk().limit(0.1, 0.2)
    pieces = ["First of many. ", "Second of many.\n\n", "- And this item is nev", *["er "] * 400]
    result = await _write(FlowingModel(Queens=Flow(pieces, piece_seconds=0.01)), desk)
    text = desk.stored["text:s2.1"].decode()
    assert text == desk.shown("s2.1") == "First of many. Second of many."
    assert [fact.out_of_time for fact in result.quality.sections] == [False, True, False, False]
    assert (result.quality.time_limited, _missing(result)) == (True, [])


async def test_a_text_that_has_begun_may_end_after_the_soft_limit() -> None:
    desk = HurriedDesk().limit(0.05, 5)
    pieces = [f"Sentence {n}. " for n in range(15)]
    result = await _write(FlowingModel(Queens=Flow(pieces, piece_seconds=0.01)), desk)
    assert desk.time_is_short()
    assert desk.stored["text:s2.1"].decode().endswith("Sentence 14.")
    assert not result.quality.time_limited


async def test_wherever_a_text_is_cut_its_citations_stay_whole() -> None:
    """Each section is cut at another place of the same text."""
    text = "Before it. Told [@KEY]. Told again 【@KEY】 and more of it."
    titles = [f"Subject{letter}" for letter in "abcdefghijklmnopqrst"]
    outline = Outline(title="Bees", nodes=[OutlineNode(title=title, target_words=5) for title in titles]).with_ids()
    files = [ContextFile(name=f"{title}.txt", text=title) for title in titles]
    model = FlowingModel(**{title: Flow([text[: 10 + 2 * n], ""], 0, 60) for n, title in enumerate(titles)})
    result = await _write(model, HurriedDesk().limit(0.3, 0.35), outline=outline, context_files=files)
    written = result.document.markdown.partition("## References")[0].split("\n\n")[2::2]
    assert len(written) == len(titles)
    for paragraph in written:
        assert paragraph.startswith("Before it.")
        assert paragraph.endswith((".", "]")), paragraph
        assert not set("@【") & set(paragraph)


async def test_a_text_without_one_whole_sentence_is_missing() -> None:
    desk = HurriedDesk().limit(0.1, 0.2)
    result = await _write(FlowingModel(Queens=Flow(["This begins and never ", "ends"], piece_seconds=60)), desk)
    assert _missing(result) == ["s2.1"]
    assert "This begins" not in result.document.markdown


async def test_a_text_that_was_not_gone_on_with_for_want_of_time_says_so() -> None:
    """The length limit of an answer cut it, and the time to ask for the rest was over."""
    desk = HurriedDesk().limit(3_600, 3_600)
    cut = Flow(["Honey is told. But there is"], finish_reason="length", then=desk.over)
    outline = Outline(title="Bees", language="en", nodes=[OutlineNode(title="Honey", target_words=100)]).with_ids()
    model = FlowingModel(Honey=cut)
    result = await _write(model, desk, outline=outline)
    assert (model.asked, desk.stored["text:s1"]) == (["Honey"], b"Honey is told.")
    assert (result.quality.time_limited, result.quality.sections[0].out_of_time) == (True, True)


async def test_failures_that_may_pass_count_as_missing_once_the_time_is_over() -> None:
    desk = HurriedDesk().limit(0.1, 0.2)
    model = FlowingModel(Queens=ModelUnavailableError("away", 5.0), Hives=NEVER)
    result = await _write(model, desk)
    assert _missing(result) == ["s2.1", "s3.1"]


@pytest.mark.parametrize("error", [ModelUnavailableError("away", 5.0), ModelAuthFailedError("denied")])
async def test_failures_in_time_and_failures_for_good_end_the_attempt(error: Exception) -> None:
    desk = HurriedDesk().limit(3_600, 3_600)
    model = FlowingModel(Queens=error, Hives=Flow(["Hives are told."]))
    if isinstance(error, PermanentError):
        model = FlowingModel(Queens=error, Hives=Flow(["Hives are told."], first_seconds=0.02, then=desk.over))
    with pytest.raises(type(error), match=str(error)):
        await _write(model, desk)


async def test_all_finished_in_time_is_complete_although_the_limit_has_come_since() -> None:
    desk = HurriedDesk().limit(3_600, 3_600)
    result = await _write(FlowingModel(Hives=Flow(["Hives are told."], first_seconds=0.02, then=desk.over)), desk)
    assert desk.time_is_short()
    assert (result.quality.time_limited, _missing(result)) == (False, [])


async def test_nothing_finished_in_time_is_a_failure_and_a_new_run_writes_all() -> None:
    desk, model, graph = HurriedDesk(), FlowingModel(), _graph()
    with pytest.raises(PermanentError) as raised:
        await _write(model, desk, graph)
    assert (raised.value.code, model.asked) == ("time_limit_exceeded", [])
    result = await _write(model, desk.limit(3_600, 3_600), graph, attempt=2)
    assert sorted(model.asked) == ["Drones", "Hives", "Honey", "Queens"]
    assert not result.quality.time_limited


@pytest.mark.parametrize(("deadly", "left"), [("text:s2.1", LEAVES[2:]), ("text:s3.1", [])])
async def test_a_resumed_attempt_after_the_limit_ends_at_once_with_what_is_stored(deadly: str, left: list[str]) -> None:
    """The worker was killed between storing a section and its checkpoint: one in the middle, and the last one."""
    late = NEVER if left else Flow(["All is told."], first_seconds=0.05)
    desk, graph = HurriedDesk(deadly=deadly).limit(3_600, 3_600), _graph()
    model = FlowingModel(Drones=NEVER if left else Flow(["All is told."]), Hives=late)
    async with asyncio.TaskGroup() as group:
        killed = group.create_task(_write(model, desk, graph))
        await desk.died.wait()
        killed.cancel()
    asked, desk.deadly = list(model.asked), ""
    desk.over()
    result = await _write(model, desk, graph, attempt=2)
    assert model.asked == asked
    assert [fact.id for fact in result.quality.sections] == [name for name in LEAVES if name not in left]
    assert _missing(result) == left
