"""Requests for documents, and what their event streams say."""

import json
from dataclasses import dataclass
from typing import Any

import httpx2

NOTES = (
    "Honeybees turn nectar into honey by adding enzymes and evaporating water until 18 percent are left.\n\n"
    "A hive holds one queen, a few hundred drones and up to 60,000 workers in summer.\n"
)
COPPER = "The price of copper rose by 4 percent in March, for reasons traders could not agree on.\n"


def outline(sections: int = 4, target_words: int = 60) -> dict[str, Any]:
    """An outline whose first section is about bees."""
    titles = ["Honey from nectar", *(f"Subject number {n}" for n in range(2, sections + 1))]
    return {
        "title": "Bees and honey",
        "language": "en",
        "nodes": [
            {"title": title, "summary": f"What there is to say on {title.lower()}", "target_words": target_words}
            for title in titles
        ],
    }


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    id: str
    type: str
    data: dict[str, Any]


async def events_of(api: str, job_id: str, after: str = "") -> list[Event]:
    """All events of a job up to the end of its stream."""
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{api}/jobs/{job_id}/events", headers={"Last-Event-ID": after})
    found = []
    for frame in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            envelope = json.loads(fields["data"])
            found.append(Event(fields.get("id", ""), fields["event"], envelope["data"]))
    return found


def texts(events: list[Event]) -> dict[str, str]:
    """What a client shows at the end: by section, the text of its highest revision."""
    shown: dict[str, tuple[int, str]] = {}
    for event in events:
        if event.type != "delta":
            continue
        section_id, revision = event.data["section_id"], event.data["revision"]
        known, text = shown.get(section_id, (-1, ""))
        if revision > known:
            known, text = revision, ""
        assert revision == known, f"revision of {section_id} fell from {known} to {revision}"
        assert event.data["offset"] == len(text), f"hole or overlap in the text of {section_id}"
        shown[section_id] = (known, text + event.data["text"])
    return {section_id: text for section_id, (_, text) in shown.items()}


def order(events: list[Event]) -> list[tuple[int, int]]:
    """The ids as comparable pairs."""
    pairs = []
    for event in events:
        fence, _, seq = event.id.partition("-")
        pairs.append((int(fence), int(seq)))
    return pairs
