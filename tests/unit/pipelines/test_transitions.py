"""The neighbours of a section that was written again: a pointer that went stale is mended, all else is left alone."""

import dataclasses
from collections.abc import Callable

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from document_worker.pipeline.checks.pointing import Direction, outdated
from document_worker.pipeline.graph import build_graph
from shared.contracts.events import Section
from shared.contracts.plan import SectionRole, previous_field
from shared.contracts.usage import Usage
from shared.llm import Budget, StoredAnswers
from shared.llm.budget import Limits
from shared.llm.errors import ModelUnavailableError
from tests.support.llm import AnswersInMemory
from tests.unit.pipelines.desk import PaperDesk
from tests.unit.pipelines.revised import (
    begun,
    context_of,
    finished_document,
    ledger_of,
    result_of,
    revise,
    run,
    texts_of,
)
from tests.unit.pipelines.told import Told

OLD = "The copper price doubled within a year. Smelters closed and scrap dealers grew rich on old cables."
NEW = "Aluminium took the place of the red metal in most power lines, and nobody mourned for the change."
LEADS = "Mines were dug deeper every year.\n\nWhat followed for smelters and scrap dealers the next section tells."
FOLLOWS = "As shown above, scrap dealers grew rich when smelters closed. Their sons went to the city.\n\nIt ended soon."
DOCUMENT = {"First": LEADS, "Middle": OLD, "Last": FOLLOWS}
MENDED_LEADS = "What followed for the power lines of the country the next section tells."
MENDED_FOLLOWS = "As shown above, aluminium won the power lines of the land. Their sons went to the city."


def _answering(mended: Callable[[str], str] | None = None) -> Told:
    """Writes NEW, and mends what it is shown."""

    def answer(prompt: str, _n: int) -> str:
        if "The paragraph:\n" not in prompt:
            return NEW
        if mended is not None:
            return mended(prompt)
        return MENDED_LEADS if "the next section tells" in prompt.partition("Other sections")[0] else MENDED_FOLLOWS

    return Told(answer)


async def test_a_stale_pointer_is_mended_in_its_block_and_nowhere_else() -> None:
    model, desk = _answering(), begun(finished_document(DOCUMENT), "Middle")
    result = await revise(model, desk, "Middle")
    assert texts_of(desk.stored) == {
        "First": LEADS.replace("What followed for smelters and scrap dealers the next section tells.", MENDED_LEADS),
        "Middle": NEW,
        "Last": f"{MENDED_FOLLOWS}\n\nIt ended soon.",
    }
    assert len(model.asked) == 3
    assert all(NEW in prompt and OLD not in prompt for prompt in model.asked[1:])
    assert result.revision is not None
    assert result.revision.changed_sections == ["First", "Middle", "Last"]
    assert {event.section_id for event in desk.events if isinstance(event, Section)} == {"First", "Middle", "Last"}
    assert desk.shown("Last") == texts_of(desk.stored)["Last"]
    assert result.document.words == sum(section.words for section in result.quality.sections)


async def test_a_pointer_that_still_holds_is_left_alone() -> None:
    kept = f"{OLD.replace('doubled', 'fell')} All of it took a year."
    model, desk = Told(lambda _prompt, _n: kept), begun(finished_document(DOCUMENT), "Middle")
    result = await revise(model, desk, "Middle")
    assert len(model.asked) == 1
    assert texts_of(desk.stored) == {**DOCUMENT, "Middle": kept}
    assert result.revision is not None
    assert result.revision.changed_sections == ["Middle"]


async def test_only_the_block_that_stands_beside_it_counts_and_only_what_points_towards_it() -> None:
    away = {
        "First": f"{FOLLOWS.partition(chr(10))[0]}\n\nIt went on so.",
        "Middle": OLD,
        "Last": f"Time passed.\n\n{FOLLOWS}",
    }
    model, desk = _answering(), begun(finished_document(away), "Middle")
    await revise(model, desk, "Middle")
    assert len(model.asked) == 1
    assert texts_of(desk.stored) == {**away, "Middle": NEW}


