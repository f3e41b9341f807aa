"""The reader of Databento's market-by-order files, on bytes that the package itself encodes."""

from pathlib import Path
from random import Random

import databento_dbn as dbn
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.replay import databento
from api.replay.databento import DatabentoBook
from api.replay.errors import DamagedFile, NoSuchBook, ReplayError
from api.replay.feed import Feed
from api.replay.recorded import Add, Aggression, Clear, Fill, Modify, Recorded, Reduce
from api.replay.source import CUT_SHORT
from ledger.records.codes import Side

from .oracle import START_NS, Day, dbn_header, dbn_records, record

BUY, SELL = Side.BUY, Side.SELL
ASK, BID, NONE = dbn.Side.ASK, dbn.Side.BID, dbn.Side.NONE
A, C, M = dbn.Action.ADD, dbn.Action.CANCEL, dbn.Action.MODIFY
T, F, R, N = dbn.Action.TRADE, dbn.Action.FILL, dbn.Action.CLEAR, dbn.Action.NONE
T0 = START_NS


def book_of(tmp_path: Path, *records: bytes, **options: int) -> DatabentoBook:
    path = tmp_path / "day.dbn"
    path.write_bytes(dbn_header() + b"".join(records))
    return DatabentoBook(path, **options)


def read(tmp_path: Path, *records: bytes) -> tuple[list[Recorded], dict[str, int]]:
    book = book_of(tmp_path, *records)
    return list(book), dict(book.repairs.counts)


# One odd tick apart, so that the tick is known whatever a test leaves out.
FAR = record(A, BID, 900, 1, 1, time_ns=T0 - 9) + record(A, BID, 901, 2, 1, time_ns=T0 - 9)


def after_far(tmp_path: Path, *records: bytes) -> tuple[list[Recorded], dict[str, int]]:
    events, counts = read(tmp_path, FAR, *records)
    return events[2:], counts


def test_each_action_becomes_what_it_says(tmp_path: Path):
    events, counts = after_far(
        tmp_path,
        record(R, NONE, 0, 0, 0),
        record(A, ASK, 1, 40, 10, time_ns=T0 + 1),
        record(C, ASK, 1, 40, 4, time_ns=T0 + 2),
        record(M, ASK, 1, 41, 9, time_ns=T0 + 3),
        record(N, NONE, 0, 0, 0, time_ns=T0 + 4),
    )
    assert events == [
        Clear(T0),
        Add(T0 + 1, 1, SELL, 40, 10),
        Reduce(T0 + 2, 1, 4),
        Modify(T0 + 3, 1, SELL, 41, 9),
    ]
    assert not counts


def test_what_fills_took_is_told_once(tmp_path: Path):
    """A trade with its fills, and the cancels that bring the book after it."""
    events, _ = after_far(
        tmp_path,
        record(T, BID, 77, 41, 12),
        record(F, ASK, 1, 40, 10),
        record(F, ASK, 2, 41, 2),
        record(C, ASK, 1, 40, 10),
        record(C, ASK, 2, 41, 2),
        record(C, ASK, 2, 41, 3, flags=dbn.F_LAST),
    )
    assert events == [
        Aggression(T0, BUY, 41, 12, (Fill(1, 40, 10), Fill(2, 41, 2))),
        Reduce(T0, 2, 3),
    ]


def test_a_cancel_that_holds_more_than_the_fill_tells_the_rest(tmp_path: Path):
    events, _ = after_far(
        tmp_path, record(T, BID, 7, 40, 4), record(F, ASK, 1, 40, 4), record(C, ASK, 1, 40, 10)
    )
    assert events[1:] == [Reduce(T0, 1, 6)]


def test_a_modify_after_a_fill_says_what_is_left(tmp_path: Path):
    events, _ = after_far(
        tmp_path, record(T, BID, 7, 40, 4), record(F, ASK, 1, 40, 4), record(M, ASK, 1, 40, 6)
    )
    assert events[1:] == [Modify(T0, 1, SELL, 40, 6)]


