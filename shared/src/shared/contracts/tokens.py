"""Token counts where nobody reports any."""

_IDEOGRAPHS = (
    (0x2E80, 0x9FFF),  # radicals, kana, CJK punctuation, Han with extension A
    (0xAC00, 0xD7AF),  # hangul
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFF00, 0xFFEF),  # full-width forms
    (0x20000, 0x3FFFF),  # Han extensions
)


def estimate_tokens(text: str) -> int:
    """Roughly the tokens of a text: one per Han, kana or hangul character, one per four others.

    Real tokenizers differ by a third either way; good for budgets, never for a bill.
    """
    if text.isascii():
        return -(-len(text) // 4)
    wide = sum(any(low <= ord(character) <= high for low, high in _IDEOGRAPHS) for character in text)
    return wide + -(-(len(text) - wide) // 4)
