"""The outline on a screen."""

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.local.outline_text import as_shown, length_unit, with_length
from shared.contracts.outline import Outline


@dataclass(frozen=True, slots=True)
class OutlineLine:
    """A line of an outline on a screen."""

    indent: int
    """In characters."""
    text: str
    quiet: bool = False
    """What a section is to say, less than its title."""


def outline_lines(outline: Outline, *, for_review: bool) -> Iterator[OutlineLine]:
    """The outline for a screen; for a review with the ids, and what each section is to say."""
    shown, unit = as_shown(outline), length_unit(outline.language)
    leaves = shown.leaves()
    words = sum(leaf.target_words or 0 for leaf in leaves)
    count = f"{len(leaves)} section{'' if len(leaves) == 1 else 's'} to write"
    yield OutlineLine(2, f"{shown.title} ({count}, {words} {unit})" if words else f"{shown.title} ({count})")
    for node, level in shown.walk():
        name = f"[{node.id}] " if for_review else ""
        yield OutlineLine(2 + 2 * level, name + with_length(node, unit))
        if for_review and node.summary:
            yield OutlineLine(4 + 2 * level, " ".join(node.summary.split()), quiet=True)


def titles_of(outline: Outline) -> dict[str, str]:
    """Of each node, by id."""
    return {node.id: node.title for node, _ in outline.walk() if node.id}