def test_a_fill_explains_cancels_of_its_own_moment_only(tmp_path: Path):
    events, _ = after_far(
        tmp_path,
        record(T, BID, 7, 40, 4),
        record(F, ASK, 1, 40, 4),
        record(C, ASK, 1, 40, 4, time_ns=T0 + 1),
    )
    assert events[1:] == [Reduce(T0 + 1, 1, 4)]


def test_executions_of_one_moment_and_side_are_one_aggressor(tmp_path: Path):
    """An ITCH venue reports each giving order by itself: trade, fill, cancel, and again."""
    rows = []
    for key, price in ((1, 40), (2, 41)):
        rows += [
            record(T, BID, 0, price, 5),
            record(F, ASK, key, price, 5),
            record(C, ASK, key, price, 5, flags=dbn.F_LAST),
        ]
    events, _ = after_far(tmp_path, *rows)
    assert events == [Aggression(T0, BUY, 41, 10, (Fill(1, 40, 5), Fill(2, 41, 5)))]


@pytest.mark.parametrize(("side", "time_ns"), [(ASK, T0), (BID, T0 + 1)])
def test_another_side_or_moment_is_another_aggressor(tmp_path: Path, side: dbn.Side, time_ns: int):
    other = ASK if side is BID else BID
    events, _ = after_far(
        tmp_path,
        record(T, BID, 0, 40, 5),
        record(F, ASK, 1, 40, 5),
        record(T, side, 0, 40, 6, time_ns=time_ns),
        record(F, other, 2, 40, 6, time_ns=time_ns),
    )
    assert [event.qty_lots for event in events if isinstance(event, Aggression)] == [5, 6]


def test_an_aggressors_own_fill_is_nobodys_gift(tmp_path: Path):
    """CME lists every order that a trade filled; a resting order that moved is the aggressor."""
    events, counts = after_far(
        tmp_path,
        record(A, ASK, 10, 42, 3, time_ns=T0 - 1),
        record(T, ASK, 10, 40, 1),
        record(F, ASK, 10, 40, 1),
        record(F, BID, 20, 40, 1),
        record(T, ASK, 10, 39, 1),
        record(F, BID, 21, 39, 1),
        record(C, BID, 20, 40, 1),
        record(M, ASK, 10, 39, 1, flags=dbn.F_LAST),
        record(C, BID, 21, 39, 1, flags=dbn.F_LAST),
    )
    assert events[1:] == [
        Aggression(T0, SELL, 39, 2, (Fill(20, 40, 1), Fill(21, 39, 1))),
        Modify(T0, 10, SELL, 39, 1),
    ]
    assert not counts


def test_an_own_fill_of_an_unnamed_aggressor_is_known_by_its_side(tmp_path: Path):
    events, _ = after_far(
        tmp_path, record(T, BID, 0, 40, 4), record(F, BID, 77, 40, 4), record(F, ASK, 1, 40, 4)
    )
    assert events == [Aggression(T0, BUY, 40, 4, (Fill(1, 40, 4),))]


def test_trades_that_name_two_orders_are_two_aggressors(tmp_path: Path):
    """One packet can hold an order and the stop that it triggered."""
    events, _ = after_far(
        tmp_path,
        record(T, BID, 901, 40, 5),
        record(F, ASK, 1, 40, 5),
        record(T, BID, 902, 40, 6),
        record(F, ASK, 2, 40, 6),
    )
    assert [event.qty_lots for event in events if isinstance(event, Aggression)] == [5, 6]


def test_what_rests_of_an_aggressor_comes_before_its_makers_leave(tmp_path: Path):
    events, _ = after_far(
        tmp_path,
        record(T, BID, 900, 41, 1),
        record(F, ASK, 2, 41, 1),
        record(A, BID, 900, 41, 3),
        record(C, ASK, 2, 41, 1, flags=dbn.F_LAST),
    )
    assert events == [Aggression(T0, BUY, 41, 1, (Fill(2, 41, 1),)), Add(T0, 900, BUY, 41, 3)]


