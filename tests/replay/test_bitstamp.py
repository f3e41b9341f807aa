"""The reader of Bitstamp's CSV: each rule once by hand, then the real day."""

import gzip
from pathlib import Path

import pytest

from api.replay.bitstamp import BitstampDay, NotThisFormat
from api.replay.intents import Action, Intent
from ledger.records.codes import Side

HEADER = "id,timestamp,exchange.timestamp,price,volume,action,direction\n"


def _read(tmp_path: Path, *rows: str) -> tuple[list[Intent], dict[str, int]]:
    path = tmp_path / "day.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    day = BitstampDay(path)
    return list(day), dict(day.repairs.counts)


def test_created_changed_deleted_become_add_amend_cancel(tmp_path: Path) -> None:
    intents, repairs = _read(
        tmp_path,
        "7,1000,1000,236.47,500,created,bid",
        "7,1001,1000,236.47,300,changed,bid",
        "7,1002,1000,236.47,300,deleted,bid",
    )
    assert [(i.action, i.price_ticks, i.qty_lots) for i in intents] == [
        (Action.ADD, 23647, 500),
        (Action.AMEND, 23647, 300),
        (Action.CANCEL, 23647, 0),
    ]
    assert {i.side for i in intents} == {Side.BUY}
    assert [i.time_ns for i in intents] == [1_000_000_000, 1_001_000_000, 1_002_000_000]
    assert not repairs


def test_another_price_or_a_larger_size_is_cancel_and_add(tmp_path: Path) -> None:
    intents, repairs = _read(
        tmp_path,
        "7,1,1,10.00,500,created,ask",
        "7,2,1,10.01,500,changed,ask",
        "7,3,1,10.01,900,changed,ask",
    )
    assert [i.action for i in intents] == [
        Action.ADD, Action.CANCEL, Action.ADD, Action.CANCEL, Action.ADD
    ]  # fmt: skip
    assert intents[-1].qty_lots == 900
    assert repairs == {"changed price or grew: cancelled and added anew": 2}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["7,1,1,10.00,5,deleted,ask"], "deleted of an unseen order: left out"),
        (["7,1,1,10.00,5,changed,ask"], "changed of an unseen order: left out"),
        (["7,1,1,10.0,,created,ask"], "malformed row left out"),
        (["7,1,1,1e5,5,created,ask"], "malformed row left out"),
        (["7,1,1,10.001,5,created,ask"], "malformed row left out"),
        (["7,1,1,-10.00,5,created,ask"], "malformed row left out"),
        (["7,1,1,10.00,5,created,up"], "malformed row left out"),
        (["7,1,1,99999999999.00,5,created,ask"], "malformed row left out"),
        (["7,1,1,10.00,99999999999999999999,created,ask"], "malformed row left out"),
        (["7,1"], "malformed row left out"),
        (["7,1,1,10.00,0,created,ask"], "created twice, or empty: left out"),
    ],
)
def test_a_dirty_row_is_left_out_and_counted(tmp_path: Path, rows: list[str], reason: str) -> None:
    intents, repairs = _read(tmp_path, *rows)
    assert intents == []
    assert repairs == {reason: 1}


def test_a_row_after_the_end_of_its_order_is_left_out(tmp_path: Path) -> None:
    intents, repairs = _read(
        tmp_path,
        "7,1,1,10.00,5,created,ask",
        "7,2,1,10.00,5,deleted,ask",
        "7,3,1,10.00,5,deleted,ask",
        "7,4,1,10.00,3,changed,ask",
        "7,5,1,10.00,3,created,ask",
    )
    assert [i.action for i in intents] == [Action.ADD, Action.CANCEL]
    assert sum(repairs.values()) == 3


def test_another_header_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("<html>not a csv")
    with pytest.raises(NotThisFormat) as caught:
        list(BitstampDay(path))
    assert caught.value.found == "<html>not a csv"


def test_gzipped_and_plain_files_read_alike(tmp_path: Path) -> None:
    text = HEADER + "7,1,1,10.00,5,created,ask\n"
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    assert list(BitstampDay(tmp_path / "a.csv")) == list(BitstampDay(tmp_path / "a.csv.gz"))


def test_the_real_day_reads_with_each_row_accounted_for(shared_data: Path) -> None:
    day = BitstampDay(shared_data / "market" / "bitstamp_btcusd_2015-05-01_orders.csv.gz")
    intents = list(day)
    repairs = day.repairs
    again = repairs.counts["changed price or grew: cancelled and added anew"]
    left_out = sum(repairs.counts.values()) - again
    assert repairs.rows == 50_414
    assert len(intents) == repairs.rows - left_out + again
    live: set[int] = set()
    for intent in intents:
        assert (intent.key in live) == (intent.action is not Action.ADD)
        (live.discard if intent.action is Action.CANCEL else live.add)(intent.key)


def test_rows_max_bounds_what_is_read(shared_data: Path) -> None:
    path = shared_data / "market" / "bitstamp_btcusd_2015-05-01_orders.csv.gz"
    day = BitstampDay(path, rows_max=100)
    assert len(list(day)) <= 200
    assert day.repairs.rows == 100