async def test_introduction_and_conclusion_speak_of_the_whole_and_are_left_alone() -> None:
    roles: dict[str, SectionRole] = {"First": "introduction", "Last": "conclusion"}
    model, desk = _answering(), begun(finished_document(DOCUMENT, roles=roles), "Middle")
    await revise(model, desk, "Middle")
    assert len(model.asked) == 1


WAYWARD: dict[str, Callable[[str], str]] = {
    "as it was": lambda prompt: prompt.partition("The paragraph:\n")[2].partition("\n\nOther")[0],
    "stale as before": lambda prompt: (
        prompt.partition("The paragraph:\n")[2].partition("\n\nOther")[0].replace("when smelters", "after smelters")
    ),
    "far longer": lambda _prompt: " ".join([MENDED_FOLLOWS] * 4),
    "without its citation": lambda _prompt: MENDED_FOLLOWS,
    "in Chinese": lambda _prompt: "如上所述，铝线取代了铜线，他们的儿子去了城里，再也没有回来过，村里的人都这样说。",
    "empty": lambda _prompt: "",
}


@pytest.mark.parametrize("name", WAYWARD)
async def test_what_the_model_makes_worse_stays_as_it_was(name: str) -> None:
    (passage,) = ledger_of("Scrap dealers grew rich.").passages
    cited = FOLLOWS.replace("closed.", f"closed [@{passage.key}].")
    stored = finished_document(
        {**DOCUMENT, "First": "Mines were dug.", "Last": cited}, ledger_of(passage.text), {"Last": [passage]}
    )
    model, desk = _answering(WAYWARD[name]), begun(stored, "Middle")
    result = await revise(model, desk, "Middle")
    assert len(model.asked) == 2
    assert texts_of(desk.stored)["Last"] == cited
    assert result.revision is not None
    assert result.revision.changed_sections == ["Middle"]


async def test_a_model_that_fails_at_a_transition_costs_nothing_that_is_written() -> None:
    def away(_prompt: str) -> str:
        raise ModelUnavailableError("away")

    desk = begun(finished_document(DOCUMENT), "Middle")
    await revise(_answering(away), desk, "Middle")
    assert texts_of(desk.stored) == {**DOCUMENT, "Middle": NEW}


async def test_no_transition_is_mended_when_the_time_is_short() -> None:
    desk = begun(finished_document(DOCUMENT), "Middle")

    def answer(_prompt: str, _n: int) -> str:
        desk.soft_seconds = 0.0
        return NEW

    model = Told(answer)
    await revise(model, desk, "Middle")
    assert len(model.asked) == 1
    assert texts_of(desk.stored) == {**DOCUMENT, "Middle": NEW}


async def test_a_short_budget_leaves_transitions_as_they_are_and_says_so() -> None:
    desk = begun(finished_document(DOCUMENT), "Middle")
    budget = Budget(Limits(max_tokens=100), Usage(prompt_tokens=90))
    result = await revise(_answering(), desk, "Middle", budget=budget)
    assert texts_of(desk.stored) == {**DOCUMENT, "Middle": NEW}
    (said,) = [each.message for each in result.quality.degradations if each.code == "budget_limited"]
    assert "mending transitions" in said


@dataclasses.dataclass(slots=True)
class BreakingDesk(PaperDesk):
    """Loses power right after it stored what is named."""

    broken_at: str = ""

    async def store(self, field: str, value: bytes) -> None:
        self.stored[field] = value
        if field == self.broken_at:
            self.broken_at = ""
            raise RuntimeError(field)


