"""`provenue crash`: plays a crash day, shows it, draws it, and says what held."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.demo.board import Check
from api.demo.crash import COLUMNS, SEED, STEP_S, STEPS, Evidence, Moment, crash_day
from api.demo.crash_checks import checks, summary
from api.devnet.cold import load_kernels_of
from ledger.engine import compile_kernels

EXIT_HELD: Final = 0
EXIT_FAILED: Final = 1
ROWS_MAX: Final = 60
"""Lines of the table: one a minute of the whole hour."""


@dataclass(frozen=True, slots=True)
class CrashOptions:
    """What to play and how to answer.

    Attributes:
        seed: Of the day.
        minutes: How much of the hour, at most 60.
        chart: Where to draw it; nowhere when None.
        as_json: Print one JSON object in place of the table.
    """

    seed: int = SEED
    minutes: int = STEPS * STEP_S // 60
    chart: Path | None = None
    as_json: bool = False


def run_crash(options: CrashOptions) -> int:
    """Play one day; the table or the summary on standard output, progress on standard error.

    Returns:
        EXIT_HELD when every check held, else EXIT_FAILED.

    Raises:
        OSError: The chart cannot be written.
    """
    if options.chart is not None:
        # Before the day is played, which takes a while: where nothing can be drawn, say so now.
        options.chart.open("a", encoding="utf-8").close()
    load_kernels_of(compile_kernels, lambda text: sys.stderr.write(f"{text}\n"))
    seen = _played(options)
    found = checks(seen)
    if options.chart is not None:
        # It takes a second to import, and most days are not drawn.
        from api.demo.crash_chart import draw  # noqa: PLC0415

        draw(seen.moments, options.seed, options.chart)
    if options.as_json:
        sys.stdout.write(msgspec.json.encode(summary(options.seed, seen, found)).decode() + "\n")
    else:
        sys.stdout.write(_table(seen.moments) + "\n" + _verdicts(found))
    return EXIT_HELD if all(check.held for check in found) else EXIT_FAILED


def _played(options: CrashOptions) -> Evidence:
    steps = options.minutes * 60 // STEP_S
    told = TextColumn("{task.description}")
    columns = (told, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("the day begins", total=steps)

        def tell(moment: Moment) -> None:
            progress.update(task, advance=1, description=f"mark {moment.mark:,}")

        return crash_day(options.seed, steps, tell)


def _table(moments: list[Moment]) -> str:
    """A line a minute."""
    names = ("second", *COLUMNS)
    lines = [" ".join(f"{name:>14}" for name in names)]
    every = 60 // STEP_S
    lines += [
        " ".join(f"{getattr(moment, name):>14,}" for name in names)
        for moment in moments[every - 1 :: every][:ROWS_MAX]
    ]
    return "\n".join(lines) + "\n"


def _verdicts(found: list[Check]) -> str:
    return "".join(
        f"{'held  ' if check.held else 'FAILED'}  {check.what}: {check.found}\n" for check in found
    )
