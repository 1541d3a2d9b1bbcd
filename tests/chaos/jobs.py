"""What the clients of a chaos run ask for: small jobs, each with a marker word of its own in all its texts."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MARKER = re.compile(r"zq[0-9a-z]{8}")
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
NOTES = "A hive holds one queen and many workers. Honey is made from nectar, and nectar is made by flowers."


@dataclass(frozen=True, slots=True)
class Job:
    """A request that can be repeated: the same id, the same body."""

    id: str
    kind: str
    marker: str
    body: dict[str, Any]
    max_attempts: int = 3

    @property
    def from_prompt(self) -> bool:
        """Whether two kinds of workers make it: one plans, the other writes."""
        return self.kind == "document" and "task_prompt" in self.body

    def section(self, number: int) -> str:
        """Title of a section, as the model is asked for it; from 1."""
        return f"Part {number} of {self.marker}"


class Requests:
    """Makes jobs, the same ones for the same seed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._made = 0

    def document(self, sections: int = 2, *, words: int = 40, **options: Any) -> Job:
        """A document of short sections."""
        marker = self._marker()
        nodes = [
            {"title": f"Part {n} of {marker}", "summary": f"What {marker} tells", "target_words": words}
            for n in range(1, sections + 1)
        ]
        outline = {"title": f"On {marker}", "language": "en", "nodes": nodes}
        return self._job("document", marker, {"outline": outline, **options})

    def outline(self, *, refined: bool = False, **options: Any) -> Job:
        """An outline; where ``refined``, with a file, so that its draft is gone over."""
        marker = self._marker()
        files = {"context_files": {"notes.md": f"{NOTES} {marker}"}} if refined else {}
        body = {"task_prompt": f"How bees make honey, for {marker}", "target_words": 300, "language": "en"}
        return self._job("outline", marker, {**body, **files, **options})

    def from_prompt(self, **options: Any) -> Job:
        """A document of three short sections that the job plans itself."""
        marker = self._marker()
        body = {"task_prompt": f"How bees make honey, for {marker}", "target_words": 120, "language": "en"}
        return self._job("document", marker, {**body, **options})

    def mixed(self, count: int, **options: Any) -> list[Job]:
        """Outlines and documents by turns, and now and then one from a prompt to a document."""
        made: dict[int, Callable[..., Job]] = {2: self.outline, 3: self.from_prompt, 5: self.outline}
        usual: Callable[..., Job] = self.document
        return [made.get(number % 6, usual)(**options) for number in range(count)]

    def _marker(self) -> str:
        return "zq" + "".join(self._chance.choice(_ALPHABET) for _ in range(8))

    def _job(self, kind: str, marker: str, body: dict[str, Any]) -> Job:
        self._made += 1
        name = f"{kind}-{self._made}-{marker}"
        return Job(name, kind, marker, {"job_id": name, **body}, body.get("max_attempts", 3))
