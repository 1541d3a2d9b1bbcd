"""The document as PDF, set by Typst."""

import json
import re
import sys
import unicodedata
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from document_worker.export.cleaning import anchor_of
from document_worker.export.errors import ExportFailedError, ExportFontMissingError
from document_worker.export.fonts import WITHOUT_TYPST, Fonts, can_set_pdf
from document_worker.export.manuscript import Manuscript
from document_worker.export.nodes import Node, node, tree
from shared.sandbox import Limits, Pandoc, Sandbox

LIMITS = Limits(memory_bytes=3 << 30, cpu_seconds=40, seconds=45.0)
_CHILD = str(Path(__file__).with_name("typesetting.py"))
_COMMON = re.compile(r"[\x00-\u024f\u4e00-\u9fa5\u3000-\u3002\uff01-\uff5e]")
"""Latin letters, Han characters and their punctuation, which the fonts are known to have."""
_LETTERS = ("L", "N")
_TYPST = "typst"


class UnsettableError(Exception):
    """Typst does not take it as it is, for which formulas are the likeliest cause."""


class Typesetter:
    """Sets manuscripts within limits."""

    def __init__(self, sandbox: Sandbox, pandoc: Pandoc, fonts: Fonts, limits: Limits = LIMITS) -> None:
        self._sandbox = sandbox
        self._pandoc = pandoc
        self._fonts = fonts
        self._limits = limits

    async def to_pdf(self, manuscript: Manuscript, made_at: datetime) -> bytes:
        """The PDF; the same for the same manuscript and time. Symbols that no font has are left out.

        Raises ExportFontMissingError where letters have no font, ExportFailedError or RenderingFailedError where it
        cannot be made; UnsettableError where a formula is in the way.
        """
        if not can_set_pdf():
            raise ExportFailedError(WITHOUT_TYPST)
        source = await self._source(manuscript)
        answer = await self._set(source, made_at)
        if isinstance(answer, dict) and (missing := answer.get("missing")):
            _refuse_letters(missing)
            source = source.translate(dict.fromkeys(map(ord, missing), "\u2060"))
            answer = await self._set(source, made_at)
        if isinstance(answer, bytes):
            return answer
        if "error" in answer:
            raise UnsettableError(answer["error"])
        raise ExportFontMissingError(f"The PDF cannot be set as it should be: {answer}")

    async def _source(self, manuscript: Manuscript) -> str:
        blocks = [*manuscript.blocks, *_references(manuscript)]
        given = json.dumps(tree(blocks)).encode()
        body = (await self._pandoc.convert("json", _TYPST, given, "--wrap=none")).decode()
        template = (files("document_worker.export") / "templates" / "document.typ").read_text()
        return f"{template}\n#show: document.with(\n{_parameters(manuscript)})\n\n{body}"

    async def _set(self, source: str, made_at: datetime) -> bytes | dict[str, Any]:
        rare = "".join(sorted(set(_COMMON.sub("", source))))
        asked = {
            "source": source,
            "fonts": [str(path) for path in self._fonts.directories],
            "made_at": int(made_at.timestamp()),
            "rare": "".join(char for char in rare if unicodedata.category(char)[0] in "LNPS"),
        }
        ended = await self._sandbox.run((sys.executable, "-I", _CHILD), json.dumps(asked).encode(), self._limits)
        if ended.reason == "crashed":
            # Its stack ends where formulas are nested some hundred times.
            raise UnsettableError(ended.complaint[-300:])
        if ended.reason is not None:
            raise ExportFailedError(f"The PDF could not be set ({ended.reason}): {ended.complaint[-300:]}")
        answer: bytes | dict[str, Any] = ended.output if ended.output.startswith(b"%PDF") else json.loads(ended.output)
        return answer


def _refuse_letters(missing: str) -> None:
    letters = [char for char in missing if unicodedata.category(char).startswith(_LETTERS)]
    if not letters:
        return
    scripts = sorted({_script(char) for char in letters})
    raise ExportFontMissingError(f"No font has these letters ({', '.join(scripts)}): {''.join(letters[:40])}")


def _script(char: str) -> str:
    """The first word of a character's name is its script."""
    first = unicodedata.name(char, "unknown").split(" ")[0]
    return "Han" if first == "CJK" else first.capitalize()


def _parameters(manuscript: Manuscript) -> str:
    language, _, rest = manuscript.language.partition("-")
    region = next((part for part in rest.split("-") if re.fullmatch("[A-Za-z]{2}", part)), "")
    values: dict[str, str | bool] = {
        "title": manuscript.title,
        "date": manuscript.date,
        "facts": manuscript.facts,
        "language": language.lower(),
        "region": region.upper(),
        "contents": manuscript.contents_title if manuscript.listed else "",
        "titled": manuscript.has_title_page,
    }
    # A JSON string is a Typst string, as there are no control characters in it.
    return "".join(f"  {name}: {json.dumps(value, ensure_ascii=False)},\n" for name, value in values.items())


def _references(manuscript: Manuscript) -> list[Node]:
    heading = manuscript.references
    if not heading:
        return []
    title = json.dumps(heading.text, ensure_ascii=False)
    width = f"{0.7 + 0.5 * len(str(len(manuscript.entries)))}em"
    return [
        node("RawBlock", [_TYPST, f"#heading(level: {heading.level}, {title}) <{heading.anchor}>"]),
        *(
            node(
                "Para",
                [
                    node("RawInline", [_TYPST, f"#entry({entry.number}, {width})["]),
                    *entry.inlines,
                    node("RawInline", [_TYPST, f"] <{anchor_of(entry.number)}>"]),
                ],
            )
            for entry in manuscript.entries
        ),
    ]
