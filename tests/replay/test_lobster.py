"""The reader of LOBSTER messages: each rule by hand, and files that mean harm."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.replay import lobster
from api.replay.errors import DamagedFile, TooManyOrders
from api.replay.lobster import LobsterDay, parse_message
from api.replay.recorded import Add, Aggression, Fill, Recorded, Reduce
from api.replay.source import CUT_SHORT
from ledger.records.codes import Side

BUY, SELL = Side.BUY, Side.SELL
MS = 1_000_000


def read(tmp_path: Path, *rows: str, book: str | None = None) -> tuple[list[Recorded], dict]:
    path, book_path = tmp_path / "messages.csv", None
    path.write_text("".join(f"{row}\n" for row in rows))
    if book is not None:
        book_path = tmp_path / "orderbook.csv"
        book_path.write_text(book)
    day = LobsterDay(path, book_path)
    return list(day), dict(day.repairs.counts)


def test_the_published_example_rows_read():
    """The two rows of the format's own description: an order and its deletion."""
    added = parse_message("34713.685155243,1,206833312,100,118600,-1")
    gone = parse_message("34714.133632201,3,206833312,100,118600,-1")
    assert added.time_ns == 34_713_685_155_243
    assert (added.kind, added.key, added.lots, added.price_ticks) == (1, 206833312, 100, 118600)
    assert added.side is SELL
    assert (gone.kind, gone.key) == (3, 206833312)


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("34200", 34_200_000_000_000),
        ("34200.5", 34_200_500_000_000),
        ("34200.000000001", 34_200_000_000_001),
        ("34200.0000000019", 34_200_000_000_001),
        ("0.1", 100_000_000),
    ],
)
def test_times_are_read_by_digits(text: str, time_ns: int):
    assert parse_message(f"{text},1,5,1,1,1").time_ns == time_ns


def test_each_type_becomes_what_it_says(tmp_path: Path):
    events, repairs = read(
        tmp_path,
        "1.001,1,10,100,5000,1",
        "1.002,2,10,30,5000,1",
        "1.003,1,11,50,5010,-1",
        "1.004,4,10,20,5000,1",
        "1.005,5,0,7,5005,1",
        "1.006,3,11,50,5010,-1",
        "1.007,6,-1,900,5000,1",
        "1.008,7,0,0,-1,-1",
    )
    second = 1_000 * MS
    assert events[0] == Add(second + MS, 10, BUY, 5000, 100)
    assert events[1] == Reduce(second + 2 * MS, 10, 30)
    assert events[2] == Add(second + 3 * MS, 11, SELL, 5010, 50)
    assert events[3] == Aggression(second + 4 * MS, SELL, 5000, 20, (Fill(10, 5000, 20),))
    assert events[4] == Aggression(second + 5 * MS, SELL, 5005, 0, (), hidden_lots=7)
    assert isinstance(events[5], Reduce)
    assert events[5].lots >= 50
    assert len(events) == 6
    assert repairs == {"cross trade: no order of the book gave": 1, "halt message: noted": 1}


def aggressions(tmp_path: Path, *rows: str) -> list[Aggression]:
    events, _ = read(tmp_path, *rows)
    return [event for event in events if isinstance(event, Aggression)]


def test_a_run_at_one_moment_is_one_aggressor_with_its_hidden_part(tmp_path: Path):
    (taken,) = aggressions(
        tmp_path, "1.0,4,1,10,5000,-1", "1.0,5,0,4,5005,-1", "1.0,4,2,20,5010,-1"
    )
    assert taken.side is BUY
    assert (taken.limit_ticks, taken.qty_lots, taken.hidden_lots) == (5010, 30, 4)
    assert taken.fills == (Fill(1, 5000, 10), Fill(2, 5010, 20))


@pytest.mark.parametrize(
    "second",
    [
        "1.1,4,2,20,5000,-1",  # another moment
        "1.0,4,2,20,5000,1",  # the other side
        "1.0,4,2,20,4990,-1",  # a better price than before: nobody walks back
    ],
)
def test_a_run_ends_where_another_aggressor_begins(tmp_path: Path, second: str):
    assert len(aggressions(tmp_path, "1.0,4,1,10,5000,-1", second)) == 2


def test_a_run_ends_at_any_other_message(tmp_path: Path):
    rows = ("1.0,4,1,10,5000,-1", "1.0,1,3,5,4000,1", "1.0,4,2,20,5000,-1")
    assert len(aggressions(tmp_path, *rows)) == 2


def test_a_seventh_column_is_allowed(tmp_path: Path):
    events, repairs = read(tmp_path, "1.0,1,10,100,5000,1,null")
    assert len(events) == 1
    assert not repairs


# Orders from before.


def test_orders_from_before_are_seeded_by_id_before_younger_ones(tmp_path: Path):
    events, repairs = read(
        tmp_path,
        "1.0,1,20,100,5000,-1",
        "1.1,4,8,10,5000,-1",
        "1.2,2,5,3,5000,-1",
        "1.3,4,5,4,5000,-1",
        "1.4,1,40,100,5000,-1",
        "1.5,3,30,60,5000,-1",
    )
    adds = [event for event in events if isinstance(event, Add)]
    assert [(add.key, add.qty_lots, add.seeded) for add in adds] == [
        (5, 7, True), (8, 10, True), (20, 100, False), (30, 60, True), (40, 100, False)
    ]  # fmt: skip
    assert repairs == {"order from before the file or outside its levels: seeded": 3}


