"""Series of integers as one SVG: a row a series, time from left to right."""

from collections.abc import Mapping, Sequence
from typing import Final

WIDTH: Final = 900
ROW: Final = 110
BAND: Final = 80
LEFT: Final = 10


def _points(values: Sequence[int], top: int) -> str:
    low, high = min(values), max(values)
    span = max(high - low, 1)
    last = max(len(values) - 1, 1)
    return " ".join(
        f"{LEFT + place * (WIDTH - 2 * LEFT) // last},{top + BAND - (value - low) * BAND // span}"
        for place, value in enumerate(values)
    )


def chart(series: Mapping[str, Sequence[int]]) -> str:
    """An SVG document; every series has at least one value, and its own scale."""
    assert all(series.values()), "a series has values"
    rows = []
    for place, (name, values) in enumerate(series.items()):
        top = place * ROW + 25
        label = f"{name}: {values[0]:,} to {values[-1]:,} ({min(values):,} .. {max(values):,})"
        rows.append(f'<text x="{LEFT}" y="{top - 8}">{label}</text>')
        rows.append(f'<polyline fill="none" stroke="black" points="{_points(values, top)}"/>')
    height = len(series) * ROW + 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
    body = "\n".join(rows)
    return f'{head} font-family="monospace" font-size="12">\n{body}\n</svg>\n'
