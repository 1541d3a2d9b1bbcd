"""Shows a job while it runs: live on a terminal, one line an event elsewhere."""

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deploy.local.errors import LaunchError
from deploy.local.outline_lines import outline_lines, titles_of
from deploy.local.outline_text import length_unit
from deploy.local.picture import Picture, SectionText, printable
from shared.contracts.events import EventData, Gap, ProgressData, Queued, Retrying, Section, Started
from shared.contracts.outline import Outline

REFRESH_PER_SECOND = 8
BAR_WIDTH = 40
MOST_SECTIONS = 4
MOST_LINES = 6
FRAME_LINES = 6
SHORTEST_SECONDS = 5
"""A time left that is shorter is not shown: estimates are not that good."""
ALMOST_DONE_PERCENT, DONE_PERCENT = 90, 100
"""From the first on, all sections are written and only the putting together is left."""


class View(Protocol):
    """Where the launcher writes."""

    def say(self, text: str) -> None:
        """Write a line that stays."""
        ...

    def job(self, heading: str) -> AbstractContextManager[None]:
        """Show a job inside this context."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Inside, the job waits for a person and nothing moves on the screen."""
        ...

    def outline(self, outline: Outline, *, for_review: bool) -> None:
        """Show the outline that the job goes by from here on, for a review with all that can be changed in it."""
        ...

    def ask(self, question: str) -> None:
        """Write what a person is to answer."""
        ...

    def show(self, event: EventData) -> None:
        """Take in an event of the job."""
        ...


def make_view() -> View:
    """The live one if standard output is a terminal that can move its cursor."""
    console = Console(highlight=False, markup=False)
    return LiveView(console) if sys.stdout.isatty() and not console.is_dumb_terminal else PlainView()


def news(event: EventData, unit: str) -> str | None:
    """The event as one line, or None where it is not worth one."""
    match event:
        case Queued() if event.reason == "approved":
            return "approved, the document is written from this outline"
        case Started() if event.attempt > 1:
            return f"attempt {event.attempt} begins"
        case Section():
            return f"section done: {printable(event.title)} ({event.words} {unit})"
        case Retrying():
            return f"attempt failed, will be tried again: {printable(event.error.message)} ({event.error.code})"
        case Gap():
            return "some events were no longer there; going on from the job as it stands"
        case _:
            return None


class PlainView:
    """For pipes and logs: no control codes, each line flushed."""

    def __init__(self) -> None:
        self._picture = Picture()
        self._last_line = ""

    def say(self, text: str) -> None:
        try:
            print(text, flush=True)
        except BrokenPipeError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            msg = "Nobody reads the output any more."
            raise LaunchError(msg) from error

    @contextmanager
    def job(self, heading: str) -> Iterator[None]:
        self._picture, self._last_line = Picture(), ""
        self.say(heading)
        yield

    def aside(self) -> AbstractContextManager[None]:
        return nullcontext()

    def outline(self, outline: Outline, *, for_review: bool) -> None:
        plan(self._picture, outline)
        for line in outline_lines(outline, for_review=for_review):
            self.say(f"{' ' * line.indent}{line.text}")

    def ask(self, question: str) -> None:
        self.say(question)

    def show(self, event: EventData) -> None:
        self._picture.apply(event)
        line = news(event, self._picture.unit)
        if isinstance(event, ProgressData):
            line = f"{self._picture.step}: {self._picture.message}"
        if line is None or line == self._last_line:
            return
        self._last_line = line
        left = time_left(self._picture.eta_seconds, self._picture.percent) if isinstance(event, ProgressData) else ""
        self.say(f"  {self._picture.percent:3.0f} %  {line}{left}")


class LiveView:
    """For people: a bar, the step, and the ends of the sections being written; finished ones scroll up."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._picture = Picture()
        self._began = self._told = time.monotonic()
        self._live: Live

    def say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)

    @contextmanager
    def job(self, heading: str) -> Iterator[None]:
        self._picture = Picture()
        self._began = self._told = time.monotonic()
        self._console.print(Text(heading, style="bold"))
        self._live = self._started()
        try:
            yield
        finally:
            self._live.stop()
        self._console.print(Text(f"  ended after {clock(time.monotonic() - self._began)}", style="dim"))

    @contextmanager
    def aside(self) -> Iterator[None]:
        self._live.stop()
        stopped = time.monotonic()
        yield
        self._began += time.monotonic() - stopped
        self._live = self._started()

    def outline(self, outline: Outline, *, for_review: bool) -> None:
        plan(self._picture, outline)
        lines = outline_lines(outline, for_review=for_review)
        shown = (Padding.indent(Text(line.text, style="dim" if line.quiet else "cyan"), line.indent) for line in lines)
        self._console.print(Group(*shown))

    def ask(self, question: str) -> None:
        self._console.print(Text(question, style="bold"), end=" ", soft_wrap=True)

    def show(self, event: EventData) -> None:
        self._picture.apply(event)
        if isinstance(event, ProgressData | Gap):
            self._told = time.monotonic()
        line = news(event, self._picture.unit)
        if line is not None:
            self._console.print(Text(f"  {line}", style="dim"))

    def _started(self) -> Live:
        live = Live(
            get_renderable=self._screen,
            console=self._console,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
        )
        live.start()
        return live

    def _screen(self) -> RenderableType:
        shown = self._picture.in_progress(MOST_SECTIONS)
        parts: list[RenderableType] = [self._bar(), Text(f"  {self._picture.step}: {self._picture.message}")]
        if shown:
            lines = max(1, min(MOST_LINES, (self._console.height - FRAME_LINES) // len(shown) - 1))
            for section in shown:
                parts += [Text(f"  {section.title}", style="cyan", overflow="ellipsis", no_wrap=True)]
                parts += self._tail(section, lines)
        return Group(*parts)

    def _bar(self) -> RenderableType:
        picture = self._picture
        now = time.monotonic()
        eta = None if picture.eta_seconds is None else picture.eta_seconds - (now - self._told)
        times = clock(now - self._began) + time_left(eta, picture.percent)
        row = Table.grid(padding=(0, 1))
        row.add_row(
            " ",
            ProgressBar(total=100, completed=picture.percent, width=min(BAR_WIDTH, self._console.width // 2)),
            Text(f"{picture.percent:3.0f} %"),
            Text(f"{times}, {picture.words} {picture.unit}", style="dim"),
        )
        return row

    def _tail(self, section: SectionText, lines: int) -> list[RenderableType]:
        width = max(20, self._console.width - 6)
        recent = section.text[-lines * width :].strip()
        wrapped = Text(recent).wrap(self._console, width)
        return [Text("    ") + line for line in wrapped[-lines:]]


def plan(picture: Picture, outline: Outline) -> None:
    """From here on the job's sections are those of the outline."""
    picture.titles, picture.unit = titles_of(outline), length_unit(outline.language)


def time_left(seconds: float | None, percent: float) -> str:
    """Return what to say about the seconds that are left; ``seconds`` is None where nobody knows.

    An estimate that has run out says nothing, or at the end of the job that it is almost done. Nobody counts on single
    seconds, so it is rounded up to five.
    """
    if seconds is not None and seconds >= SHORTEST_SECONDS:
        return f", about {clock(math.ceil(seconds / SHORTEST_SECONDS) * SHORTEST_SECONDS)} left"
    return ", almost done" if ALMOST_DONE_PERCENT <= percent < DONE_PERCENT else ""


def clock(seconds: float) -> str:
    """Seconds as ``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def write_error(text: str) -> None:
    """Tell what went wrong, where pipes don't swallow it."""
    print(text, file=sys.stderr, flush=True)
