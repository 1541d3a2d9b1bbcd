"""Asking for what the planning needs."""

from collections.abc import Sequence

from shared.language.text import language_name
from shared.llm import Message


def keywords(titles: Sequence[str], language: str) -> tuple[Message, ...]:
    """Asks for search words in the language of the sources, one line a section."""
    listed = "\n".join(f"{number}. {title}" for number, title in enumerate(titles, 1))
    return (
        Message("system", f"You translate headings into search words in {language_name(language)}."),
        Message("user", f"For each heading give two to five search words, in the same order:\n{listed}"),
    )
