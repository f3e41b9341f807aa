"""The book that stands alone says what the naive one says, message by message, whatever comes.

docs/spec/matching.md, section 8.
"""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.book import run_book
from matching.lone import BookLimits, depth, open_book
from matching.messages import (
    IOC,
    LEVEL_LOTS_MAX,
    MESSAGE,
    ORDER_ID_MAX,
    REPORT,
    BookReject,
    BookSide,
    MessageKind,
    ReportKind,
)
from matching.naive import Message, NaiveBook, report_of
from matching.units import PRICE_TICKS_MAX, QTY_LOTS_MAX

NEW, CANCEL, MODIFY = MessageKind
BUY, SELL = BookSide
WIDE = BookLimits(orders=1 << 10, pages=1 << 10, ids=1 << 12, price_bits=31)


def rows_of(messages):
    rows = np.zeros(len(messages), MESSAGE)
    for row, message in zip(rows, messages, strict=True):
        for name in ("order_id", "qty_lots", "price_ticks", "kind", "side", "flags"):
            row[name] = getattr(message, name)
    return rows


class Pair:
    """A kernel book beside the naive one."""

    def __init__(self, limits=WIDE):
        self.limits, self.book, self.naive = limits, open_book(limits), NaiveBook(limits)
        self.reports = np.zeros(limits.orders + 64, REPORT)

    def run(self, messages):
        """Run as few calls as the report buffer allows; both say the same, to the last field."""
        rows, at, said = rows_of(messages), 0, []
        while at < len(rows):
            written = run_book(self.book, rows[at:], self.reports)
            taken = int(self.book.head["taken"][0])
            assert taken > 0
            fresh = self.reports[:written]
            said += [(at + int(report["message"]), report_of(report)) for report in fresh]
            at += taken
        expected = [
            (place, report)
            for place, message in enumerate(messages)
            for report in self.naive.run(message)
        ]
        assert said == expected
        return [report for _, report in said]

    def check(self):
        """The two books hold the same, and the kernel's own accounts agree."""
        head = self.book.head[0]
        resting = self.naive.resting()
        assert head["open_orders"] == len(resting)
        assert np.count_nonzero(self.book.ids) == len(resting)
        for side, one in enumerate(self.naive.sides):
            expected = [(price, lots) for price, lots, _ in one.depth()]
            assert depth(self.book, side, 1 << 20) == expected
            assert depth(self.book, side, 2) == expected[:2]
        pages = {
            (side, self.naive._page(side, order.price_ticks)) for side, order in resting.values()
        }
        assert head["page_open"] == len(pages) == np.count_nonzero(self.book.directory)
        if not resting:
            assert not self.book.summary.any()
            assert not self.book.rungs.view(np.uint8).any()
            assert list(self.book.best) == [
                1 << self.limits.price_bits,
                2 << self.limits.price_bits,
            ]

    def empty(self):
        self.run([Message(CANCEL, order_id) for order_id in self.naive.resting()])
        self.check()


def walk(rng, limits, count):
    """Messages of a book in use: near and far prices, ids old and new, now and then nonsense."""
    top = (1 << limits.price_bits) - 1
    middle = rng.randrange(1, top + 1)
    messages = []
    for _ in range(count):
        order_id = rng.choice([rng.randrange(1, 60), rng.randrange(1, ORDER_ID_MAX + 1)])
        if messages and rng.random() < 0.4:
            order_id = rng.choice(messages).order_id
        price = min(top, max(1, middle + rng.randrange(-70, 70)))
        if rng.random() < 0.1:
            price = rng.choice([0, 1, top, min(top + 1, 2**32 - 1), rng.randrange(1, top + 1)])
        lots = rng.randrange(1, 30)
        if rng.random() < 0.05:
            lots = rng.choice([-1, 0, QTY_LOTS_MAX, QTY_LOTS_MAX + 1, -(2**63), 2**63 - 1])
        kind = rng.choices([NEW, CANCEL, MODIFY, rng.randrange(256)], [50, 25, 20, 1])[0]
        side = rng.choice([0, 1]) if rng.random() < 0.98 else rng.randrange(256)
        flags = rng.choices([0, IOC, rng.randrange(256)], [85, 15, 1])[0]
        if rng.random() < 0.01:
            order_id = rng.choice([0, -1, -(2**63)])
        messages.append(Message(kind, order_id, side, price, lots, flags))
    return messages


@pytest.mark.parametrize("seed", range(40))
def test_random_streams_say_what_the_naive_book_says(seed):
    rng = random.Random(seed)
    bits = rng.choice([6, 7, 11, 12, 13, 18, 24, 30, 31])
    limits = BookLimits(
        orders=rng.choice([1, 5, 40, 500]),
        pages=rng.choice([1, 2, 9, 500]),
        ids=1 << rng.choice([0, 4, 10]),
        price_bits=bits,
    )
    pair = Pair(limits)
    for _ in range(4):
        pair.run(walk(rng, limits, 150))
        pair.check()
        pair.empty()