def test_a_file_that_adds_nothing_still_seeds_what_it_refers_to(tmp_path: Path):
    events, _ = read(tmp_path, "1.0,4,8,10,5000,-1", "1.1,4,5,10,5000,-1")
    assert [type(event) for event in events] == [Add, Add, Aggression, Aggression]
    assert [event.key for event in events[:2]] == [5, 8]


def test_the_order_book_file_tells_what_else_rests(tmp_path: Path):
    """Its first line is the book after the first message: 100 of order 20 are not from before."""
    book = "5000,130,4990,40,5010,9,4980,5,9999999999,0,-9999999999,0\n1,2\n"
    events, repairs = read(
        tmp_path, "1.0,1,20,100,5000,-1", "1.1,4,8,10,5000,-1", "1.2,4,9,40,4990,1", book=book
    )
    adds = [(e.key, e.side, e.price_ticks, e.qty_lots) for e in events if isinstance(e, Add)]
    assert adds == [
        (8, SELL, 5000, 10),
        (9, BUY, 4990, 40),
        (-1, BUY, 4980, 5),
        (-2, SELL, 5000, 20),
        (-3, SELL, 5010, 9),
        (20, SELL, 5000, 100),
    ]
    assert repairs["level of the order-book file: rest seeded without name"] == 3


@pytest.mark.parametrize("first", ["1.0,4,8,10,5000,-1", "1.0,3,8,10,5000,-1"])
def test_a_first_message_that_took_lots_is_undone_in_the_book(tmp_path: Path, first: str):
    events, _ = read(tmp_path, first, book="5000,130,4990,40\n")
    adds = [(e.key, e.qty_lots) for e in events if isinstance(e, Add)]
    assert adds == [(8, 10), (-1, 40), (-2, 130)]


@pytest.mark.parametrize("book", ["", "1,2,3\n", "a,b,c,d\n", "1,2,3,4.5\n", "9" * 30 + ",1,1,1\n"])
def test_an_order_book_file_that_is_none_is_refused(tmp_path: Path, book: str):
    with pytest.raises(DamagedFile):
        read(tmp_path, "1.0,1,20,100,5000,-1", book=book)


def test_more_orders_than_fit_in_memory_end_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lobster, "ORDERS_MAX", 2)
    with pytest.raises(TooManyOrders):
        read(tmp_path, "1.0,1,1,1,1,1", "1.0,1,2,1,1,1", "1.0,4,9,1,1,1")


# Files that mean harm.


@pytest.mark.parametrize(
    "row",
    [
        "",
        "1.0,1,10,100,5000",
        "1.0,1,10,100,5000,1,x,y",
        "1.0,1,10,100,5000,0",
        "1.0,1,10,100,5000,+1",
        "1.0,0,10,100,5000,1",
        "1.0,8,10,100,5000,1",
        "1.0,1,10,0,5000,1",
        "1.0,1,10,-5,5000,1",
        "1.0,1,10,1e3,5000,1",
        "1.0,1,10,100,50.5,1",
        "-1.0,1,10,100,5000,1",
        "nan,1,10,100,5000,1",
        "1e3,1,10,100,5000,1",
        "1.0,1,--10,100,5000,1",
        "1.0,1,,100,5000,1",
        "1.0,1," + "9" * 19 + ",100,5000,1",
        "1" * 10 + ".0,1,10,100,5000,1",
        "1.0,1,\uff11\uff10,100,5000,1",
        "1.0,1,10,100,5000,1\x00",
    ],
)
def test_a_malformed_row_is_left_out_and_counted(tmp_path: Path, row: str):
    events, repairs = read(tmp_path, "1.0,1,7,1,1,1", row)
    assert len(events) == 1
    assert repairs == {"malformed row left out": 1}


@given(text=st.text(alphabet="0123456789.,-+eE _x", max_size=60))
def test_any_line_is_a_row_or_malformed(text: str):
    try:
        row = parse_message(text)
    except ValueError:
        return
    assert row.time_ns >= 0
    assert -(10**18) < row.price_ticks < 10**18
    assert 1 <= row.kind <= 7


def test_a_packed_file_cut_short_keeps_what_came_before(tmp_path: Path):
    rows = "".join(f"{at}.0,1,{at},100,{5000 + at * 7919 % 1000},1\n" for at in range(1, 5000))
    path = tmp_path / "messages.csv.gz"
    path.write_bytes(gzip.compress(rows.encode(), mtime=0)[:-4000])
    day = LobsterDay(path)
    events = list(day)
    assert 0 < len(events) < 4999
    assert day.repairs.counts[CUT_SHORT] == 1


def test_a_packed_file_with_broken_bytes_is_refused(tmp_path: Path):
    packed = bytearray(gzip.compress(b"1.0,1,7,1,1,1\n" * 3000, mtime=0))
    packed[30:40] = b"\xff" * 10
    path = tmp_path / "messages.csv.gz"
    path.write_bytes(bytes(packed))
    with pytest.raises(DamagedFile):
        list(LobsterDay(path))


def test_a_bomb_of_one_line_is_refused_after_one_lines_bound(tmp_path: Path):
    path = tmp_path / "messages.csv.gz"
    path.write_bytes(gzip.compress(b"1.0,1,7,1,1,1\n" + b"0" * 50_000_000, mtime=0))
    with pytest.raises(DamagedFile) as caught:
        list(LobsterDay(path))
    assert caught.value.row == 1


def test_rows_max_bounds_what_is_read(tmp_path: Path):
    path = tmp_path / "messages.csv"
    path.write_text("".join(f"{at}.0,1,{at},1,1,1\n" for at in range(1, 100)))
    day = LobsterDay(path, rows_max=10)
    assert len(list(day)) == 10
    assert day.repairs.rows == 10
    assert len(list(day)) == 10, "each iteration begins anew"