def test_a_trade_without_a_side_takes_it_from_its_fills(tmp_path: Path):
    events, _ = after_far(tmp_path, record(T, NONE, 0, 40, 5), record(F, BID, 1, 40, 5))
    assert events == [Aggression(T0, SELL, 40, 5, (Fill(1, 40, 5),))]


def test_what_no_fill_explains_of_a_trade_is_hidden(tmp_path: Path):
    events, counts = after_far(
        tmp_path,
        record(T, BID, 0, 40, 9),
        record(F, ASK, 1, 40, 5),
        record(T, NONE, 0, 40, 3, time_ns=T0 + 1),
    )
    assert [(event.qty_lots, event.hidden_lots) for event in events] == [(5, 4), (0, 3)]
    assert counts == {"trade without a side or a fill: an auction, or hidden orders": 1}


def test_a_snapshot_is_seeded(tmp_path: Path):
    (event,), _ = after_far(tmp_path, record(A, BID, 5, 40, 3, flags=dbn.F_SNAPSHOT))
    assert event == Add(T0, 5, BUY, 40, 3, seeded=True)
    assert dbn.F_SNAPSHOT == databento.SNAPSHOT
    assert dbn.F_MAYBE_BAD_BOOK == databento.MAYBE_BAD_BOOK
    assert dbn.UNDEF_PRICE == databento.UNDEF_PRICE


def test_a_record_that_may_be_of_a_bad_book_is_counted_as_a_gap(tmp_path: Path):
    _, counts = after_far(tmp_path, record(A, BID, 5, 40, 3, flags=dbn.F_MAYBE_BAD_BOOK))
    assert counts == {"gap: the record says that its book may be bad": 1}


def test_orders_and_fills_without_a_side_are_left_out(tmp_path: Path):
    events, counts = after_far(
        tmp_path, record(A, NONE, 5, 40, 3), record(M, NONE, 5, 40, 3), record(F, NONE, 5, 40, 3)
    )
    assert [event for event in events if not isinstance(event, Aggression)] == []
    assert counts["order without a side: left out"] == 2
    assert counts["fill without a side: left out"] == 1


ACTION_AT, SIDE_AT, RTYPE_AT, LENGTH_AT = 38, 39, 1, 0
"""Where a record keeps them."""


@pytest.mark.parametrize(
    ("field", "counted"), [(ACTION_AT, {}), (SIDE_AT, {"order without a side: left out": 1})]
)
def test_an_unknown_action_or_side_is_none(tmp_path: Path, field: int, counted: dict[str, int]):
    broken = bytearray(record(A, BID, 5, 40, 3))
    broken[field] = ord("?")
    events, counts = after_far(tmp_path, bytes(broken))
    assert events == []
    assert counts == counted


@pytest.mark.parametrize(("at", "value"), [(LENGTH_AT, 5), (RTYPE_AT, 0x01)])
def test_a_record_shorter_than_its_kind_is_refused(tmp_path: Path, at: int, value: int):
    """The package's decoder panics at such bytes; a panic is no Exception."""
    broken = bytearray(record(A, BID, 5, 40, 3))
    broken[at] = value
    with pytest.raises(DamagedFile) as caught:
        list(book_of(tmp_path, bytes(broken)))
    assert "Malformed" in caught.value.why


def test_other_errors_than_the_decoders_are_not_disguised():
    assert not databento._is_of_the_decoder(KeyboardInterrupt())
    assert not databento._is_of_the_decoder(MemoryError())
    assert databento._is_of_the_decoder(dbn.DBNError("x"))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_a_file_with_flipped_bytes_reads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, seed: int
):
    random = Random(seed)
    raw = bytearray(dbn_header() + b"".join(dbn_records(Day(1, 40).happenings)))
    for _ in range(random.randint(1, 6)):
        raw[random.randrange(len(raw))] = random.randrange(256)
    path = tmp_path_factory.mktemp("flipped") / "day.dbn"
    path.write_bytes(bytes(raw[: random.randint(1, len(raw))]))
    try:
        tape = DatabentoBook(path)
        feed = Feed(tape.terms)
        for event in tape:
            feed.take(event)
        feed.finish()
    except ReplayError:
        return


