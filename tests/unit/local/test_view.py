import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from deploy.local.view import LiveView, PlainView, View, time_left
from shared.contracts.errors import JobError
from shared.contracts.events import Delta, EventData, ProgressData, Retrying, Section, Started
from shared.contracts.outline import Outline, OutlineNode

EVENTS: list[EventData] = [
    Started(attempt=1, worker="w"),
    ProgressData(step="write", message="Writing 2 sections", percent=20, eta_seconds=65),
    ProgressData(step="write", message="Writing 2 sections", percent=20),
    Delta(section_id="s1", revision=1, offset=0, text="Bees live in [colonies]."),
    Section(section_id="s1", revision=1, title="Colonies", words=4),
    Retrying(error=JobError(code="model_busy", message="429", retryable=True), retry_at="2026-01-01T00:00:00Z"),
    Started(attempt=2, worker="w"),
    Delta(section_id="s2", revision=1, offset=0, text="Honey " * 200 + "the end"),
]
OUTLINE = Outline(
    title="蜂",
    language="zh",
    nodes=[
        OutlineNode(
            id="s1",
            title="蜂群",
            children=[OutlineNode(id="s1.1", title="工蜂", summary="分工\n与合作\x1b", target_words=300)],
        )
    ],
)


def play(view: View) -> None:
    with view.job("Document job d1"):
        for event in EVENTS:
            view.show(event)


def test_plain_output_is_a_line_for_each_piece_of_news(capsys: pytest.CaptureFixture[str]) -> None:
    play(PlainView())
    assert capsys.readouterr().out.splitlines() == [
        "Document job d1",
        "   20 %  write: Writing 2 sections, about 1:05 left",
        "   20 %  section done: Colonies (4 words)",
        "   20 %  attempt failed, will be tried again: 429 (model_busy)",
        "   20 %  attempt 2 begins",
    ]


def live_view() -> tuple[LiveView, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, height=20, highlight=False, markup=False)
    return LiveView(console), output


def without_codes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_the_live_view_shows_the_bar_and_the_end_of_what_is_written() -> None:
    view, output = live_view()
    play(view)
    text = without_codes(output.getvalue())
    assert "20 %" in text
    assert "section done: Colonies (4 words)" in text
    assert "the end" in text
    assert max(len(line) for line in re.split(r"[\r\n]", text)) <= 80


def test_plain_output_shows_the_outline_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainView()
    view.outline(OUTLINE, for_review=False)
    view.outline(OUTLINE, for_review=True)
    looked_at = ["  蜂 (1 section to write, 300 字)", "    蜂群", "      工蜂 (300 字)"]
    reviewed = [
        looked_at[0],
        "    [s1] 蜂群",
        "      [s1.1] 工蜂 (300 字)",
        "        分工 与合作\N{REPLACEMENT CHARACTER}",
    ]
    assert capsys.readouterr().out.splitlines() == [*looked_at, *reviewed]
    view.show(Section(section_id="s1.1", revision=1, title="工蜂", words=280))
    assert capsys.readouterr().out == "    0 %  section done: 工蜂 (280 字)\n"


def test_nothing_moves_while_a_person_is_asked() -> None:
    view, output = live_view()
    with view.job("Document job d1"):
        view.outline(OUTLINE, for_review=True)
        with view.aside():
            before = len(output.getvalue())
            view.ask("Well?")
            view.show(ProgressData(step="wait", message="not shown now", percent=30))
            assert output.getvalue()[before:].count("\n") == 0
            assert without_codes(output.getvalue()).endswith("Well? ")
        view.show(Delta(section_id="s1.1", revision=1, offset=0, text="蜂"))
    text = without_codes(output.getvalue())
    assert "wait: not shown now" in text.partition("Well?")[2]
    assert "  工蜂" in text.partition("Well?")[2]
    assert all(len(line) <= 80 for line in re.split(r"[\r\n]", text))


@pytest.mark.parametrize(
    ("seconds", "percent", "said"),
    [
        (None, 20, ""),
        (65.0, 20, ", about 1:05 left"),
        (61.2, 20, ", about 1:05 left"),
        (5.0, 20, ", about 0:05 left"),
        (4.9, 20, ""),
        (0.0, 50, ""),
        (-30.0, 50, ""),
        (0.0, 92, ", almost done"),
        (None, 95, ", almost done"),
        (60.0, 95, ", about 1:00 left"),
        (0.0, 100, ""),
    ],
)
def test_an_estimate_that_has_run_out_is_not_shown(seconds: float | None, percent: float, said: str) -> None:
    """Without this a job said that 0:00 was left, and went on for a minute."""
    assert time_left(seconds, percent) == said


@given(st.one_of(st.none(), st.floats(-1_000, 100_000)), st.floats(0, 100))
def test_no_seconds_left_is_never_said(seconds: float | None, percent: float) -> None:
    assert "0:00" not in time_left(seconds, percent).removeprefix(", about ").split()[:1]
