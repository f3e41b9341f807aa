"""A replay's result as data (`--json`) and as tables."""

from typing import Final

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.replay.feed import Feed
from api.replay.recorded import Tape
from api.replay.score import Example, Match, Score

TENTHS: Final = 1000
"""Shares are counted in tenths of a per cent."""


class Line(msgspec.Struct, frozen=True):
    """One reason: how many aggressors and how many unrecorded trades, with examples."""

    reason: str
    name: str
    aggressors: int
    unrecorded: int
    examples: list[Example]


class Report(msgspec.Struct):
    """What `provenue replay --json` prints; the fields' meanings stand in docs/replay.md."""

    file: str
    format: str
    rows: int
    events: int
    commands: int
    aggressors: int
    exactly: int
    within_rounding: int
    partly: int
    not_at_all: int
    hidden_only: int
    hidden_lots: int
    unrecorded: int
    recorded_lots: int
    predicted_lots: int
    agreeing_lots: int
    recorded_fills: int
    predicted_fills: int
    agreeing_fills: int
    reasons: list[Line]
    repairs: dict[str, int]
    state_root: str
    elapsed_ms: int = 0
    rows_per_s: int = 0


def report_of(file: str, tape: Tape, feed: Feed, score: Score) -> Report:
    """Gather a finished replay. Most frequent reasons and repairs first."""
    lines = [
        Line(reason.value, reason.name, found.aggressors, found.unrecorded, found.examples)
        for reason, found in score.reasons.items()
    ]
    lines.sort(key=lambda line: (-line.aggressors - line.unrecorded, line.name))
    repairs = dict((tape.repairs.counts + feed.counts).most_common())
    return Report(
        file=file,
        format=tape.terms.format,
        rows=tape.repairs.rows,
        events=feed.events,
        commands=feed.seats.commands,
        aggressors=score.aggressors,
        exactly=score.matches[Match.EXACT],
        within_rounding=score.matches[Match.ROUNDED],
        partly=score.matches[Match.PARTLY],
        not_at_all=score.matches[Match.NONE],
        hidden_only=score.hidden_only,
        hidden_lots=score.hidden_lots,
        unrecorded=score.unrecorded,
        recorded_lots=score.recorded_lots,
        predicted_lots=score.predicted_lots,
        agreeing_lots=score.agreeing_lots,
        recorded_fills=score.recorded_fills,
        predicted_fills=score.predicted_fills,
        agreeing_fills=score.agreeing_fills,
        reasons=lines,
        repairs=repairs,
        state_root=feed.seats.engine.state_root().hex(),
    )


def share(part: int, whole: int) -> str:
    """A percentage with one decimal, rounded down, so that 100.0 % means all of it."""
    if whole == 0:
        return "-"
    tenths = part * TENTHS // whole
    return f"{tenths // 10}.{tenths % 10} %"


def show(report: Report, out: Console) -> None:
    """Print the tables."""
    out.print(
        f"{escape(report.file)}: {report.format}, {report.rows:,} rows,"
        f" {report.commands:,} commands in {report.elapsed_ms:,} ms ({report.rows_per_s:,} rows/s)"
    )
    out.print(_scores(report))
    if report.reasons:
        out.print(_reasons(report))
    if report.repairs:
        mended = Table("mended or left out", "times", title="the recording itself")
        for what, times in report.repairs.items():
            mended.add_row(escape(what), f"{times:,}")
        out.print(mended)


def _scores(report: Report) -> Table:
    table = Table("predicted by the engine", "count", "of", "share", title="score")
    for name in ("exactly", "within_rounding", "partly", "not_at_all"):
        count: int = getattr(report, name)
        words = name.replace("_", " ")
        part = share(count, report.aggressors)
        table.add_row(f"aggressors {words}", f"{count:,}", f"{report.aggressors:,}", part)
    fills = share(report.agreeing_fills, report.recorded_fills)
    table.add_row(
        "orders that gave", f"{report.agreeing_fills:,}", f"{report.recorded_fills:,}", fills
    )
    lots = share(report.agreeing_lots, report.recorded_lots)
    table.add_row("lots filled", f"{report.agreeing_lots:,}", f"{report.recorded_lots:,}", lots)
    table.add_row("trades predicted, not recorded", f"{report.unrecorded:,}", "", "")
    if report.hidden_lots:
        table.add_row("aggressors that met hidden orders only", f"{report.hidden_only:,}", "", "")
        table.add_row("lots of hidden orders", f"{report.hidden_lots:,}", "", "")
    return table


def _reasons(report: Report) -> Table:
    table = Table("reason", "aggressors", "unrecorded", "an example", title="what differs, and why")
    for line in report.reasons:
        example = _in_words(line.examples[0]) if line.examples else ""
        table.add_row(escape(line.reason), f"{line.aggressors:,}", f"{line.unrecorded:,}", example)
    return table


def _in_words(example: Example) -> str:
    recorded, predicted = (
        "; ".join(f"{lots} of order {key} at {ticks}" for key, ticks, lots in fills) or "nothing"
        for fills in (example.recorded, example.predicted)
    )
    return escape(
        f"{example.side} {example.qty_lots} at {example.limit_ticks}, time {example.time_ns}:"
        f" recorded {recorded}; predicted {predicted}"
    )
