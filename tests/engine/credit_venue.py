"""A venue that lends to a margin account, engine and oracle side by side."""

from ledger.engine.credit_layout import LENDING_POOL
from ledger.engine.margin_layout import NO_ORACLE
from ledger.records.codes import CommandKind, EventKind, Reject
from tests.engine.credit_streams import PAIR, list_pair
from tests.engine.perpetual_venue import COIN, DOLLAR, PerpetualVenue
from tests.engine.venue import ALICE, BOB, BUY, SELL

K = CommandKind
HOUR = 3600
RATE = 10**8
"""An hour costs 0.01 %."""
LIMITS = {"open_ppm": 985_000, "call_ppm": 987_000, "liquidate_ppm": 990_000}
POOL = 10**6


class CreditVenue(PerpetualVenue):
    """A coin minor unit is worth a dollar minor unit; no haircuts, debts need 1 %, no fees."""

    def __init__(self, dollars=1000, coins=0, fund=0, leverage=50, haircut_ppm=0):
        super().__init__(dollars=dollars, coins=coins, fund=fund)
        done = self.batch(list_pair(self.now, maker_fee_ppm=0, taker_fee_ppm=0))
        assert done[0].reject == Reject.NONE
        common = {"num": 1, "debt_ppm": 10_000}
        self.do(K.SET_COLLATERAL, asset=DOLLAR, oracle=NO_ORACLE, index_ticks=1, den=1, **common)
        self.do(K.SET_COLLATERAL, asset=COIN, den=10_000, haircut_ppm=haircut_ppm, **common)
        for asset in (DOLLAR, COIN):
            self.lend(asset)
            self.deposit(LENDING_POOL, asset, POOL)
        self.deposit(BOB, COIN, 10**7)
        self.deposit(BOB, DOLLAR, 10**7)
        assert self.margin(ALICE, leverage).reject == Reject.NONE

    def deposit(self, account, asset, amount, **fields):
        return super().deposit(account, asset, amount, time_ns=self.now, **fields)

    def lend(self, asset=DOLLAR, **fields):
        terms = LIMITS | {"hourly_ppt": RATE, "limit_minor": POOL}
        return self.do(K.SET_LENDING, asset=asset, **terms | fields)

    def margin(self, account, leverage, pair=0):
        return self.do(K.SET_MARGIN, account=account, leverage=leverage, pair=pair)

    def buy(self, lots, price=10_000, account=ALICE, **fields):
        return self.place(account, BUY, price, lots, instrument=PAIR, **fields)

    def sell(self, lots, price=10_000, account=ALICE, **fields):
        return self.place(account, SELL, price, lots, instrument=PAIR, **fields)

    def long(self, lots):
        """Alice buys of Bob."""
        assert self.sell(lots, account=BOB).reject == Reject.NONE
        done = self.buy(lots)
        assert (done.reject, done.filled_lots) == (Reject.NONE, lots)
        return done

    def debt(self, account=ALICE, asset=DOLLAR):
        """(principal, interest)."""
        for row in self.engine._state.credit.loans:
            if int(row["account"]) == account and int(row["asset"]) == asset:
                owed = int(row["principal_minor"]), int(row["interest_minor"])
                if any(owed):
                    return owed
        return 0, 0

    def kinds(self, done):
        return [EventKind(event["kind"]) for event in done.events]

    def equity(self, account=ALICE):
        return self.engine.standing(account).equity_minor
