"""Order-book records of every kind of order: told by the engine, compared with what it holds."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from compliance.errors import RecordsInconsistent
from compliance.ports import CertifiedChunk
from compliance.reports import order_codes
from compliance.reports import orderbook_records as builder
from ledger.engine import Capacity, Engine
from ledger.records.build import command
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionMode,
    Product,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
    TradeFlag,
)
from tests.compliance.story import build, codes, entries
from tests.engine.account_streams import AccountStream
from tests.engine.everything_streams import EverythingStream
from tests.engine.order_streams import OrderStream
from tests.engine.perpetual_streams import (
    LINEAR,
    RULE,
    SECOND,
    PerpetualStream,
    prices,
    set_up,
    tick,
)
from tests.engine.streams import as_commands
from tests.readmodel.all_kinds import AllKindsStream

SCHEMA = Path(builder.__file__).parent / "schemas" / "orderbook-records.schema.json"
K = CommandKind
ALICE, BOB, CAROL = 16, 17, 18
BUY, SELL = Side.BUY, Side.SELL
SEEDS = 8
STREAMS = (OrderStream, PerpetualStream, AllKindsStream, AccountStream, EverythingStream)


class Executed:
    """Certified records straight from the engine."""

    def __init__(self, raw, change=None):
        self.engine = Engine(Capacity())
        self.commands = as_commands(raw)
        self.done = self.engine.execute(self.commands)
        self.events = self.done.events.copy()
        if change:
            change(self.events)

    def certified_seq(self):
        return len(self.commands)

    def time_ns(self, seq):
        return int(self.commands["time_ns"][seq - 1])

    def read(self, first, last):
        counts = self.done.outcomes["events"]
        at = int(counts[: first - 1].sum())
        end = at + int(counts[first - 1 : last].sum())
        outcomes = self.done.outcomes[first - 1 : last]
        return CertifiedChunk(first, self.commands[first - 1 : last], outcomes, self.events[at:end])


class Day:
    """Commands written by hand on the venue of the perpetual streams."""

    def __init__(self):
        self.raw = set_up(4, 10_000_000, 10_000_000, 1_000_000)
        self.first = len(self.raw)
        self.now_ns = SECOND

    def do(self, kind, **fields):
        self.now_ns += 1000
        self.raw.append(command(kind, **{"time_ns": self.now_ns} | fields))
        return len(self.raw)

    def place(self, account, side, price, lots, **fields):
        terms = {"account": account, "side": side, "price_ticks": price, "qty_lots": lots}
        return self.do(K.NEW_ORDER, **terms | fields)

    def stop(self, account, side, trigger, lots, **fields):
        flags = CommandFlag.STOP | fields.pop("flags", 0)
        terms = {"order_type": OrderType.MARKET, "trigger_ticks": trigger, "flags": flags}
        return self.place(account, side, 0, lots, **terms | fields)

    def told(self):
        executed = Executed(self.raw)
        rejects = executed.done.outcomes["reject"][self.first :]
        assert not rejects.any(), [Reject(code) for code in rejects]
        return build(executed)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("kind", STREAMS)
def test_the_records_of_any_stream_end_where_the_engine_stands(kind, seed):
    executed = Executed(kind(seed).take(400))
    data = build(executed)
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(json.loads(data))
    last, numbers, sides = {}, [], defaultdict(Decimal)
    for entry in entries(data):
        ident, told = entry["OrdrIdData"], entry["OrdrData"]
        numbers.append(ident["SeqNb"])
        last[int(ident["OrdrId"])] = entry
        if "TxData" in told:
            traded = told["TxData"]
            sides[traded["TxId"], traded["PssvOrAggrssvInd"]] += Decimal(traded["TraddQty"]["Unit"])
    assert numbers == sorted(set(numbers))
    active = waiting = 0
    for order_id, entry in last.items():
        data = entry["OrdrData"]["InstrData"]
        left = Decimal(data["RmngQty"].get("Unit", 0))
        order = executed.engine.order(order_id)
        if data["OrdrVldtySts"] == "ACTI":
            active += 1
            unit = left / order.remaining_lots
            assert Decimal(data["InitlQty"]["Unit"]) == order.qty_lots * unit
        else:
            assert order is None
            waiting += left > 0
    assert active == executed.engine.open_order_count
    trades = executed.events[executed.events["kind"] == EventKind.TRADE]
    for trade in trades:
        name = f"{trade['instrument']}T{trade['trade_id']}"
        takers = bool(trade["order_id"]) and not trade["flags"] & TradeFlag.AUCTION
        assert sides[name, "PASV"] > 0
        assert (sides[name, "AGRE"] == sides[name, "PASV"]) == takers


@pytest.mark.parametrize("seed", range(3))
def test_the_bytes_do_not_depend_on_the_size_of_chunks(seed, monkeypatch):
    executed = Executed(AllKindsStream(seed).take(200))
    whole = build(executed)
    monkeypatch.setattr(builder, "CHUNK_COMMANDS", 3)
    assert build(executed) == whole


def test_every_reason_event_product_and_type_has_its_word():
    assert order_codes.LEAVING.keys() == set(map(int, ExpireReason))
    assert set(EventKind) == order_codes.ORDER_EVENTS | order_codes.MONEY_EVENTS
    assert not order_codes.ORDER_EVENTS & order_codes.MONEY_EVENTS
    assert order_codes.DERIVATIVES.keys() == set(map(int, Product))
    assert order_codes.VALIDITIES.keys() == set(map(int, TimeInForce))
    assert order_codes.TYPES.keys() == set(map(int, OrderType))


@pytest.mark.parametrize(
    ("order_type", "flags", "name"),
    [
        (OrderType.LIMIT, 0, "LIMIT"),
        (OrderType.LIMIT, CommandFlag.POST_ONLY, "LIMIT_MAKER"),
        (OrderType.MARKET, CommandFlag.BY_QUOTE, "MARKET_BY_QUOTE"),
        (OrderType.MARKET, CommandFlag.STOP, "STOP_LOSS"),
        (OrderType.LIMIT, CommandFlag.STOP | CommandFlag.OCO, "STOP_LOSS_LIMIT"),
        (OrderType.MARKET, CommandFlag.TAKE_PROFIT, "TAKE_PROFIT"),
        (OrderType.LIMIT, CommandFlag.TAKE_PROFIT, "TAKE_PROFIT_LIMIT"),
    ],
)
def test_an_order_type_has_one_name(order_type, flags, name):
    assert order_codes.type_name(order_type, flags) == name


def test_a_stop_is_told_when_it_comes_when_it_triggers_and_when_it_trades():
    day = Day()
    stop = day.place(ALICE, BUY, 105, 5, flags=CommandFlag.STOP, trigger_ticks=100)
    maker = day.place(BOB, SELL, 100, 3)
    taker = day.place(CAROL, BUY, 100, 1)
    data = day.told()
    assert codes(data) == [
        (str(stop), "NEWO"), (str(maker), "NEWO"), (str(taker), "NEWO"), (str(taker), "FILL"),
        (str(maker), "PARF"), (str(stop), "TRIG"), (str(stop), "PARF"), (str(maker), "FILL"),
    ]  # fmt: skip
    waiting, triggered = entries(data)[0], entries(data)[5]
    assert waiting["OrdrData"]["OrdrClssfctn"] == {
        "OrdrTp": "STOP_LOSS_LIMIT", "OrdrTpClssfctn": "STOP"
    }  # fmt: skip
    assert waiting["OrdrData"]["OrdrPrics"]["StopPric"]["MntryVal"]["Amt"]["Value"] == "100"
    assert waiting["OrdrData"]["InstrData"]["OrdrVldtySts"] == "INAC"
    assert triggered["OrdrData"]["InstrData"]["OrdrVldtySts"] == "ACTI"
    ident = triggered["OrdrIdData"]
    assert ident["Prty"]["TmStmp"] == ident["TmStmp"] > waiting["OrdrIdData"]["TmStmp"]


def test_an_order_that_closes_a_position_has_its_size_from_its_trigger_on():
    day = Day()
    day.place(BOB, SELL, 10_000, 30, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 30, instrument=LINEAR)
    own = day.place(ALICE, BUY, 9_900, 7, instrument=LINEAR)
    day.place(CAROL, BUY, 9_900, 20, instrument=LINEAR)
    close = day.stop(
        ALICE,
        SELL,
        9_950,
        0,
        flags=CommandFlag.CLOSE_POSITION,
        instrument=LINEAR,
        self_trade=SelfTrade.EXPIRE_MAKER,
    )
    day.place(BOB, BUY, 9_950, 1, instrument=LINEAR)
    day.place(CAROL, SELL, 9_950, 1, instrument=LINEAR)
    told = [e for e in entries(day.told()) if e["OrdrIdData"]["OrdrId"] == str(close)]
    seen = [
        (e["OrdrIdData"]["EvtTp"]["Cd"], e["OrdrData"]["InstrData"]["RmngQty"]["Unit"])
        for e in told
    ]
    assert seen == [("NEWO", "0"), ("TRIG", "30"), ("PARF", "10"), ("EXPI", "0")]
    assert told[-1]["OrdrData"]["InstrData"]["InitlQty"] == {"Unit": "30"}
    assert (str(own), "CAMO") in codes(day.told())


def test_a_pair_a_replacement_and_a_mass_cancel_are_told_as_whose_doing_they_are():
    day = Day()
    limit = day.place(ALICE, SELL, 110, 5)
    stop = day.stop(ALICE, SELL, 90, 5, flags=CommandFlag.OCO, target_id=limit)
    new = day.do(
        K.REPLACE_ORDER, account=ALICE, side=SELL, price_ticks=111, qty_lots=6, target_id=limit
    )
    day.do(K.CANCEL_ALL, account=ALICE)
    assert codes(day.told()) == [
        (str(limit), "NEWO"), (str(stop), "NEWO"), (str(new), "NEWO"), (str(limit), "CAME"),
        (str(stop), "CAMO"), (str(new), "CAME"),
    ]  # fmt: skip


def test_prevention_by_decrement_is_told_of_both_orders():
    day = Day()
    maker = day.place(ALICE, SELL, 100, 10)
    taker = day.place(ALICE, BUY, 100, 4, self_trade=SelfTrade.DECREMENT)
    larger = day.place(ALICE, BUY, 100, 9, self_trade=SelfTrade.DECREMENT)
    data = day.told()
    assert codes(data) == [
        (str(maker), "NEWO"), (str(taker), "NEWO"), (str(maker), "REMA"), (str(taker), "CAMO"),
        (str(larger), "NEWO"), (str(maker), "CAMO"), (str(larger), "REMA"),
    ]  # fmt: skip
    assert entries(data)[-1]["OrdrData"]["InstrData"]["RmngQty"] == {"Unit": "0.000003"}


def test_an_iceberg_tells_its_slice_and_the_next_one_has_a_later_place():
    day = Day()
    iceberg = day.place(ALICE, SELL, 100, 10, display_lots=4)
    day.place(BOB, BUY, 100, 3)
    day.place(BOB, BUY, 100, 1)
    own = [e for e in entries(day.told()) if e["OrdrIdData"]["OrdrId"] == str(iceberg)]
    shown = [Decimal(e["OrdrData"]["InstrData"]["DispdQty"]["Unit"]) * 10**6 for e in own]
    assert shown == [4, 1, 4]
    times = [e["OrdrIdData"]["Prty"]["TmStmp"] for e in own]
    assert times[0] == times[1] < times[2]


def test_a_dated_order_says_until_when_and_expires():
    day = Day()
    day.now_ns = 1_700_000_000 * SECOND
    dated = day.place(
        ALICE, BUY, 100, 1, time_in_force=TimeInForce.GTD, expire_ns=day.now_ns + SECOND
    )
    day.raw.append(tick(day.now_ns + SECOND))
    data = day.told()
    assert codes(data) == [(str(dated), "NEWO"), (str(dated), "EXPI")]
    assert entries(data)[0]["OrdrIdData"]["VldtyPrd"] == {
        "VldtyDtTm": "2023-11-14T22:13:21.000000Z", "VldtyPrdCd": "GTTV"
    }  # fmt: skip


def test_a_liquidation_has_no_order_and_its_makers_trade_is_told():
    day = Day()
    day.place(BOB, SELL, 10_000, 9_000, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 9_000, instrument=LINEAR, time_in_force=TimeInForce.IOC)
    day.do(K.CANCEL_ALL, account=BOB)
    bid = day.place(CAROL, BUY, 9_150, 9_000, instrument=LINEAR)
    day.do(K.REQUEST_WITHDRAWAL, account=ALICE, asset=1, amount_minor=9_000_000, payee_0=1)
    day.do(K.REQUEST_WITHDRAWAL, account=ALICE, asset=0, amount_minor=8_000_000, payee_0=1)
    for ticks in (9_600, 9_400, 9_200):
        day.now_ns += SECOND
        day.raw += [*prices(day.now_ns, ticks), tick(day.now_ns)]
    executed = Executed(day.raw)
    forced = executed.events[
        (executed.events["kind"] == EventKind.TRADE) & (executed.events["order_id"] == 0)
    ]
    assert len(forced) > 0
    told = [e for e in entries(build(executed)) if e["OrdrIdData"]["OrdrId"] == str(bid)]
    assert [e["OrdrIdData"]["EvtTp"]["Cd"] for e in told][:2] == ["NEWO", "PARF"]
    assert told[0]["OrdrIdData"]["FinInstrm"] == {
        "DTIShrtNm": "ASSET0", "Drvtv": "LINEAR_PERPETUAL"
    }  # fmt: skip
    assert told[0]["OrdrData"]["InstrData"]["RmngQty"] == {"Unit": "9000"}


def test_an_order_that_its_own_margin_does_not_bear_is_told_as_taken_by_the_venue():
    day = Day()

    def move(ticks):
        day.now_ns += SECOND
        day.raw += [*prices(day.now_ns, ticks), tick(day.now_ns)]

    day.do(K.SET_PERPETUAL, instrument=LINEAR, **RULE | {"cap_ppm": 10**6})
    there = {"account": ALICE, "instrument": LINEAR}
    day.do(K.SET_MARGIN_MODE, mode=MarginMode.ISOLATED, **there)
    day.do(K.SET_LEVERAGE, leverage=10, **there)
    day.place(BOB, SELL, 10_000, 10, instrument=LINEAR)
    day.place(ALICE, BUY, 10_000, 10, instrument=LINEAR)
    day.do(K.SET_LEVERAGE, leverage=50, **there)
    move(9_500)
    close = day.place(ALICE, SELL, 9_510, 10, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY)
    move(10_000)
    day.do(K.MOVE_MARGIN, amount_minor=-2_400, **there)
    maker = day.place(BOB, SELL, 10_000, 10, instrument=LINEAR)
    taker = day.place(CAROL, BUY, 10_000, 10, instrument=LINEAR)
    told = codes(day.told())
    assert told[told.index((str(maker), "NEWO")) :] == [
        (str(maker), "NEWO"), (str(taker), "NEWO"), (str(close), "CAMO"), (str(taker), "FILL"),
        (str(maker), "FILL"),
    ]  # fmt: skip


def test_orders_about_both_legs_are_told_as_orders_like_any_others():
    day = Day()
    day.do(K.SET_POSITION_MODE, account=ALICE, mode=PositionMode.HEDGE)
    day.place(BOB, SELL, 10_000, 3, instrument=LINEAR)
    long = day.place(ALICE, BUY, 10_000, 3, instrument=LINEAR)
    day.place(BOB, BUY, 10_000, 2, instrument=LINEAR)
    short = day.place(ALICE, SELL, 10_000, 2, instrument=LINEAR, flags=CommandFlag.SHORT_LEG)
    told = [told for told in codes(day.told()) if told[0] in {str(long), str(short)}]
    assert told == [
        (str(long), "NEWO"), (str(long), "FILL"), (str(short), "NEWO"), (str(short), "FILL"),
    ]  # fmt: skip


def changed(kind, **fields):
    """A change of the first event of a kind."""

    def change(events):
        at = int((events["kind"] == kind).argmax())
        assert events["kind"][at] == kind
        for name, value in fields.items():
            events[name][at] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed(EventKind.ORDER_TRIGGERED, order_id=10**6), "order 1000000 is not in the book"),
        (changed(EventKind.ORDER_EXPIRED, flags=99), "left for an unknown reason"),
        (changed(EventKind.ORDER_REDUCED, remaining_lots=10**6), "leaves a wrong rest"),
        (changed(EventKind.ORDER_REDUCED, counter_order_id=10**6), "is not in the book"),
    ],
)
def test_records_that_contradict_themselves_are_named(change, reason):
    day = Day()
    day.stop(ALICE, BUY, 100, 1)
    day.place(ALICE, SELL, 100, 10)
    day.place(ALICE, BUY, 100, 4, self_trade=SelfTrade.DECREMENT)
    day.place(BOB, BUY, 100, 1)
    day.do(K.CANCEL_ALL, account=ALICE)
    with pytest.raises(RecordsInconsistent) as caught:
        build(Executed(day.raw, change))
    assert reason in caught.value.reason


def test_an_order_that_waits_for_no_trigger_is_named():
    day = Day()
    day.place(ALICE, BUY, 100, 4)
    executed = Executed(day.raw)
    executed.done.outcomes.setflags(write=True)
    executed.done.outcomes["status"][-1] = OrderStatus.PENDING
    with pytest.raises(RecordsInconsistent, match="waits for no trigger"):
        build(executed)
