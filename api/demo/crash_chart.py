"""Series of integers as one SVG: a row a series, time from left to right."""

from collections.abc import Mapping, Sequence
from typing import Final

WIDTH: Final = 900
ROW: Final = 110
BAND: Final = 80
LEFT: Final = 10
TOP: Final = 20


def _points(values: Sequence[int], top: int) -> str:
    low, high = min(values), max(values)
    span = max(high - low, 1)
    last = max(len(values) - 1, 1)
    return " ".join(
        f"{LEFT + place * (WIDTH - 2 * LEFT) // last},{top + BAND - (value - low) * BAND // span}"
        for place, value in enumerate(values)
    )


def _hours(seconds: Sequence[int]) -> list[str]:
    """A line and a label at each tenth of the time."""
    last = max(len(seconds) - 1, 1)
    marks = []
    for tenth in range(11):
        place = tenth * (len(seconds) - 1) // 10
        x = LEFT + place * (WIDTH - 2 * LEFT) // last
        minutes, rest = divmod(seconds[place], 60)
        marks.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="100%" stroke="#ddd"/>')
        marks.append(f'<text x="{x}" y="{TOP - 4}" fill="#777">{minutes}:{rest:02}</text>')
    return marks


def chart(seconds: Sequence[int], series: Mapping[str, Sequence[int]]) -> str:
    """An SVG document.

    Args:
        seconds: When each value was, rising; as many as each series has.
        series: Each has at least one value, and its own scale.
    """
    assert all(series.values()), "a series has values"
    assert all(len(values) == len(seconds) for values in series.values()), "a value a moment"
    rows = _hours(seconds)
    for place, (name, values) in enumerate(series.items()):
        top = TOP + place * ROW + 25
        label = f"{name}: {values[0]:,} to {values[-1]:,} ({min(values):,} .. {max(values):,})"
        rows.append(f'<text x="{LEFT}" y="{top - 8}">{label}</text>')
        rows.append(f'<polyline fill="none" stroke="black" points="{_points(values, top)}"/>')
    height = TOP + len(series) * ROW + 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
    body = "\n".join(rows)
    return f'{head} font-family="monospace" font-size="12">\n{body}\n</svg>\n'
