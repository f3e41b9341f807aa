"""Real order flow: one day of BTC/USD at Bitstamp, through the kernels and through the oracle."""

import csv
import gzip
import itertools

import pytest

from ledger.engine import Engine
from ledger.records.build import command
from ledger.records.codes import CommandKind, EventKind, Reject
from tests.engine.streams import as_commands, list_asset
from tests.engine.venue import ALICE, BASE, BUY, QUOTE, SELL, Venue

K = CommandKind
FILE = "market/bitstamp_btcusd_2015-05-01_orders.csv.gz"
ACCOUNTS = 8
FUNDS = 2**56
COMPARED = 8000
"""Rows that both engines execute: the oracle sorts its book for every order."""
TERMS = {
    "base": BASE, "quote": QUOTE, "lot_minor": 1, "notional_num": 1, "notional_den": 100,
    "max_price_ticks": 10**8, "max_qty_lots": 10**14, "taker_fee_ppm": 2500, "symbol": b"BTCUSD",
}  # fmt: skip


def opening():
    """Two assets of eight decimals, the pair in cents and satoshis, and funded traders."""
    asset = {"ledger_decimals": 8, "token_decimals": 8, "supply_max_minor": 2**62 - 1}
    stream = [list_asset(of, **asset) for of in (BASE, QUOTE)]
    stream.append(command(K.LIST_INSTRUMENT, **TERMS))
    stream += [command(K.OPEN_ACCOUNT, account=ALICE + n) for n in range(ACCOUNTS)]
    pairs = itertools.product(range(ACCOUNTS), (BASE, QUOTE))
    return stream + [
        command(K.CREDIT_DEPOSIT, account=ALICE + n, asset=of, deposit_index=index,
                amount_minor=FUNDS)
        for index, (n, of) in enumerate(pairs, start=1)
    ]  # fmt: skip


def ticks(price):
    """Dollars and cents as cents; no float on the way."""
    whole, _, cents = price.partition(".")
    return int(whole) * 100 + int(f"{cents:0<2}"[:2])


def day(path):
    """The day's rows as commands: created, changed and deleted are new, amend and cancel."""
    stream = opening()
    placed: dict[str, tuple[int, int]] = {}
    with gzip.open(path, "rt") as rows:
        for number, row in enumerate(csv.DictReader(rows)):
            clock = {"time_ns": number}
            if row["action"] == "created":
                account = ALICE + number % ACCOUNTS
                placed[row["id"]] = (len(stream) + 1, account)
                stream.append(
                    command(K.NEW_ORDER, account=account, price_ticks=ticks(row["price"]),
                            side=BUY if row["direction"] == "bid" else SELL,
                            qty_lots=int(row["volume"]), **clock)
                )  # fmt: skip
            elif row["id"] in placed:
                order_id, account = placed[row["id"]]
                whose = {"account": account, "target_id": order_id} | clock
                if row["action"] == "changed":
                    lots = int(row["volume"])
                    stream.append(command(K.AMEND_ORDER, qty_lots=lots, **whose))
                else:
                    stream.append(command(K.CANCEL_ORDER, **whose))
    return stream


@pytest.fixture(scope="module")
def stream(shared_data):
    return day(shared_data / FILE)


def test_the_oracle_agrees_on_the_days_first_orders(stream):
    venue = Venue()
    for first in range(0, COMPARED, 500):
        venue.batch(*stream[first : first + 500])
    assert venue.engine.open_order_count > 50


def test_the_whole_day_conserves_and_comes_to_one_root(stream):
    commands = as_commands(stream)
    whole, parts = Engine(), Engine()
    done = whole.execute(commands)
    for first in range(0, len(commands), 777):
        parts.execute(commands[first : first + 777])
    assert whole.state_root() == parts.state_root()
    assert whole.assert_conservation() == (ACCOUNTS * FUNDS, ACCOUNTS * FUNDS)
    assert (done.outcomes["reject"] == Reject.NONE).mean() > 0.8
    assert (done.events["kind"] == EventKind.TRADE).sum() > 300
    assert Engine.restore(whole.snapshot()).state_root() == whole.state_root()
