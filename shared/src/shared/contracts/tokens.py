"""Token counts where nobody reports any."""

import re

_IDEOGRAPHS = (
    (0x2E80, 0x9FFF),  # radicals, kana, CJK punctuation, Han with extension A
    (0xAC00, 0xD7AF),  # hangul
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFF00, 0xFFEF),  # full-width forms
    (0x20000, 0x3FFFF),  # Han extensions
)
_WIDE = re.compile("[" + "".join(f"{chr(low)}-{chr(high)}" for low, high in _IDEOGRAPHS) + "]+")
_PIECE = 1 << 16


def estimate_tokens(text: str) -> int:
    """Roughly the tokens of a text: one per Han, kana or hangul character, one per four others.

    Real tokenizers differ by a third either way; good for budgets, never for a bill.
    """
    if text.isascii():
        return -(-len(text) // 4)
    # 25 MiB of files took 15 s character by character, and at one go kept all other threads waiting for a second.
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    others = sum(len(_WIDE.sub("", piece)) for piece in pieces)
    return len(text) - others + -(-others // 4)
