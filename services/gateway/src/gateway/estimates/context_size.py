"""How much text context files hold, without reading those that only a worker can read."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.commands import ContextFile
from shared.contracts.tokens import estimate_tokens
from shared.evidence.ledger import PASSAGE_CHARACTERS
from shared.language.text import detect_language

_LATIN_PASSAGE_TOKENS = PASSAGE_CHARACTERS // 4
_PACKED = {b"%PDF": (0.01, 0.3), b"PK\x03\x04": (0.02, 0.6)}
"""By how a file begins: tokens a byte. Pictures and fonts fill the one end, plain text the other."""
_MARKUP_SHARE = 0.2
"""Of a page's bytes at least, that are text."""


@dataclass(frozen=True, slots=True)
class Material:
    """What there is to draw on, in tokens."""

    low: float = 0.0
    high: float = 0.0
    passage_tokens: float = _LATIN_PASSAGE_TOKENS
    languages: tuple[str, ...] = ()
    """Of the files whose text is known."""
    unread: int = 0
    """Files that only a worker can read."""


def material_of(files: Sequence[ContextFile]) -> Material:
    """Of all files together. Decodes them: not for an event loop."""
    low = high = 0.0
    characters, unread, languages = 0, 0, []
    for file in files:
        content = file.content()
        rates = _PACKED.get(content[:4])
        if rates is not None:
            low, high, unread = low + rates[0] * len(content), high + rates[1] * len(content), unread + 1
            continue
        text = content.decode(errors="replace")
        tokens = estimate_tokens(text)
        marked_up = text.lstrip()[:1] == "<"
        low, high = low + tokens * (_MARKUP_SHARE if marked_up else 1.0), high + tokens
        characters += len(text)
        languages.append(detect_language(text[: 20 * PASSAGE_CHARACTERS]))
    density = high / characters if characters and not unread else 0.25
    return Material(low, high, max(0.25, density) * PASSAGE_CHARACTERS, tuple(languages), unread)
