"""A document that outline workers plan, at the point of its life where a test wants it."""

import json
from typing import Any

from shared.contracts.jobs import Claim
from shared.contracts.states import Band, JobKind
from shared.contracts.usage import Usage
from shared.redis.attempts import Settled
from shared.redis.outlines import OutlineChange, Outlines
from shared.redis.queues import Fetcher
from tests.support.board import KEYS, Board

WRITERS = JobKind.DOCUMENT
OUTLINE = {"title": "Tea", "language": "en", "nodes": [{"id": "s1", "title": "Leaves", "target_words": 100}]}


async def planning(board: Board, **changes: Any) -> Claim:
    """A new job, claimed by a planner."""
    return await board.claim(kind=JobKind.DOCUMENT, phase=JobKind.OUTLINE, **changes)


async def hand_over(board: Board, claim: Claim, *, seq: int = 1, usage: Usage | None = None) -> Settled:
    """The planner has its outline."""
    return await board.store.attempts.hand_over(claim, seq, 1, b"planned", json.dumps(OUTLINE).encode(), usage)


async def reviewed(board: Board, **changes: Any) -> Claim:
    """A job that waits for a person; the claim is that of its planner."""
    claim = await planning(board, review=True, **changes)
    assert await hand_over(board, claim) is Settled.AWAITING_REVIEW
    return claim


async def fetch_writers(board: Board, worker: str = "writer") -> list[Claim]:
    """What those who write are given."""
    fetched = await board.store.queues.fetch(0, WRITERS, Fetcher(worker, 1), 60_000, 5, tuple(Band))
    return fetched.claims


async def counted(board: Board, kind: JobKind) -> dict[str, int]:
    """Jobs of the default band by state, as far as they are counted; those with none are left out."""
    counts = await board.redis.hgetall(KEYS.counts(kind))
    return {name.decode().removesuffix(":default"): int(number) for name, number in counts.items() if int(number)}


async def queued_for(board: Board, kind: JobKind) -> int:
    """Entries in the default stream of a kind."""
    return int(await board.redis.xlen(KEYS.requests(kind, Band.DEFAULT)))


def change(base: int, after: bytes = b"changed", digest: str = "change") -> OutlineChange:
    """From a version to the next."""
    event = {"version": base + 1, "author": "Ann"}
    return OutlineChange(base, b"planned", after, digest, json.dumps(event).encode())


def outlines(board: Board) -> Outlines:
    return board.store.outlines
