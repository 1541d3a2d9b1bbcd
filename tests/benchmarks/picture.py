"""Draws the figures: jobs a second of everyone, and each other figure against its bar. Plain SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.benchmarks.line import Bar, Book, Check, shown

WIDTH, MARGIN, GUTTER = 960, 32, 24
BAR_HEIGHT, BAR_STEP = 20, 30
PANEL_WIDTH, PANEL_HEIGHT = (WIDTH - 2 * MARGIN - 2 * GUTTER) // 3, 92
LABEL_WIDTH, VALUE_WIDTH = 130, 110
INK, SOFT, OURS, THEIRS, MET, MISSED, TRACK = (
    "#1f2328", "#59636e", "#0b6e4f", "#9aa5b1", "#0b6e4f", "#b3261e", "#e7eaee",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Panel:
    line: str
    check: Check


def picture(book: Book) -> str:
    """The whole picture; an empty book gives a title alone."""
    bars = [bar for entry in book.entries.values() for bar in entry.line.bars]
    panels = [
        _Panel(name, check)
        for name, entry in book.entries.items()
        for check in entry.line.checks
        if check.bar is not None
    ]
    top = 64
    below = top + (len(bars) * BAR_STEP + 44 if bars else 0)
    height = below + 24 + -(-len(panels) // 3) * (PANEL_HEIGHT + GUTTER) + MARGIN - GUTTER
    parts = [*_title(), *_bars(bars, top), *_panels(panels, below)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">\n'
        # Drawn, not left to the page: on a dark one the ink would vanish.
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _text(
    x: float, y: float, words: str, size: int = 13, ink: str = INK, anchor: str = "start", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{ink}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1.5):.1f}" height="{height:.1f}" rx="3" fill="{fill}"/>'


def _title() -> Iterator[str]:
    yield _text(MARGIN, 40, "Draftline: measured against its bars", 20, weight="600")


def _bars(bars: list[Bar], top: float) -> Iterator[str]:
    if not bars:
        return
    yield _text(MARGIN, top + 6, "Empty jobs a second, drained by one worker process on the same server", 13, SOFT)
    most = max(bar.value for bar in bars)
    room = WIDTH - 2 * MARGIN - LABEL_WIDTH - VALUE_WIDTH
    for place, bar in enumerate(sorted(bars, key=lambda bar: -bar.value)):
        y = top + 20 + place * BAR_STEP
        weight = "600" if bar.ours else "normal"
        width = room * bar.value / most if most else 0
        yield _text(MARGIN + LABEL_WIDTH - 12, y + 15, bar.label, anchor="end", weight=weight)
        yield _rect(MARGIN + LABEL_WIDTH, y, width, BAR_HEIGHT, OURS if bar.ours else THEIRS)
        yield _text(MARGIN + LABEL_WIDTH + width + 10, y + 15, f"{shown(round(bar.value))}/s", weight=weight)


def _panels(panels: Sequence[_Panel], top: float) -> Iterator[str]:
    if panels:
        yield _text(MARGIN, top + 6, "Each figure and its bar: the black mark", 13, SOFT)
    for place, panel in enumerate(panels):
        row, column = divmod(place, 3)
        yield from _panel(panel, MARGIN + column * (PANEL_WIDTH + GUTTER), top + 24 + row * (PANEL_HEIGHT + GUTTER))


def _panel(panel: _Panel, x: float, y: float) -> Iterator[str]:
    check = panel.check
    bar = check.bar or 0.0
    ink = MET if check.met else MISSED
    whole = max(check.measured, bar) * 1.15 or 1.0
    sign = "≥" if check.at_least else "≤"
    yield _text(x, y + 14, panel.line, 12, SOFT, weight="600")
    yield _text(x, y + 32, _cut(check.what), 12, INK)
    yield _rect(x, y + 42, PANEL_WIDTH, 14, TRACK)
    yield _rect(x, y + 42, PANEL_WIDTH * check.measured / whole, 14, ink)
    mark = x + PANEL_WIDTH * bar / whole
    yield f'<line x1="{mark:.1f}" y1="{y + 38:.1f}" x2="{mark:.1f}" y2="{y + 60:.1f}" stroke="{INK}" stroke-width="2"/>'
    yield _text(x, y + 76, f"{shown(check.measured)} {check.unit}".rstrip(), 13, ink, weight="600")
    told = f"{'met' if check.met else 'missed'}, bar {sign} {shown(bar)}"
    yield _text(x + PANEL_WIDTH, y + 76, told, 12, SOFT, "end")


def _cut(words: str, most: int = 48) -> str:
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
