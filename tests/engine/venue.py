"""A venue for tests: the engine and its oracle side by side, never differing."""

from dataclasses import dataclass

import numpy as np

from ledger.engine import DEFAULT_CAPACITY, Engine
from ledger.engine.reference.engine import ReferenceEngine
from ledger.engine.reference.tables import canonical_tables
from ledger.engine.root import state_root
from ledger.records.build import command, digest_fields
from ledger.records.codes import (
    Check,
    CommandFlag,
    CommandKind,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
    Verdict,
)
from tests.engine.streams import PAYEE, PLAIN, as_commands, list_asset

K = CommandKind
BUY, SELL = Side.BUY, Side.SELL
ALICE, BOB, CAROL = 16, 17, 18
BASE, QUOTE = 0, 1
FUNDS = 10**12


@dataclass(frozen=True)
class Done:
    """One command's outcome and events, as plain values."""

    seq: int
    reject: Reject
    status: OrderStatus
    subject_id: int
    filled_lots: int
    filled_quote_minor: int
    remaining_lots: int
    amount_minor: int
    events: tuple[dict[str, int], ...]


class Venue:
    """Executes on both engines and insists on the same bytes and the same root."""

    def __init__(self, capacity=DEFAULT_CAPACITY):
        self.engine = Engine(capacity)
        self.reference = ReferenceEngine(capacity)

    def batch(self, *raw):
        """Execute commands; the results of each."""
        commands = as_commands(raw)
        ours, theirs = self.engine.execute(commands), self.reference.execute(commands)
        np.testing.assert_array_equal(ours.outcomes, theirs.outcomes)
        np.testing.assert_array_equal(ours.events, theirs.events)
        assert self.engine.state_root() == self.oracle_root()
        self.engine.assert_conservation()
        return [self._done(row, ours.events) for row in ours.outcomes]

    def oracle_root(self):
        return state_root(canonical_tables(self.reference.state))

    @staticmethod
    def _done(row, events):
        own = events[events["seq"] == row["seq"]]
        facts = tuple({name: int(event[name]) for name in event.dtype.names} for event in own)
        numbers = {name: int(row[name]) for name in Done.__annotations__ if name != "events"}
        numbers["reject"] = Reject(numbers["reject"])
        numbers["status"] = OrderStatus(numbers["status"])
        assert int(row["events"]) == len(facts)
        return Done(events=facts, **numbers)

    def do(self, kind, **fields):
        """Execute one command."""
        return self.batch(command(kind, **fields))[0]

    def place(self, account, side, price, lots, /, **fields):
        """A limit order, good till cancelled unless said otherwise."""
        return self.do(
            K.NEW_ORDER,
            **{"account": account, "side": side, "price_ticks": price, "qty_lots": lots} | fields,
        )

    def ioc(self, account, side, price, lots, /, **fields):
        return self.place(account, side, price, lots, time_in_force=TimeInForce.IOC, **fields)

    def fok(self, account, side, price, lots, /, **fields):
        return self.place(account, side, price, lots, time_in_force=TimeInForce.FOK, **fields)

    def post(self, account, side, price, lots, /, **fields):
        return self.place(account, side, price, lots, flags=CommandFlag.POST_ONLY, **fields)

    def market(self, account, side, lots, /, **fields):
        return self.place(account, side, 0, lots, order_type=OrderType.MARKET, **fields)

    def by_quote(self, account, side, quote_minor, /, **fields):
        return self.market(
            account, side, 0, flags=CommandFlag.BY_QUOTE, quote_minor=quote_minor, **fields
        )

    def cancel(self, account, target, /, **fields):
        return self.do(K.CANCEL_ORDER, account=account, target_id=target, **fields)

    def amend(self, account, target, lots, /, **fields):
        return self.do(K.AMEND_ORDER, account=account, target_id=target, qty_lots=lots, **fields)

    def withdraw(self, account, asset, amount, **fields):
        return self.do(
            K.REQUEST_WITHDRAWAL, account=account, asset=asset, amount_minor=amount,
            **PAYEE | fields,
        )  # fmt: skip

    def decide(self, withdrawal, check, verdict=Verdict.APPROVE, **fields):
        return self.do(
            K.DECIDE_WITHDRAWAL, withdrawal_id=withdrawal, check=check, verdict=verdict, **fields
        )

    def cut(self, batch, payouts_max=200, **fields):
        terms = {"batch": batch, "deadline_s": 100, "payouts_max": payouts_max}
        return self.do(K.CUT_BATCH, **terms | fields)

    def confirm(self, batch, deferred=0, **fields):
        bits = digest_fields("deferred", deferred.to_bytes(32, "little"))
        return self.do(K.CONFIRM_BATCH, **{"batch": batch, "chain_block": 7} | bits | fields)

    def deposit(self, account, asset, amount, **fields):
        index = self.engine.deposit_index + 1
        terms = {"deposit_index": index, "amount_minor": amount}
        return self.do(K.CREDIT_DEPOSIT, account=account, asset=asset, **terms | fields)

    def balance(self, account, asset):
        """(available, held)."""
        balance = self.engine.balance(account, asset)
        return balance.available_minor, balance.held_minor


def open_venue(*instruments, funds=FUNDS, accounts=3, capacity=DEFAULT_CAPACITY, **asset):
    """Two assets, the instruments (PLAIN without fees by default), and funded customers."""
    venue = Venue(capacity)
    terms = {"supply_max_minor": 2**62 - 1, "required_checks": Check.SCREENING} | asset
    venue.batch(list_asset(BASE, **terms), list_asset(QUOTE, **terms))
    free = PLAIN | {"maker_fee_ppm": 0, "taker_fee_ppm": 0, "min_notional_minor": 0}
    for number, changes in enumerate(instruments or ({},)):
        listed = venue.do(K.LIST_INSTRUMENT, instrument=number, **free | changes)
        assert listed.reject == Reject.NONE
    for account in range(ALICE, ALICE + accounts):
        venue.do(K.OPEN_ACCOUNT, account=account)
        for of in (BASE, QUOTE):
            if funds:
                assert venue.deposit(account, of, funds).reject == Reject.NONE
    return venue


EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH, _ = SelfTrade