PRICES = st.one_of(st.integers(1, 70), st.integers(0, 2**32 - 1), st.just(PRICE_TICKS_MAX))
MESSAGES = st.builds(
    Message,
    kind=st.sampled_from([NEW, NEW, NEW, CANCEL, MODIFY]),
    order_id=st.integers(1, 12),
    side=st.sampled_from([0, 1]),
    price_ticks=PRICES,
    qty_lots=st.one_of(st.integers(1, 4), st.integers(-(2**63), 2**63 - 1)),
    flags=st.sampled_from([0, 0, 0, IOC]),
)


@given(st.lists(MESSAGES, max_size=40))
def test_any_messages_say_what_the_naive_book_says(messages):
    pair = Pair(BookLimits(orders=6, pages=3, ids=8, price_bits=31))
    pair.run(messages)
    pair.check()
    pair.empty()


@pytest.mark.parametrize("seed", range(5))
def test_the_batch_split_changes_nothing(seed):
    rng = random.Random(seed)
    rows = rows_of(walk(rng, WIDE, 400))
    said = []
    for size in (1, 7, 400):
        book, reports, found = open_book(WIDE), np.zeros(2000, REPORT), []
        for first in range(0, len(rows), size):
            written = run_book(book, rows[first : first + size], reports)
            batch = reports[:written].copy()
            batch["message"] += first
            found.append(batch)
        said.append(np.concatenate(found))
    assert said[0].tobytes() == said[1].tobytes() == said[2].tobytes()


def test_a_full_report_buffer_stops_before_a_message_and_the_next_call_goes_on():
    book = open_book(WIDE)
    orders = [Message(NEW, order_id, SELL, 10, 1) for order_id in range(1, 11)]
    rows = rows_of([*orders, Message(NEW, 11, BUY, 10, 10)])
    reports = np.zeros(12, REPORT)
    written = run_book(book, rows, reports)
    assert written == book.head["taken"][0] < 11
    at = int(book.head["taken"][0])
    while at < 10:
        assert run_book(book, rows[at:], reports) > 0
        at += int(book.head["taken"][0])
    assert run_book(book, rows[10:], reports) == 11
    assert run_book(book, rows_of(orders), np.zeros(1, REPORT)) == book.head["taken"][0] == 0


def test_every_report_is_written_to_the_last_byte():
    book, reports = open_book(WIDE), np.zeros(5000, REPORT)
    rows = rows_of(walk(random.Random(3), WIDE, 200))
    reports.view(np.uint8).fill(0xFF)
    written = run_book(book, rows, reports)
    first = reports[:written].tobytes()
    book, reports = open_book(WIDE), np.zeros(5000, REPORT)
    assert run_book(book, rows, reports) == written
    assert reports[:written].tobytes() == first


def said_by(*messages):
    return [(report.kind, report.reject) for report in Pair().run(list(messages))]


@pytest.mark.parametrize(
    ("message", "reject"),
    [
        (Message(0, 5, SELL, 10, 1), BookReject.BAD_KIND),
        (Message(255, -1, 9, 0, 0, 9), BookReject.BAD_KIND),
        (Message(NEW, -1, 2, 0, 0, 9), BookReject.BAD_SIDE),
        (Message(NEW, -1, SELL, 0, 0, 2), BookReject.BAD_FLAGS),
        (Message(NEW, 0, SELL, 0, 0), BookReject.BAD_ID),
        (Message(NEW, -(2**63), SELL, 0, 0), BookReject.BAD_ID),
        (Message(NEW, 1, SELL, 0, 0), BookReject.ID_TAKEN),
        (Message(NEW, 1 + WIDE.ids, SELL, 0, 0), BookReject.ID_TAKEN),
        (Message(CANCEL, 2), BookReject.UNKNOWN_ORDER),
        (Message(CANCEL, 0), BookReject.UNKNOWN_ORDER),
        (Message(CANCEL, 1 - WIDE.ids), BookReject.UNKNOWN_ORDER),
        (Message(CANCEL, 1 + WIDE.ids), BookReject.UNKNOWN_ORDER),
        (Message(MODIFY, 1 + WIDE.ids, 0, 0, 0), BookReject.UNKNOWN_ORDER),
        (Message(NEW, 2, BUY, 0, 0), BookReject.BAD_PRICE),
        (Message(NEW, 2, BUY, PRICE_TICKS_MAX + 1, 1), BookReject.BAD_PRICE),
        (Message(MODIFY, 1, 0, 2**32 - 1, 0), BookReject.BAD_PRICE),
        (Message(NEW, 2, BUY, 10, 0), BookReject.BAD_LOTS),
        (Message(NEW, 2, BUY, 10, QTY_LOTS_MAX + 1, IOC), BookReject.BAD_LOTS),
        (Message(MODIFY, 1, 0, 10, -1), BookReject.BAD_LOTS),
    ],
)
def test_each_refusal_has_its_code_in_the_order_of_the_checks(message, reject):
    said = said_by(Message(NEW, 1, SELL, 10, 5), message)
    assert said == [(ReportKind.ACCEPTED, 0), (ReportKind.REFUSED, reject)]


