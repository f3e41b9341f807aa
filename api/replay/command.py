"""`provenue replay FILE`: replays a recording and prints how well the engine explains it."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from api.devnet.cold import load_kernels_of
from api.replay.feed import Feed
from api.replay.formats import open_recording
from api.replay.recorded import ROWS_MAX, Tape
from api.replay.report import Report, report_of, show
from ledger.engine.warm import prepare_run

EXIT_DONE: Final = 0
NS: Final = 1_000_000_000
SHOW_EVERY: Final = 4096


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to replay and how to answer.

    Attributes:
        path: The recording.
        book: A LOBSTER order-book file: what rested before the messages begin.
        instrument: Databento's instrument id; the busiest book when None.
        rows_max: Rows or records read at most.
        as_json: Print one JSON object in place of tables.
    """

    path: Path
    book: Path | None = None
    instrument: int | None = None
    rows_max: int = ROWS_MAX
    as_json: bool = False


def run_replay(options: ReplayOptions) -> int:
    """Replay one recording and print its score on standard output; progress goes to standard error.

    Returns:
        0: it was replayed, however well the prediction did.

    Raises:
        ReplayError: The file as a whole is wrong (`api.replay.errors`).
        OSError: It cannot be read.
    """
    tape = open_recording(options.path, options.book, options.instrument, options.rows_max)
    load_kernels_of(prepare_run, lambda text: sys.stderr.write(f"{text}\n"))
    feed = Feed(tape.terms)
    began_ns = time.perf_counter_ns()
    _feed(tape, feed, options)
    score = feed.finish()
    elapsed_ns = time.perf_counter_ns() - began_ns
    report = report_of(options.path.name, tape, feed, score)
    report.elapsed_ms = elapsed_ns // 1_000_000
    report.rows_per_s = report.rows * NS // max(elapsed_ns, 1)
    _print(report, as_json=options.as_json)
    return EXIT_DONE


def _feed(tape: Tape, feed: Feed, options: ReplayOptions) -> None:
    """Take every event, showing how much of the file is read."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=options.as_json, transient=True) as progress:
        bar = progress.add_task("reading ahead", total=None)
        for count, event in enumerate(tape):
            feed.take(event)
            if count % SHOW_EVERY == 0:
                size = options.path.stat().st_size
                read = min(tape.bytes_read, size)
                progress.update(bar, description="replaying", total=size, completed=read)


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()
    else:
        show(report, Console())
