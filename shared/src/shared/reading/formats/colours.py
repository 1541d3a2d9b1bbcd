"""Whether text can be told from what is behind it."""

import re
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
_NAMES: dict[str, Colour] = {
    "white": WHITE, "snow": (255, 250, 250), "ivory": (255, 255, 240), "ghostwhite": (248, 248, 255),
    "whitesmoke": (245, 245, 245), "black": (0, 0, 0), "red": (255, 0, 0), "green": (0, 128, 0), "blue": (0, 0, 255),
    "yellow": (255, 255, 0), "cyan": (0, 255, 255), "magenta": (255, 0, 255), "darkblue": (0, 0, 139),
    "darkcyan": (0, 139, 139), "darkgreen": (0, 100, 0), "darkmagenta": (139, 0, 139), "darkred": (139, 0, 0),
    "darkyellow": (128, 128, 0), "darkgray": (128, 128, 128), "gray": (128, 128, 128), "lightgray": (192, 192, 192),
    "navy": (0, 0, 128), "teal": (0, 128, 128), "purple": (128, 0, 128), "orange": (255, 165, 0),
}  # fmt: skip
_FUNCTION = re.compile(r"rgba?\(\s*(\d+)\s*[, ]\s*(\d+)\s*[, ]\s*(\d+)\s*(?:[,/]\s*([\d.]+%?)\s*)?\)")
_HEX = re.compile(r"#?([0-9a-f]{3,8})")
_TELLING = 12
"""A difference in every channel of up to this much is not seen."""


def alike(text: Colour, behind: Colour) -> bool:
    return all(abs(one - other) <= _TELLING for one, other in zip(text, behind, strict=True))


def colour(written: str | None) -> Colour | None:
    """A colour as CSS or an office format writes it; None for what is none, such as ``auto`` or ``inherit``."""
    text = (written or "").strip().lower()
    if text in _NAMES:
        return _NAMES[text]
    if match := _FUNCTION.match(text):
        return _of(*(min(255, int(part)) for part in match.groups()[:3]))
    match = _HEX.fullmatch(text)
    digits = match[1] if match else ""
    if len(digits) in {3, 4}:
        digits = "".join(digit * 2 for digit in digits[:3])
    if len(digits) not in {6, 8}:
        return None
    return _of(*(int(digits[at : at + 2], 16) for at in (0, 2, 4)))


def _of(red: int, green: int, blue: int) -> Colour:
    return red, green, blue
