import io
import re

import pytest
from rich.console import Console

from deploy.local.view import LiveView, PlainView, View
from shared.contracts.errors import JobError
from shared.contracts.events import Delta, EventData, ProgressData, Retrying, Section, Started

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


def play(view: View) -> None:
    with view.job("Document job d1", {"s2": "Honey"}):
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


def test_the_live_view_shows_the_bar_and_the_end_of_what_is_written() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, height=20, highlight=False, markup=False)
    view = LiveView(console)
    play(view)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())
    assert "20 %" in text
    assert "section done: Colonies (4 words)" in text
    assert "the end" in text
    assert max(len(line) for line in re.split(r"[\r\n]", text)) <= 80
