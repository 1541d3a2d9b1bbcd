"""Bytes to text, and text without what no reader sees."""

import re
from collections.abc import Sequence

from shared.language.text import detect_language
from shared.reading.formats.content import UnreadableError

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
"""Zero-width and direction characters, soft hyphens, tags: text can be hidden in them, and none is needed to read."""
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SAMPLE = 4_096


def decoded(raw: bytes, named: Sequence[str] = ()) -> str:
    """The text in UTF-8, UTF-16, one of the encodings it names, GB 18030 or Windows-1252; raises UnreadableError."""
    text = _unicode(raw)
    for encoding in (*named, "gb2312"):
        text = _text(raw, encoding) if text is None else text
    if text is None:
        # GB 18030 takes most Latin text for rare characters, so it must look like Chinese.
        chinese = _text(raw, "gb18030")
        text = chinese if chinese is not None and detect_language(chinese) == "zh" else _text(raw, "cp1252")
    if text is None:
        reason = "no text in UTF-8, UTF-16, GB 18030 or Windows-1252"
        raise UnreadableError(reason)
    return text


def _unicode(raw: bytes) -> str | None:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _text(raw, "utf-16")
    # Without a mark, half of what Latin text in UTF-16 holds is zero.
    even, odd = raw[:_SAMPLE:2].count(0), raw[1:_SAMPLE:2].count(0)
    if even or odd:
        return _text(raw, "utf-16-be" if even > odd else "utf-16-le")
    return _text(raw, "utf-8-sig")


def _text(raw: bytes, encoding: str) -> str | None:
    """The text in this encoding, or None where it is none: undecodable, or full of control characters."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if len(_CONTROLS.findall(text)) * 100 <= len(text) and "\0" not in text else None


def visible(text: str) -> tuple[str, int]:
    """The text without invisible characters, and how many there were; line ends are ``\\n``."""
    shown, removed = INVISIBLE.subn("", text)
    shown = shown.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    return _CONTROLS.sub("", shown), removed
