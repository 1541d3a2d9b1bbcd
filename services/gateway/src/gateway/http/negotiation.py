"""Which form of a result a client gets: the one it names, else what it accepts (RFC 9110, 12.5.1)."""

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote

from shared.contracts.exports import ExportFormat

MOST_RANGES = 100
NAME_CHARACTERS = 80
_NOT_IN_NAMES = str.maketrans(dict.fromkeys('\\/:*?"<>|%', " "))


class ResultFormat(StrEnum):
    """What ``format`` may name."""

    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    DOCX = "docx"
    PDF = "pdf"
    CSL_JSON = "csl-json"
    BIBTEX = "bibtex"

    @property
    def export(self) -> ExportFormat | None:
        """The file it is, where it has to be made by a worker."""
        return _EXPORTS.get(self.value)

    @property
    def media_type(self) -> str:
        if self.export is not None:
            return self.export.media_type
        return "application/json" if self is ResultFormat.JSON else "text/markdown; charset=utf-8"


_EXPORTS = {each.value: each for each in ExportFormat}
AT_HAND = (ResultFormat.JSON, ResultFormat.MARKDOWN)
"""Read off the result itself."""


class _Range(NamedTuple):
    """A member of an Accept header; ``*`` stands for all."""

    type: str
    subtype: str
    quality: float

    def specificity(self, media_type: str) -> int:
        """How closely it names a media type; 0 where it does not match."""
        main, _, sub = media_type.partition("/")
        if self.type == main and self.subtype == sub:
            return 3
        if self.type == main and self.subtype == "*":
            return 2
        return 1 if self.type == self.subtype == "*" else 0


def choose(accept: str | None, offered: Sequence[ResultFormat]) -> ResultFormat | None:
    """The form a client likes best, of equals the one it names most closely, then the first; None if it takes none."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [found for part in accept.split(",")[:MOST_RANGES] if (found := _range(part)) is not None]

    def liked(form: ResultFormat) -> tuple[float, int]:
        media_type = form.media_type.partition(";")[0]
        matching = [(specificity, each.quality) for each in ranges if (specificity := each.specificity(media_type))]
        specificity, quality = max(matching, default=(0, 0.0))
        return quality, specificity

    best = max(offered, key=liked)
    return best if liked(best)[0] > 0 else None


def _range(text: str) -> _Range | None:
    """None for what is no media range. Parameters other than the weight are passed over: we offer none."""
    media_type, *parameters = (part.strip().lower() for part in text.split(";"))
    main, slash, sub = media_type.partition("/")
    weights = [value for name, _, value in (parameter.partition("=") for parameter in parameters) if name == "q"]
    try:
        quality = float(weights[0]) if weights else 1.0
    except ValueError:
        return None
    return _Range(main, sub, quality) if main and slash and sub and 0 <= quality <= 1 else None


def unchanged(etag: str, if_none_match: str | None) -> bool:
    """Whether a client has what is tagged so, by weak comparison."""
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return etag.removeprefix("W/") in known or "*" in known


def disposition(title: str, extension: str, *, inline: bool) -> str:
    """Content-Disposition with a file name made of a title (RFC 6266, 8187)."""
    name = _file_name(title) or "document"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = " ".join(plain.replace("'", "").split()).strip(" .") or "document"
    how = "inline" if inline else "attachment"
    encoded = quote(f"{name}{extension}", safe="!#$&+-.^_`|~")
    return f"{how}; filename=\"{plain}{extension}\"; filename*=UTF-8''{encoded}"


def _file_name(title: str) -> str:
    """Without what moves about in paths or in the text around it: separators, control and direction characters."""
    shown = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in title.translate(_NOT_IN_NAMES))
    return " ".join(shown.split())[:NAME_CHARACTERS].strip(" .")
