"""A model that is deterministic and slow, echoes the marker of the job, and counts what it was asked."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from tests.chaos.jobs import MARKER
from tests.support.scripted_model import Asked, Call, Reply, ScriptedModel, obedient

ARROW = "Write the section marked with an arrow: "
Misbehaviour = Callable[[str, str], Reply | None]
"""Of the marker and the step that are asked for."""


@dataclass(frozen=True, slots=True)
class Given:
    """One answer, or the attempt at one."""

    marker: str
    step: str
    request: str
    """Digest of the messages: the same request, the same digest."""
    reply: Reply


class StubModel:
    """A scripted model in a thread of its own."""

    def __init__(self, latency: float = 0.1) -> None:
        self.latency = latency
        """Seconds before the first token."""
        self.slow: dict[str | tuple[str, str], float] = {}
        """Seconds instead, by step, or by marker and step."""
        self.on_call: dict[tuple[str, str], Callable[[], None]] = {}
        """Called, in the thread of the model, when it is asked for a step of the job with a marker."""
        self.misbehave: Misbehaviour = lambda _marker, _step: None
        self.mixed: list[str] = []
        """Prompts that held the markers of several jobs."""
        self._given: list[Given] = []
        self._server = ScriptedModel(self._script)

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.__aexit__(kind, error, trace)

    @property
    def url(self) -> str:
        return self._server.base_url

    def answered(self) -> list[Given]:
        """The calls whose answer went out whole."""
        return [given for given, call in self._pairs() if call.ended_at and not call.disconnected and _good(given)]

    def texts(self) -> dict[str, list[str]]:
        """By marker: every text that was given, or begun."""
        found: dict[str, list[str]] = {}
        for given in list(self._given):
            found.setdefault(given.marker, []).append(given.reply.text)
        return found

    def calls_of(self, marker: str) -> Counter[str]:
        """Whole answers for one job, by step."""
        return Counter(given.step for given in self.answered() if given.marker == marker)

    def begun(self, marker: str) -> Counter[str]:
        """Calls for one job, answered or not, by step."""
        return Counter(given.step for given in list(self._given) if given.marker == marker)

    def asked_again(self, marker: str) -> list[tuple[Given, Call]]:
        """Calls for one job, answered or not, after which the very same was asked once more."""
        later: set[str] = set()
        found = []
        for given, call in reversed([pair for pair in self._pairs() if pair[0].marker == marker]):
            if given.request in later:
                found.append((given, call))
            later.add(given.request)
        return found

    def repeated(self) -> int:
        """Answers that had been given before to the very same request."""
        asked = Counter((given.marker, given.request) for given in self.answered())
        return sum(asked.values()) - len(asked)

    @property
    def calls(self) -> int:
        return len(self._given)

    def _pairs(self) -> list[tuple[Given, Call]]:
        return list(zip(list(self._given), self._server.calls, strict=False))

    def _script(self, asked: Asked) -> Reply:
        marker, step = marker_of(asked), step_of(asked)
        if len(set(MARKER.findall(asked.prompt))) > 1:
            self.mixed.append(asked.prompt)
        self.on_call.pop((marker, step), lambda: None)()
        reply = self.misbehave(marker, step) or replace(
            _echo(obedient(asked), marker, step, structured=asked.schema is not None),
            first_token_seconds=self.slow.get((marker, step), self.slow.get(step, self.latency)),
        )
        digest = hashlib.sha256(json.dumps(asked.body["messages"]).encode()).hexdigest()
        self._given.append(Given(marker, step, digest, reply))
        return reply


def marker_of(asked: Asked) -> str:
    """The marker of the job that asks."""
    found = MARKER.search(asked.prompt)
    return found[0] if found else ""


def step_of(asked: Asked) -> str:
    """What is asked for: a step of the outline, or the title of a section."""
    said = [message["content"] for message in asked.body["messages"] if message["role"] == "user"]
    if ARROW in said[0]:
        return str(said[0].partition(ARROW)[2].partition("\n")[0])
    if said[0].startswith("A reader asks"):
        return "analyse"
    return "refine" if said[-1].startswith("Improve this plan") else "draft"


def _good(given: Given) -> bool:
    return given.reply.status == 200 and given.reply.raw is None and given.reply.finish_reason == "stop"


def _echo(reply: Reply, marker: str, step: str, *, structured: bool) -> Reply:
    if not structured:
        return replace(reply, text=f"{step}: {marker}. {reply.text}")
    return replace(reply, text=json.dumps(_numbered(_marked(json.loads(reply.text), marker), marker)))


def _numbered(made: Any, marker: str) -> Any:
    """Sections of an outline with the titles that those of a document have whose outline is given."""
    for number, section in enumerate(made.get("sections", []), 1):
        section["title"] = f"Part {number} of {marker}"
    return made


def _marked(value: Any, marker: str) -> Any:
    if isinstance(value, str):
        return f"{value} {marker}"
    if isinstance(value, list):
        return [_marked(item, marker) for item in value]
    if isinstance(value, dict):
        return {name: _marked(item, marker) for name, item in value.items()}
    return value
