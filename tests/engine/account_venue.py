"""A venue whose accounts isolate positions and hedge, engine and oracle side by side."""

from ledger.engine.margin_layout import LONG, NET, SHORT
from ledger.records.codes import CommandFlag, CommandKind, EventKind, ExpireReason, Reject
from tests.engine.perpetual_venue import ALICE, BUY, DOLLAR, LINEAR, MID, SELL, PerpetualVenue

K = CommandKind
LOT = MID * 3 // 10
"""What a lot of the linear contract is worth at the first mark."""
SHORT_LEG = CommandFlag.SHORT_LEG
__all__ = ["LONG", "LOT", "NET", "SHORT", "SHORT_LEG", "AccountVenue", "ended", "of_kind"]


def of_kind(done, kind):
    return [event for event in done.events if event["kind"] == kind]


def ended(done):
    """(order, reason) of each order that expired."""
    return [
        (event["order_id"], ExpireReason(event["flags"] & 255))
        for event in of_kind(done, EventKind.ORDER_EXPIRED)
    ]


class AccountVenue(PerpetualVenue):
    """Like `PerpetualVenue`, with modes."""

    def isolate(self, account, instrument=LINEAR, mode=1):
        return self.do(K.SET_MARGIN_MODE, account=account, instrument=instrument, mode=mode)

    def hedge(self, account, mode=1):
        done = self.do(K.SET_POSITION_MODE, account=account, mode=mode)
        for leg in (LONG, SHORT):
            if done.reject == Reject.NONE and mode:
                self.lever(account, 50)
                assert self.row(account, leg)["leverage"] == 50
        return done

    def lever(self, account, leverage, instrument=LINEAR):
        return self.do(K.SET_LEVERAGE, account=account, instrument=instrument, leverage=leverage)

    def move_margin(self, account, amount, instrument=LINEAR, **fields):
        terms = {"account": account, "instrument": instrument, "amount_minor": amount}
        return self.do(K.MOVE_MARGIN, **terms | fields)

    def row(self, account, leg=NET, instrument=LINEAR):
        """The position row, or None."""
        state = self.engine._state
        for row in state.margin.positions[: int(state.header["position_count"][0])]:
            if (int(row["account"]), int(row["instrument"])) == (account, instrument) and (
                int(row["leg"]) == leg
            ):
                return row
        return None

    def lots(self, account, leg=NET, instrument=LINEAR):
        row = self.row(account, leg, instrument)
        return 0 if row is None else int(row["qty_lots"])

    def margin(self, account, leg=NET, instrument=LINEAR):
        return int(self.row(account, leg, instrument)["margin_minor"])

    def isolated_long(self, lots=50, leverage=50):
        """Alice is long at a margin of her own, against Bob."""
        assert self.isolate(ALICE).reject == Reject.NONE
        assert self.lever(ALICE, leverage).reject == Reject.NONE
        return self.trade(ALICE, 17, lots, MID)

    def whole(self, account, asset=DOLLAR):
        """Available and held together."""
        return sum(self.balance(account, asset))


assert (BUY, SELL) == (0, 1)
