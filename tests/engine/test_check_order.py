"""Of two faults a command is rejected for the one with the lower code: engine.md, section 1."""

from itertools import combinations

import pytest

from ledger.engine.limits import Capacity
from ledger.records.codes import CommandFlag, CommandKind, Reject, TimeInForce
from tests.engine.perpetual_streams import INVERSE, LINEAR, MID, SECOND, SPOT, set_up
from tests.engine.venue import ALICE, BOB, BUY, SELL, Venue

K = CommandKind
F = CommandFlag
BID, ASK = 5000, 6000
NOBODY, NOWHERE, NOTHING = 15, 99, 777


@pytest.fixture(scope="module")
def venue():
    """One bid of Alice, one ask of Bob; the order table is full."""
    venue = Venue(Capacity(orders=2))
    venue.batch(*set_up(2, dollars=10**7, coins=10**7, fund=0))
    venue.resting = venue.place(ALICE, BUY, BID, 10, instrument=SPOT, time_ns=SECOND).seq
    venue.other = venue.place(BOB, SELL, ASK, 10, instrument=SPOT, time_ns=SECOND).seq
    return venue


HEADER = (
    ({"time_ns": 0}, Reject.TIME_BACKWARDS),
    ({"account": NOBODY}, Reject.UNKNOWN_ACCOUNT),
    ({"instrument": NOWHERE}, Reject.UNKNOWN_INSTRUMENT),
)
SIZES = (
    ({"price_ticks": 0}, Reject.PRICE_OUT_OF_RANGE),
    ({"price_ticks": 2**40}, Reject.PRICE_OUT_OF_RANGE),
    ({"qty_lots": 0}, Reject.QTY_OUT_OF_RANGE),
    ({"qty_lots": 2**60}, Reject.QTY_OUT_OF_RANGE),
    ({"time_in_force": TimeInForce.GTC}, Reject.TABLE_FULL),
)
SPOT_FAULTS = (
    *HEADER, *SIZES,
    ({"flags": F.REDUCE_ONLY}, Reject.MALFORMED),
    ({"flags": F.SHORT_LEG}, Reject.MALFORMED),
    ({"flags": F.ON_MARK}, Reject.MALFORMED),
    ({"price_ticks": 3, "qty_lots": 1}, Reject.NOTIONAL_TOO_SMALL),
    ({"time_in_force": TimeInForce.FOK}, Reject.CANNOT_FILL),
    ({"qty_lots": 10**6}, Reject.INSUFFICIENT_BALANCE),
)  # fmt: skip
LINEAR_FAULTS = (
    *HEADER, *SIZES,
    ({"self_trade": 9}, Reject.MALFORMED),
    ({"flags": F.SHORT_LEG}, Reject.WRONG_LEG),
    ({"flags": F.REDUCE_ONLY}, Reject.REDUCE_ONLY_REJECTED),
    ({"flags": F.SHORT_LEG | F.STOP, "trigger_ticks": MID}, Reject.TABLE_FULL),
    ({"time_in_force": TimeInForce.FOK}, Reject.CANNOT_FILL),
)  # fmt: skip
REPLACE_FAULTS = (
    *HEADER, *SIZES[:4],
    ({"flags": F.SHORT_LEG}, Reject.MALFORMED),
    ({"target_id": NOTHING}, Reject.UNKNOWN_ORDER),
    ({"time_in_force": TimeInForce.FOK}, Reject.CANNOT_FILL),
    ({"qty_lots": 10**6}, Reject.INSUFFICIENT_BALANCE),
)  # fmt: skip


def hold_to_the_order(venue, kind, sound, faults):
    """Each fault by itself has its code, and each pair of them the lower one."""
    for fields, reject in faults:
        assert venue.do(kind, **sound | fields).reject == reject, (fields, reject.name)
    for (fields, reject), (others, its) in combinations(faults, 2):
        if fields.keys() & others.keys():
            continue
        both = sound | fields | others
        # Some pairs are one fault more, of the form itself: it comes before both of them.
        found = venue.do(kind, **both).reject
        assert found in (min(reject, its), Reject.MALFORMED), (fields, others, found.name)
        assert found <= min(reject, its)


def test_a_spot_order_meets_its_checks_in_order(venue):
    sound = {
        "time_ns": SECOND, "account": ALICE, "instrument": SPOT, "side": BUY, "price_ticks": BID,
        "qty_lots": 5, "time_in_force": TimeInForce.IOC,
    }  # fmt: skip
    hold_to_the_order(venue, K.NEW_ORDER, sound, SPOT_FAULTS)


@pytest.mark.parametrize("instrument", [LINEAR, INVERSE])
def test_an_order_on_a_perpetual_meets_its_checks_in_order(venue, instrument):
    sound = {
        "time_ns": SECOND, "account": ALICE, "instrument": instrument, "side": BUY,
        "price_ticks": MID, "qty_lots": 5, "time_in_force": TimeInForce.IOC,
    }  # fmt: skip
    hold_to_the_order(venue, K.NEW_ORDER, sound, LINEAR_FAULTS)


def test_a_replacement_meets_its_checks_in_order(venue):
    sound = {
        "time_ns": SECOND, "account": ALICE, "instrument": SPOT, "side": BUY, "price_ticks": BID,
        "qty_lots": 5, "target_id": venue.resting,
    }  # fmt: skip
    hold_to_the_order(venue, K.REPLACE_ORDER, sound, REPLACE_FAULTS)


def test_an_order_of_another_side_is_unknown_whoever_owns_it(venue):
    terms = {"time_ns": SECOND, "instrument": SPOT, "target_id": venue.other, "qty_lots": 5}
    wanted = {(ALICE, BUY): Reject.UNKNOWN_ORDER, (ALICE, SELL): Reject.NOT_OWNER}
    for (account, side), reject in wanted.items():
        done = venue.do(K.REPLACE_ORDER, account=account, side=side, price_ticks=ASK, **terms)
        assert done.reject == reject
