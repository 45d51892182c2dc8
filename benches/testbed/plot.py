"""A bar chart as SVG, small enough to be written by hand."""

from __future__ import annotations

from xml.sax.saxutils import escape

from .limits import JUDGED_LOAD

_WIDTH, _LABELS, _BAR, _GAP, _TOP = 860, 380, 18, 8, 40
_VALUES = 60
_COLORS = {"tessera": "#c2410c", "native": "#f59e0b", "floor": "#64748b", "other": "#94a3b8"}


def bars(rows: dict) -> str:
    """Added CPU for each request, a bar for each row, with its quartiles as a line."""
    figures = [(key, row) for key, row in rows["loads"][JUDGED_LOAD].items() if not key.startswith("router")]
    most = max(row["added_us_quartiles"][1] for _, row in figures)
    scale = (_WIDTH - _LABELS - _VALUES) / most
    height = _TOP + len(figures) * (_BAR + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="8" y="24" font-weight="bold">Worker CPU added to a request, µs (median, quartiles)</text>',
    ]
    for number, (key, row) in enumerate(figures):
        parts += _bar(rows["titles"][key], key, row, _TOP + number * (_BAR + _GAP), scale)
    return "\n".join([*parts, "</svg>", ""])


def _bar(title: str, key: str, row: dict, top: int, scale: float) -> list[str]:
    label = escape(title.replace("**", "").replace("`", ""))
    color = _COLORS.get(key.split("_")[0], _COLORS["other"])
    low, high = (_LABELS + max(value, 0) * scale for value in row["added_us_quartiles"])
    middle = top + _BAR / 2
    return [
        f'<text x="{_LABELS - 8}" y="{top + 14}" text-anchor="end">{label}</text>',
        f'<rect x="{_LABELS}" y="{top}" width="{max(row["added_us"], 0) * scale:.1f}" height="{_BAR}" fill="{color}"/>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="#1e293b"/>',
        f'<text x="{high + 6:.1f}" y="{top + 14}">{row["added_us"]:.1f}</text>',
    ]
