"""What is known of a running job, folded from its events."""

import unicodedata
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.contracts.events import Completed, Delta, EventData, Gap, ProgressData, Queued, Section


class _SnapshotProgress(BaseModel):
    model_config = ConfigDict(extra="ignore")

    percent: float = 0.0
    step: str = ""
    message: str = ""
    eta_seconds: float | None = None


class _Snapshot(BaseModel):
    model_config = ConfigDict(extra="ignore")

    progress: _SnapshotProgress = _SnapshotProgress()


@dataclass(slots=True)
class SectionText:
    """A section as far as it has been seen."""

    revision: int
    start: int = 0
    """Where the known text begins, in characters: past 0 when its beginning was trimmed from the journal."""
    text: str = ""
    title: str = ""
    words: int | None = None
    """None while it is written."""
    last_news: int = 0
    """Which event of the job changed it last, counted from 1."""

    def add(self, offset: int, piece: str) -> None:
        """Put a piece where it belongs; what stood there or behind is replaced."""
        end = self.start + len(self.text)
        if self.start <= offset <= end:
            self.text = self.text[: offset - self.start] + piece
        else:
            self.start, self.text = offset, piece


@dataclass(slots=True)
class Picture:
    """The job so far. Sections are in the order in which they appeared, so that each keeps its place on a screen."""

    titles: dict[str, str] = field(default_factory=dict)
    """Of the sections that will come, by id."""
    unit: str = "words"
    """What lengths are counted in."""
    percent: float = 0.0
    step: str = ""
    message: str = ""
    eta_seconds: float | None = None
    sections: dict[str, SectionText] = field(default_factory=dict)
    events: int = 0
    """Taken in so far."""

    @property
    def words(self) -> int:
        """Of the finished sections."""
        return sum(section.words or 0 for section in self.sections.values())

    def in_progress(self, most: int) -> list[SectionText]:
        """Sections being written, at most so many: those with the latest news."""
        unfinished = [section for section in self.sections.values() if section.words is None]
        latest = sorted(unfinished, key=lambda section: section.last_news)[-most:]
        return [section for section in unfinished if section.last_news >= latest[0].last_news]

    def apply(self, event: EventData) -> None:
        """Take in one event; those that say nothing about the text or the progress change nothing."""
        self.events += 1
        match event:
            case ProgressData():
                self._progress(event.percent, event.step, event.message, event.eta_seconds)
            case Queued():
                self.step, self.message = "queued", "Waiting for a worker"
            case Delta():
                section = self._section(event.section_id, event.revision)
                if section is not None:
                    section.add(event.offset, printable(event.text))
            case Section():
                section = self._section(event.section_id, event.revision)
                if section is not None:
                    section.title = printable(event.title)
                    section.words = event.words
            case Gap():
                self._resync(event)
            case Completed():
                self.percent, self.eta_seconds = 100.0, None
            case _:
                pass

    def _progress(self, percent: float, step: str, message: str, eta_seconds: float | None) -> None:
        self.percent, self.eta_seconds = percent, eta_seconds
        self.step, self.message = printable(step), printable(message)

    def _section(self, section_id: str, revision: int) -> SectionText | None:
        """The section to change, begun anew for a higher revision; None if the event is of a replaced one."""
        current = self.sections.get(section_id)
        if current is None or revision > current.revision:
            current = SectionText(revision, title=printable(self.titles.get(section_id, section_id)))
            self.sections[section_id] = current
        if revision < current.revision:
            return None
        current.last_news = self.events
        return current

    def _resync(self, gap: Gap) -> None:
        try:
            progress = _Snapshot.model_validate(gap.snapshot).progress
        except ValidationError:
            return
        self._progress(progress.percent, progress.step, progress.message, progress.eta_seconds)


def printable(text: str) -> str:
    """Without control and format characters, which a model's text could use to rewrite the terminal.

    One character stands for each, so that offsets stay true.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" else c for c in text
    )
