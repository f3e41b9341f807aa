"""Days that reports are made of: one told by hand, random ones, and tampered records of either."""

import json
from dataclasses import replace

from hypothesis import strategies as st

from compliance.ports import CertifiedChunk
from compliance.reports.orderbook_records import Span, order_book_records
from compliance.reports.pack import devnet_report_pack
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)
from tests.compliance.venue import NaiveVenue, listed_venue

PACK = devnet_report_pack()


def order(venue: NaiveVenue, account: int, side: Side, qty: int, price: int = 0, **more):
    fields = {"instrument": 0, "price_ticks": price, "qty_lots": qty} | more
    return venue.ask(CommandKind.NEW_ORDER, account=account, side=side, **fields)


def small_day() -> NaiveVenue:
    """Every kind of event once, in a story that can be followed by eye."""
    venue = listed_venue()
    maker = order(venue, 16, Side.SELL, 2_000, 23_610)
    order(venue, 17, Side.BUY, 500, 23_700)
    venue.ask(CommandKind.AMEND_ORDER, account=16, target_id=maker.seq, qty_lots=1_500)
    order(venue, 17, Side.BUY, 2_000, 23_610, time_in_force=TimeInForce.IOC)
    bid = order(venue, 18, Side.BUY, 100, 23_000, flags=CommandFlag.POST_ONLY)
    order(venue, 16, Side.SELL, 200, 23_000, time_in_force=TimeInForce.FOK)
    venue.ask(CommandKind.CANCEL_ORDER, account=18, target_id=bid.seq)
    venue.ask(CommandKind.CANCEL_ORDER, account=18, target_id=bid.seq)
    order(venue, 18, Side.SELL, 1_000, 24_000)
    order(venue, 18, Side.BUY, 10, 25_000, self_trade=SelfTrade.EXPIRE_MAKER)
    order(venue, 18, Side.SELL, 10, 23_999, self_trade=SelfTrade.EXPIRE_TAKER)
    order(venue, 16, Side.SELL, 7, 25_000)
    order(
        venue, 17, Side.SELL, 0, order_type=OrderType.MARKET,
        flags=CommandFlag.BY_QUOTE, quote_minor=100_000,
    )  # fmt: skip
    order(venue, 17, Side.BUY, 1, order_type=OrderType.MARKET, time_in_force=TimeInForce.IOC)
    order(venue, 17, Side.BUY, 1, 1, instrument=9)
    order(venue, 99, Side.BUY, 1, 1)
    return venue


def build(venue, span: Span | None = None, pack=PACK) -> bytes:
    span = span or Span(1, venue.certified_seq())
    return b"".join(piece.data for piece in order_book_records(venue, pack, span))


def entries(data: bytes) -> list[dict]:
    return json.loads(data)["OrdrBookRpt"]["OrdrRpt"][0]["New"]["Ordr"]


def codes(data: bytes) -> list[tuple[str, str]]:
    return [
        (entry["OrdrIdData"]["OrdrId"], entry["OrdrIdData"]["EvtTp"]["Cd"])
        for entry in entries(data)
    ]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order"] * 6 + ["cancel", "amend"]),
        st.sampled_from([16, 17, 18]),
        st.sampled_from(list(Side)),
        st.integers(1, 40),
        st.integers(95, 105),
        st.sampled_from(list(TimeInForce)),
        st.sampled_from(list(SelfTrade)),
        st.sampled_from(["limit", "maker", "market", "quote"]),
    ),
    max_size=40,
)


def play(steps) -> NaiveVenue:
    venue = listed_venue()
    for action, account, side, qty, price, tif, self_trade, kind in steps:
        if action == "order":
            more = {"self_trade": self_trade, "time_in_force": tif}
            if kind == "maker":
                more |= {"flags": CommandFlag.POST_ONLY, "time_in_force": TimeInForce.GTC}
            if kind in {"market", "quote"}:
                more |= {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.IOC}
            if kind == "quote":
                more |= {"flags": CommandFlag.BY_QUOTE, "quote_minor": qty * price + 7}
            order(venue, account, side, 0 if kind == "quote" else qty, price, **more)
            continue
        for resting in venue.books[0].orders[:1]:
            fields = {"account": resting.account, "target_id": resting.order_id}
            if action == "cancel":
                venue.ask(CommandKind.CANCEL_ORDER, **fields)
            else:
                venue.ask(CommandKind.AMEND_ORDER, qty_lots=resting.size_lots - 1, **fields)
    return venue


class Tampered:
    """Certified records with one array replaced."""

    def __init__(self, venue: NaiveVenue, change) -> None:
        self.venue, self.change = venue, change

    def certified_seq(self) -> int:
        return self.venue.certified_seq()

    def read(self, first_seq: int, last_seq: int) -> CertifiedChunk:
        chunk = self.venue.read(first_seq, last_seq)
        chunk = replace(chunk, commands=chunk.commands.copy())
        return self.change(chunk) or chunk


def event_change(index: int, **fields: int):
    def change(chunk: CertifiedChunk) -> None:
        for name, value in fields.items():
            chunk.events[name][index] = value

    return change


def outcome_change(index: int, **fields: int):
    def change(chunk: CertifiedChunk) -> None:
        for name, value in fields.items():
            chunk.outcomes[name][index] = value

    return change
