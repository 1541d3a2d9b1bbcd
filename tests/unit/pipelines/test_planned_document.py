"""A document whose outline the job made itself goes on from what the planning found; people say what may be used."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from langgraph.runtime import Runtime

from document_worker.pipeline.nodes.gather import gather
from document_worker.pipeline.nodes.split import split
from document_worker.pipeline.schemas import Evidence
from document_worker.pipeline.state import RESULT
from shared.contracts.commands import ContextFile, DocumentPayload
from shared.contracts.document import Degradation, OutlineQuality, OutlineResult, Source
from shared.contracts.errors import PermanentError
from shared.contracts.events import ProgressData
from shared.contracts.outline import Outline, OutlineNode, Research
from shared.contracts.plan import LEDGER
from shared.evidence import Ledger, Passage
from shared.gathering.gathering import Gathered
from shared.gathering.ports import SearchNotConfiguredError
from tests.support.llm import AnsweringModel
from tests.support.writing import document_context
from tests.unit.pipelines.desk import PaperDesk

FILES = [ContextFile(name="honey.md", text="Honey is made of nectar.")]
FROM_FILE = Source(id="file-1", name="honey.md", media_type="text/markdown")


def _web(title: str) -> Source:
    """Every search calls its first result alike."""
    return Source(
        id="web-1", name=title, media_type="text/html", title=title, url=f"https://e.org/{title}", provider="x"
    )


def _ledger(source: Source, key: str, text: str) -> Ledger:
    return Ledger(
        sources=[source], passages=[Passage(key=key, source_id=source.id, offset=0, text=text)], unreadable=[]
    )


def _outline(**research: Research) -> Outline:
    titles = {"honey": "Honey and nectar", "queens": "Queens of a hive", "drones": "Drones in summer"}
    nodes = [
        OutlineNode(id=name, title=title, target_words=50, research=research.get(name))
        for name, title in titles.items()
    ]
    return Outline(title="Bees", language="en", nodes=nodes)


@dataclass(slots=True)
class Asked:
    """A gatherer that finds one page and tells what it was asked."""

    found: Ledger
    calls: list[tuple[list[str], list[str], Research]] = field(default_factory=list)

    async def gather(
        self, job: str, files: Sequence[ContextFile], queries: Sequence[str], research: Research
    ) -> Gathered:
        self.calls.append(([file.name for file in files], list(queries), research))
        return Gathered(self.found)


NOTHING = Ledger(sources=[], passages=[], unreadable=[])


async def test_what_the_planning_found_is_neither_read_again_nor_lost() -> None:
    planned = _ledger(FROM_FILE, "Saaaaaa", "Honey is made of nectar.").extended(
        _ledger(_web("Queens"), "Sbbbbbb", "A queen of a hive lays eggs.")
    )
    failed = Degradation(code="search_failed", message="One provider was away.")
    made = OutlineResult(outline=_outline(), sources=[], quality=OutlineQuality(degradations=[failed]))
    desk = PaperDesk(stored={LEDGER: planned.model_dump_json().encode(), RESULT: made.model_dump_json().encode()})
    gatherer = Asked(_ledger(_web("Drones"), "Scccccc", "Drones fly in summer."))
    payload = DocumentPayload(outline=_outline(), context_files=FILES, research="web")
    runtime = Runtime(context=document_context(AnsweringModel(), desk, payload, gatherer=gatherer, planned=True))
    state = await gather({}, runtime)
    assert [(files, research) for files, _, research in gatherer.calls] == [([], "web")]
    assert state["degradations"] == [failed.model_dump()]
    ledger = Ledger.model_validate_json(desk.stored[LEDGER])
    assert [ledger.source(passage.source_id).name for passage in ledger.passages] == ["honey.md", "Queens", "Drones"]
    # As after a crash between this step and its checkpoint.
    await gather({}, runtime)
    assert Ledger.model_validate_json(desk.stored[LEDGER]) == ledger
    assert min(event.percent for event in desk.events if isinstance(event, ProgressData)) > 10


@pytest.mark.parametrize(
    ("usual", "said", "queries", "asked", "dealt"),
    [
        ("web", {}, 3, "web", {"honey": "file-1", "queens": "web-1"}),
        ("web", {"queens": "context_only"}, 2, "web", {"honey": "file-1"}),
        ("context_only", {"honey": "none"}, 0, "context_only", {}),
        ("none", {"queens": "web"}, 1, "web", {"queens": "web-1"}),
    ],
)
async def test_a_section_rests_on_what_it_may(
    usual: Research, said: dict[str, Research], queries: int, asked: Research, dealt: dict[str, str]
) -> None:
    files = _ledger(FROM_FILE, "Saaaaaa", "Honey is made of nectar.")
    web = _ledger(_web("Queens"), "Sbbbbbb", "A queen of a hive lays eggs; queens live long.")
    gatherer = Asked(files.extended(web) if asked == "web" else files)
    payload = DocumentPayload(outline=_outline(**said), context_files=FILES, research=usual)
    desk = PaperDesk()
    runtime = Runtime(context=document_context(AnsweringModel(), desk, payload, gatherer=gatherer))
    await gather({}, runtime)
    await split({}, runtime)
    assert [(len(searched), research) for _, searched, research in gatherer.calls] == [(queries, asked)]
    given = {
        name.removeprefix("evidence:"): Evidence.model_validate_json(raw).passages[0].source_id
        for name, raw in desk.stored.items()
        if name.startswith("evidence:")
    }
    assert given == dealt


async def test_an_outline_that_is_gone_is_told() -> None:
    context = document_context(AnsweringModel(), PaperDesk(), DocumentPayload())
    with pytest.raises(PermanentError, match="submit the job again"):
        await gather({}, Runtime(context=context))


def test_what_a_node_may_rest_on_comes_from_the_nearest_that_says_so() -> None:
    inner = OutlineNode(
        id="a", title="A", research="none", children=[OutlineNode(id="b", title="B"),
        OutlineNode(id="c", title="C", research="web")],
    )  # fmt: skip
    outline = Outline(title="T", nodes=[inner, OutlineNode(id="d", title="D")])
    assert outline.research("context_only") == {"b": "none", "c": "web", "d": "context_only"}


async def test_files_that_the_planning_might_not_read_are_read_once_a_person_allows_them() -> None:
    made = OutlineResult(outline=_outline(), sources=[])
    desk = PaperDesk(stored={LEDGER: NOTHING.model_dump_json().encode(), RESULT: made.model_dump_json().encode()})
    gatherer = Asked(_ledger(FROM_FILE, "Saaaaaa", "Honey is made of nectar."))
    payload = DocumentPayload(outline=_outline(honey="context_only"), context_files=FILES, research="none")
    context = document_context(AnsweringModel(), desk, payload, gatherer=gatherer, planned=True)
    await gather({}, Runtime(context=context))
    assert gatherer.calls == [(["honey.md"], [], "context_only")]
    assert len(Ledger.model_validate_json(desk.stored[LEDGER]).passages) == 1


class Unconfigured(Asked):
    """As where no search provider is set up."""

    async def gather(
        self, job: str, files: Sequence[ContextFile], queries: Sequence[str], research: Research
    ) -> Gathered:
        if research == "web":
            raise SearchNotConfiguredError("No search provider is set up.")
        return await Asked.gather(self, job, files, queries, research)


async def test_a_search_that_only_a_node_asks_for_is_done_without_where_none_is_set_up() -> None:
    gatherer, desk = Unconfigured(_ledger(FROM_FILE, "Saaaaaa", "Honey is made of nectar.")), PaperDesk()
    payload = DocumentPayload(outline=_outline(queens="web"), context_files=FILES)
    state = await gather({}, Runtime(context=document_context(AnsweringModel(), desk, payload, gatherer=gatherer)))
    assert [found["code"] for found in state["degradations"]] == ["search_failed"]
    assert len(Ledger.model_validate_json(desk.stored[LEDGER]).passages) == 1
    asked = DocumentPayload(outline=_outline(), context_files=FILES, research="web")
    with pytest.raises(PermanentError, match="No search provider"):
        await gather({}, Runtime(context=document_context(AnsweringModel(), desk, asked, gatherer=gatherer)))
