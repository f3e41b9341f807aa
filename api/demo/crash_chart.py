"""A crash day as a picture: five panels over one hour, halts shaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from api.demo.crash import STEP_S, Moment

_MINUTE_S: Final = 60
_STYLE: Final[Any] = {
    # Without a salt and a date the same day draws the same bytes.
    "svg.hashsalt": "provenue",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
}
_BLUE: Final = "#1f5fa8"
_RED: Final = "#b3261e"
_GREEN: Final = "#2e7d4f"
_GREY: Final = "#8a8a8a"


def draw(moments: Sequence[Moment], seed: int, path: Path) -> None:
    """Write the picture, in the format that the file's ending names.

    Args:
        moments: At least one, in order.
        seed: Of the day, for the title.
        path: Ends in .svg, .png or .pdf.

    Raises:
        OSError: It cannot be written.
    """
    assert moments, "a day has moments"
    with rc_context(_STYLE):
        figure = Figure(figsize=(9, 11), layout="constrained")
        panels = list(figure.subplots(5, 1, sharex=True, height_ratios=[3, 2, 2, 2, 2]))
        figure.suptitle(_title(moments, seed), fontsize=12)
        _fill(panels, moments)
        for panel in panels:
            _shade_halts(panel, moments)
            panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
            if len(panel.lines) > 1:
                panel.legend(loc="best")
        panels[-1].set_xlabel("minutes")
        panels[-1].xaxis.set_major_locator(MultipleLocator(5))
        panels[-1].set_xlim(0, moments[-1].second / _MINUTE_S)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _title(moments: Sequence[Moment], seed: int) -> str:
    first, last = moments[0], moments[-1]
    change = 100 * (last.index - first.index) / first.index
    return (
        f"Crash day, seed {seed}: index {change:+.1f} %, {last.fallen:,} accounts fell, "
        f"{last.halts} halts"
    )


def _fill(panels: Sequence[Axes], moments: Sequence[Moment]) -> None:
    price, equity, fund, lots, shared = panels
    _line(price, moments, "index", _GREY)
    _line(price, moments, "mark", _BLUE)
    price.set_ylabel("price, ticks")
    _line(equity, moments, "longs", _RED, "equity of longs")
    _line(equity, moments, "shorts", _GREEN, "equity of shorts")
    equity.set_ylabel("minor units")
    _area(fund, moments, "fund", _BLUE)
    fund.set_ylabel("insurance fund")
    _line(lots, moments, "liquidated", _GREY, "liquidated in the book")
    _line(lots, moments, "deleveraged", _RED, "deleveraged")
    lots.set_ylabel("lots so far")
    _area(shared, moments, "shared", _RED)
    shared.set_ylabel("losses shared so far")


def _series(moments: Sequence[Moment], name: str) -> tuple[list[float], list[int]]:
    minutes = [moment.second / _MINUTE_S for moment in moments]
    return minutes, [int(getattr(moment, name)) for moment in moments]


def _line(panel: Axes, moments: Sequence[Moment], name: str, color: str, label: str = "") -> None:
    minutes, values = _series(moments, name)
    panel.plot(minutes, values, color=color, label=label or name, linewidth=1.2)


def _area(panel: Axes, moments: Sequence[Moment], name: str, color: str) -> None:
    minutes, values = _series(moments, name)
    panel.fill_between(minutes, values, color=color, alpha=0.35, linewidth=0)
    panel.plot(minutes, values, color=color, linewidth=1.2)
    panel.set_ylim(0, 1.05 * max(1, *values))
    panel.yaxis.set_major_locator(MaxNLocator(integer=True))


def _shade_halts(panel: Axes, moments: Sequence[Moment]) -> None:
    """The steps in which the contract did not trade."""
    label = "halted"
    for moment in moments:
        if moment.halted:
            end = moment.second / _MINUTE_S
            begin = end - STEP_S / _MINUTE_S
            panel.axvspan(begin, end, color="#f2dfa9", linewidth=0, zorder=0, label=label)
            label = "_the same"