def test_the_tick_is_the_largest_step_that_divides_every_price(tmp_path: Path):
    rows = [record(A, BID, key, price, 1) for key, price in ((1, 18000), (2, 18008), (3, 18012))]
    events, _ = read(tmp_path, *rows)
    assert [event.price_ticks for event in events] == [4500, 4502, 4503]


def test_a_price_that_only_traded_does_not_make_the_tick(tmp_path: Path):
    """An average price of a spread, or a midpoint: no order stands there."""
    odd = dbn.MBOMsg(2, 7, T0, 0, 40 * 250_000_000 + 1, 3, T, NONE, T0 + 1)
    events, _ = after_far(tmp_path, bytes(odd), record(A, BID, 5, 40, 3, time_ns=T0 + 1))
    assert [event.price_ticks for event in events if isinstance(event, Add)] == [40]


def test_the_busiest_book_is_read_and_the_others_counted(tmp_path: Path):
    rows = (
        record(A, BID, 1, 40, 1, instrument=5),
        record(A, BID, 2, 40, 1, instrument=6),
        record(A, BID, 3, 40, 1, instrument=6),
        record(A, BID, 4, 40, 1, instrument=6, publisher=9),
    )
    events, counts = read(tmp_path, *rows)
    assert [event.key for event in events] == [2, 3]
    assert counts == {"order event of another book: left out": 2}
    assert [event.key for event in book_of(tmp_path, *rows, instrument=5)] == [1]


def test_an_instrument_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(NoSuchBook) as caught:
        list(book_of(tmp_path, FAR, instrument=99))
    assert caught.value.instrument == 99


def test_a_file_without_an_order_is_refused(tmp_path: Path):
    with pytest.raises(NoSuchBook):
        list(book_of(tmp_path))


def test_records_of_other_kinds_are_left_out(tmp_path: Path):
    status = bytes(dbn.SystemMsg(T0, "heartbeat"))
    events, counts = after_far(tmp_path, status, record(A, BID, 5, 40, 3))
    assert len(events) == 1
    assert counts == {"record that is no order event: left out": 1}


def test_a_packed_file_reads_like_a_plain_one(tmp_path: Path):
    plain = (
        dbn_header()
        + FAR
        + b"".join(record(A, BID, key, 40, key, time_ns=T0 + key) for key in range(1, 2000))
    )
    path, packed = tmp_path / "day.dbn", tmp_path / "day.dbn.zst"
    path.write_bytes(plain)
    with packed.open("wb") as out:
        coder = dbn.Transcoder(out, encoding=dbn.Encoding.DBN, compression=dbn.Compression.ZSTD)
        coder.write(plain)
        coder.flush()
        del coder
    assert packed.stat().st_size < path.stat().st_size
    assert list(DatabentoBook(packed)) == list(DatabentoBook(path))


def test_a_file_cut_inside_a_record_keeps_what_came_before(tmp_path: Path):
    book = book_of(tmp_path, FAR, record(A, BID, 5, 40, 3)[:20])
    assert len(list(book)) == 2
    assert book.repairs.counts[CUT_SHORT] == 1


@pytest.mark.parametrize("tail", [b"\0" * 64, b"\x05" * 64, b"\xff" * 2000])
def test_bytes_that_are_no_record_are_refused(tmp_path: Path, tail: bytes):
    with pytest.raises(DamagedFile):
        list(book_of(tmp_path, FAR, tail))


@pytest.mark.parametrize(
    "content", [b"DBN\x07" + b"\0" * 100, b"DBN" + b"\xff" * 60, b"\x28\xb5\x2f\xfd" + b"\xff" * 60]
)
def test_a_header_that_is_none_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "day.dbn"
    path.write_bytes(content)
    with pytest.raises((DamagedFile, NoSuchBook)):
        list(DatabentoBook(path))


def test_rows_max_bounds_what_is_read(tmp_path: Path):
    rows = [record(A, BID, key, 40, 1) for key in range(100)]
    book = book_of(tmp_path, *rows, rows_max=10)
    assert len(list(book)) == 10
    assert book.repairs.rows == 10