def test_a_level_holds_two_to_the_62_lots_and_no_more():
    fits = LEVEL_LOTS_MAX // QTY_LOTS_MAX
    pair = Pair()
    said = pair.run([Message(NEW, n, BUY, 9, QTY_LOTS_MAX) for n in range(1, fits + 2)])
    assert [report.kind for report in said[:-1]] == [ReportKind.ACCEPTED] * fits
    assert said[-1].reject == BookReject.LEVEL_FULL
    left = LEVEL_LOTS_MAX - fits * QTY_LOTS_MAX
    said = pair.run(
        [Message(NEW, 900 + n, BUY, 9, lots) for n, lots in enumerate((left + 1, left, 1))]
    )
    full = BookReject.LEVEL_FULL
    assert [report.reject for report in said] == [full, BookReject.NONE, full]
    taker = [Message(NEW, 2000 + n, SELL, 1, QTY_LOTS_MAX) for n in range(fits)]
    pair.run(taker)
    pair.check()


def test_no_room_for_orders_or_pages_refuses_what_would_rest_and_nothing_else():
    pair = Pair(BookLimits(orders=2, pages=2, ids=64, price_bits=20))
    said = pair.run(
        [
            Message(NEW, 1, SELL, 100, 5),
            Message(NEW, 2, SELL, 1000, 5),
            Message(NEW, 3, SELL, 1001, 5),
            Message(NEW, 4, BUY, 5000, 3, IOC),
            Message(MODIFY, 1, 0, 5000, 2),
            Message(MODIFY, 1, 0, 1010, 2),
            Message(NEW, 5, BUY, 50, 1),
            Message(CANCEL, 2),
            Message(NEW, 6, BUY, 50, 1),
        ]
    )
    refused = [report.order_id for report in said if report.reject == BookReject.NO_ROOM]
    assert refused == [3, 1, 5]
    pair.check()


def test_fewer_lots_keep_the_place_and_everything_else_loses_it():
    pair = Pair()
    rest = [Message(NEW, order_id, SELL, 10, 5) for order_id in (1, 2, 3)]
    said = pair.run([*rest, Message(MODIFY, 1, 0, 10, 4), Message(NEW, 9, BUY, 10, 1)])
    assert said[-1].maker_id == 1
    said = pair.run([Message(MODIFY, 1, 0, 10, 5), Message(NEW, 10, BUY, 10, 1)])
    assert said[-1].maker_id == 2
    said = pair.run([Message(MODIFY, 2, 0, 11, 1), Message(NEW, 11, BUY, 10, 9)])
    assert [report.maker_id for report in said if report.kind == ReportKind.TRADE] == [3, 1]
    pair.check()


def test_a_modify_that_crosses_trades_as_a_taker():
    pair = Pair()
    said = pair.run(
        [
            Message(NEW, 1, SELL, 12, 5),
            Message(NEW, 2, BUY, 8, 9),
            Message(MODIFY, 2, 0, 13, 9),
            Message(MODIFY, 2, 0, 13, 2),
        ]
    )
    assert [report.kind for report in said[2:]] == [
        ReportKind.MODIFIED,
        ReportKind.TRADE,
        ReportKind.MODIFIED,
    ]
    assert depth(pair.book, BUY, 5) == [(13, 2)]
    assert depth(pair.book, SELL, 5) == []


@pytest.mark.parametrize("bits", range(6, 32))
def test_both_ends_of_every_price_range_are_found_again(bits):
    top = (1 << bits) - 1
    limits = BookLimits(orders=16, pages=16, ids=16, price_bits=bits)
    pair = Pair(limits)
    for side in (SELL, BUY):
        prices = [1, top, top - 1, 2, top // 2, top // 2 + 1]
        pair.run([Message(NEW, n, side, price, 1) for n, price in enumerate(prices, 1)])
        pair.check()
        pair.run([Message(NEW, 9, 1 - side, top if side == SELL else 1, 4, IOC)])
        pair.check()
        pair.empty()
