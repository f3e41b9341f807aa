"""The book alone under the names that issues and documents use."""

from collections.abc import Iterator
from typing import Final

from api.bench.harness import Figure, Suite
from matching import bench as book_bench

NAMES: Final = (
    "book.calm", "book.deep", "book.swing25", "book.swing40", "book.crash", "book.worst",
    "book.sweep_million", "book.cancel_storm",
)  # fmt: skip


def measure_book() -> Iterator[Figure]:
    """Five flow shapes, the worst of them, and the shapes that tempt quadratic code."""
    for figure in book_bench.book_figures():
        yield Figure(figure.name, figure.value, figure.unit)


BOOK: Final = Suite(NAMES, measure_book)
