"""What the demo shows: a bar while it works, then what it checked and what it measured.

A check counts only with what was found; the exit code is 0 only if every check held and at least
one was made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified.

    Attributes:
        what: The claim, as a sentence's start.
        held: Whether it is so.
        found: What was seen: by what, and where.
    """

    what: str
    held: bool
    found: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of figures."""

    name: str
    value: str


class Step:
    """One step's bar. `total` may be learnt late."""

    def __init__(self, progress: Progress, title: str, total: int | None) -> None:
        self._progress = progress
        self._title = title
        self._task = progress.add_task(title, total=total)
        self.total = total

    def advance(self, by: int = 1) -> None:
        """Move the bar."""
        self._progress.advance(self._task, by)

    def reach(self, done: int, total: int | None = None) -> None:
        """Set the bar; with `total`, also its end."""
        self._progress.update(self._task, completed=done, total=total)
        self.total = total if total is not None else self.total

    def tell(self, what: str) -> None:
        """Say what it is at."""
        self._progress.update(self._task, description=what)

    def finish(self) -> None:
        """Fill the bar."""
        total = self.total or 1
        self._progress.update(self._task, completed=total, total=total, description=self._title)


class Board:
    """Collects checks and figures, and draws. `quiet` draws nothing (benchmarks)."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False)
        self.checks: list[Check] = []
        self.rows: list[Row] = []
        self._progress = Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Show bars while the body runs."""
        with self._progress:
            yield

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Step]:
        """One step; its bar fills when the body ends without an error."""
        step = Step(self._progress, title, total)
        yield step
        step.finish()

    def check(self, what: str, *, held: bool, found: str) -> None:
        """Record a check. It is shown at once when it failed."""
        self.checks.append(Check(what, held, found))
        if not held:
            self.console.print(f"[red]does not hold:[/] {what}: {found}")

    def figure(self, name: str, value: str) -> None:
        """Record a line of the table of figures."""
        self.rows.append(Row(name, value))

    @property
    def all_held(self) -> bool:
        """Whether at least one check was made and none failed."""
        return bool(self.checks) and all(check.held for check in self.checks)

    def show(self) -> None:
        """Print both tables."""
        checks = Table(title="What was checked", title_justify="left", show_lines=False)
        checks.add_column("")
        checks.add_column("claim")
        checks.add_column("found", overflow="fold")
        for check in self.checks:
            mark = "[green]holds[/]" if check.held else "[red]FAILS[/]"
            checks.add_row(mark, check.what, check.found)
        figures = Table(title="Figures", title_justify="left")
        figures.add_column("what")
        figures.add_column("measured", justify="right")
        for row in self.rows:
            figures.add_row(row.name, row.value)
        self.console.print(checks)
        self.console.print(figures)


def percentile(values: list[int], per_mille: int) -> int:
    """The smallest value that at least `per_mille` of a thousand values do not exceed."""
    assert values
    assert 0 < per_mille <= 1000
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * per_mille // 1000) - 1)]
