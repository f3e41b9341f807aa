"""How fast the book that stands alone is: messages a second on the CPU time of one thread.

Each figure is the median of several runs over fresh books, in batches. Nothing is asserted but that
the streams do what they are for: the machine is shared, and the caller takes the yardstick.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.book import run_book
from matching.flows import MARKETS, STREAM, Flow, market_flow, storm_flow, sweep_flow
from matching.ladder import LoneBook
from matching.lone import begin_book, open_book
from matching.messages import REPORT
from matching.pins import pin

NS: Final = 1_000_000_000
BATCH: Final = 4096
RUNS: Final = 5
MILLION: Final = 1_000_000
SEED: Final = 20261121


@dataclass(frozen=True, slots=True)
class Figure:
    """One benchmark result, a whole number a second."""

    name: str
    value: int
    unit: str


class Bench:
    """One flow with its book and its report buffer."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.book = open_book(flow.limits)
        self._pinned = pin(self.book)
        self.reports = np.zeros(flow.limits.orders + 2 + 4 * BATCH, REPORT)

    def run(self) -> int:
        """The thread's nanoseconds for the stream; the book is emptied and filled before."""
        _empty(self.book, self.flow.limits.price_bits)
        self.feed(self.flow.before)
        before = time.thread_time_ns()
        self.feed(self.flow.messages)
        return time.thread_time_ns() - before

    def rate(self, runs: int) -> int:
        """Messages a second, the median of some runs."""
        taken_ns = sorted(self.run() for _ in range(runs))
        return len(self.flow.messages) * NS // taken_ns[runs // 2]

    def feed(self, messages: NDArray[Any]) -> None:
        """Run messages in batches; the reports of one are overwritten by the next."""
        at = 0
        while at < len(messages):
            run_book(self._pinned, messages[at : at + BATCH], self.reports)
            taken = int(self.book.head["taken"][0])
            assert taken > 0, "the report buffer holds any one message's reports"
            at += taken


def _empty(book: LoneBook, price_bits: int) -> None:
    """As opened, in the same memory, all of which the system has given by now."""
    for table in book:
        table.view(np.uint8).fill(0)
    begin_book(book, price_bits)


def book_figures(stream: int = STREAM, many: int = MILLION, runs: int = RUNS) -> Iterator[Figure]:
    """The five markets, the worst of them, a sweep through many orders, a storm of cancels."""
    rates = []
    for name, market in MARKETS.items():
        rates.append(Bench(market_flow(market, stream, SEED)).rate(runs))
        yield Figure(f"book.{name}", rates[-1], "messages/s")
    yield Figure("book.worst", min(rates), "messages/s")
    for name, flow in (
        ("book.sweep_million", sweep_flow(many, SEED)),
        ("book.cancel_storm", storm_flow(many, SEED)),
    ):
        yield Figure(name, Bench(flow).rate(runs), "messages/s")


if __name__ == "__main__":
    for figure in book_figures():
        sys.stdout.write(f"{figure}\n")