@pytest.mark.parametrize("field", [previous_field("First"), "text:First", previous_field("Last"), "text:Last"])
async def test_a_mended_transition_is_known_after_a_crash(field: str) -> None:
    desk = BreakingDesk(stored=begun(finished_document(DOCUMENT), "Middle").stored, broken_at=field)
    told, answers = _answering(), AnswersInMemory()
    graph = build_graph(InMemorySaver())
    with pytest.raises(RuntimeError, match=field):
        await run(graph, context_of(StoredAnswers(told, answers), desk, "Middle"))
    await run(graph, context_of(StoredAnswers(told, answers), desk, "Middle", 2))
    assert len(told.asked) == 3
    undisturbed = begun(finished_document(DOCUMENT), "Middle")
    result = await revise(_answering(), undisturbed, "Middle")
    assert texts_of(desk.stored) == texts_of(undisturbed.stored)
    assert {name: desk.shown(name) for name in DOCUMENT} == texts_of(desk.stored)
    assert result.revision is not None
    assert result.revision.changed_sections == ["First", "Middle", "Last"]


async def test_a_transition_that_was_only_about_to_be_mended_is_not_named_as_changed() -> None:
    desk = BreakingDesk(stored=begun(finished_document(DOCUMENT), "Middle").stored, broken_at=previous_field("First"))
    graph = build_graph(InMemorySaver())
    with pytest.raises(RuntimeError, match="previous:First"):
        await run(graph, context_of(_answering(), desk, "Middle"))
    desk.soft_seconds = 0.0
    await run(graph, context_of(_answering(), desk, "Middle", 2))
    assert texts_of(desk.stored) == {**DOCUMENT, "Middle": NEW}
    revision = result_of(desk).revision
    assert revision is not None
    assert revision.changed_sections == ["Middle"]


OLD_ZH = "蜂蜜的水分降到百分之十八以下，工蜂用蜡封住巢房。"
NEW_ZH = "雄蜂没有螫针，夏末被赶出蜂巢。"


@pytest.mark.parametrize(
    ("sentence", "direction", "old", "new", "stale"),
    [
        ("As the previous section showed, smelters closed.", "back", OLD, NEW, True),
        ("The smelters and dealers described above had sons.", "back", OLD, NEW, True),
        ("The section above tells why smelters closed.", "back", OLD, NEW, True),
        ("As noted earlier, scrap dealers grew rich.", "back", OLD, NEW, True),
        ("The next section turns to scrap dealers.", "ahead", OLD, NEW, True),
        ("Why smelters closed is explained below.", "ahead", OLD, NEW, True),
        ("上一节说到巢房用蜡封住。", "back", OLD_ZH, NEW_ZH, True),
        ("如前所述，蜂蜜的水分会降低。", "back", OLD_ZH, NEW_ZH, True),
        ("下文将说明工蜂怎样封住巢房。", "ahead", OLD_ZH, NEW_ZH, True),
        ("下一節說明工蜂怎样封住巢房。", "ahead", OLD_ZH, NEW_ZH, True),
        # Nothing points.
        ("Smelters closed and scrap dealers grew rich.", "back", OLD, NEW, False),
        ("Temperatures above the smelters rose.", "back", OLD, NEW, False),
        ("工蜂用蜡封住巢房。", "back", OLD_ZH, NEW_ZH, False),
        # It points the other way.
        ("As the previous section showed, smelters closed.", "ahead", OLD, NEW, False),
        ("下文将说明工蜂怎样封住巢房。", "back", OLD_ZH, NEW_ZH, False),
        # What it points at is there still, or never was.
        ("As shown above, aluminium took the power lines.", "back", f"{OLD} {NEW}", NEW, False),
        ("As shown above, bees make honey.", "back", OLD, NEW, False),
        ("As shown above, all of this matters.", "back", OLD, NEW, False),
        ("As shown above, cables are costly.", "back", OLD, NEW, False),
        ("如前所述，这一点很要紧。", "back", OLD_ZH, NEW_ZH, False),
    ],
)
def test_a_pointer_is_stale_where_it_names_what_is_gone(
    sentence: str, direction: Direction, old: str, new: str, stale: bool
) -> None:
    block = f"Rain fell on the roofs. {sentence} And so it went."
    assert outdated(block, direction, old, new) == ([sentence] if stale else [])
