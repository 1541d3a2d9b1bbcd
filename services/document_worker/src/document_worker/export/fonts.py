"""The fonts that files are made with; without Chinese ones, Chinese text would be missing from a PDF without a word."""

import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import structlog

from shared.contracts.errors import CannotStartError

NEEDED = ("Libertinus Serif", "New Computer Modern Math", "DejaVu Sans Mono", "Noto Serif SC", "Noto Sans SC")

WITHOUT_TYPST = (
    "PDF files need the packages of requirements/pdf.txt, and they are not installed here. `make run` fetches them "
    "after its first document, `make serve` before it serves."
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fonts:
    """Directories of font files, searched besides the fonts that typst brings; never the system's."""

    directories: tuple[Path, ...]

    @classmethod
    def shipped(cls, *more: Path) -> "Fonts":
        """The Chinese fonts of the locked wheel, and an operator's own for other scripts."""
        return cls((Path(sysconfig.get_path("purelib")) / "pylopdf_fonts_zh_cn", *more))


def can_set_pdf() -> bool:
    """Whether Typst is installed. `make run` fetches it, and the fonts, while the worker runs."""
    return find_spec("typst") is not None


def check_fonts(fonts: Fonts) -> None:
    """To be called at start-up: raises CannotStartError where a font is missing that documents are set in."""
    if not can_set_pdf():
        log.warning("no_pdf_files", reason=WITHOUT_TYPST)
        return
    import typst  # noqa: PLC0415 - may be missing

    found = typst.Fonts(include_system_fonts=False, font_paths=[str(path) for path in fonts.directories]).families()
    if missing := [name for name in NEEDED if name not in found]:
        searched = ", ".join(map(str, fonts.directories))
        msg = (
            f"The fonts {', '.join(missing)} are missing, so that Chinese text would vanish from PDF files. "
            f"Install the package pylopdf-fonts-zh-cn, or put the font files into one of: {searched}."
        )
        raise CannotStartError(msg)
