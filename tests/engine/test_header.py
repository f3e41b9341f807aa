"""What every command has in common: version, kind, time, and the order of the checks."""

import numpy as np
import pytest

from ledger.engine import Engine
from ledger.records.build import LAYOUT_OF, command
from ledger.records.codes import CommandKind, Reject
from ledger.records.layout import COMMAND, ORDER
from tests.engine.streams import Stream, as_commands
from tests.engine.venue import ALICE, BOB, BUY, Venue, open_venue

K = CommandKind


def test_another_version_comes_before_everything_else():
    venue = Venue()
    raw = bytearray(command(K.NEW_ORDER))
    raw[9] = 2
    assert venue.batch(bytes(raw))[0].reject == Reject.UNKNOWN_VERSION


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(CommandKind)))
def test_an_unknown_kind_is_refused(kind):
    raw = bytearray(command(K.NEW_ORDER))
    raw[8] = kind
    assert Venue().batch(bytes(raw))[0].reject == Reject.UNKNOWN_KIND


def test_time_never_goes_backwards_and_only_what_takes_effect_moves_it():
    venue = open_venue()
    venue.place(ALICE, BUY, 5, 1, time_ns=100)
    assert venue.place(ALICE, BUY, 5, 1, time_ns=99).reject == Reject.TIME_BACKWARDS
    assert venue.place(ALICE, BUY, 0, 1, time_ns=500).reject == Reject.PRICE_OUT_OF_RANGE
    assert venue.engine.time_ns == 100
    assert venue.place(ALICE, BUY, 5, 1, time_ns=100).reject == Reject.NONE
    assert venue.place(ALICE, BUY, 5, 1, time_ns=-1).reject == Reject.TIME_BACKWARDS


def test_a_rejected_command_is_numbered_too():
    venue = open_venue()
    before = venue.engine.seq
    done = venue.place(ALICE, BUY, 0, 1)
    assert (done.seq, venue.engine.seq) == (before + 1, before + 1)
    assert (done.subject_id, done.events, done.amount_minor) == (0, (), 0)


WITH_RESERVED = [kind for kind in CommandKind if "reserved" in LAYOUT_OF[kind].names]


@pytest.mark.parametrize("kind", WITH_RESERVED)
def test_every_kind_refuses_bytes_that_it_does_not_use(kind):
    """A kind's reserved tail must be zero, whatever else is wrong with the command."""
    venue = open_venue()
    dtype = LAYOUT_OF[kind]
    usable = {
        K.OPEN_ACCOUNT: {"account": 19},
        K.SET_ACCOUNT: {"account": ALICE},
        K.SET_LEVERAGE: {"account": ALICE},
        K.SET_MARGIN_MODE: {"account": ALICE},
        K.MOVE_MARGIN: {"account": ALICE},
        K.SET_POSITION_MODE: {"account": ALICE},
        K.SET_MARGIN: {"account": ALICE},
        K.TRANSFER: {"account": ALICE, "payee": BOB},
        K.CANCEL_ALL: {"account": ALICE},
        K.REPLACE_ORDER: {"account": ALICE},
        K.CANCEL_AFTER: {"account": ALICE},
        K.NEW_ORDER: {"account": ALICE},
        K.CANCEL_ORDER: {"account": ALICE},
        K.AMEND_ORDER: {"account": ALICE},
        K.LIST_INSTRUMENT: {"base": 0, "quote": 1},
        K.CREDIT_DEPOSIT: {"account": ALICE},
        K.PLACE_HOLD: {"account": ALICE},
    }
    for at in (dtype.fields["reserved"][1], 127):
        raw = bytearray(command(kind, **usable.get(kind, {})))
        raw[at] = 128
        assert venue.batch(bytes(raw))[0].reject == Reject.MALFORMED


def test_each_check_comes_before_the_next_one():
    """Wrong in several ways, an order is refused for the first: mended one by one, in order."""
    venue = open_venue({"min_notional_minor": 50})
    wrong = {
        "account": 99, "instrument": 9, "side": 7, "price_ticks": 0, "qty_lots": 0, "time_ns": -1,
    }  # fmt: skip
    mend = [
        (Reject.TIME_BACKWARDS, {"time_ns": 0}),
        (Reject.UNKNOWN_ACCOUNT, {"account": ALICE}),
        (Reject.UNKNOWN_INSTRUMENT, {"instrument": 0}),
        (Reject.MALFORMED, {"side": 0}),
        (Reject.PRICE_OUT_OF_RANGE, {"price_ticks": 1}),
        (Reject.QTY_OUT_OF_RANGE, {"qty_lots": 1}),
        (Reject.NOTIONAL_TOO_SMALL, {"qty_lots": 10**6, "price_ticks": 10**6}),
        (Reject.NONE, {}),
    ]
    for reject, better in mend:
        assert venue.do(K.NEW_ORDER, **wrong).reject == reject
        wrong |= better


def test_the_next_account_asset_and_instrument_are_unknown_until_they_are_listed():
    venue = open_venue()
    account, asset = venue.engine.account_count, venue.engine.asset_count
    instrument = venue.engine.instrument_count
    assert venue.place(account, BUY, 5, 1).reject == Reject.UNKNOWN_ACCOUNT
    assert venue.place(15, BUY, 5, 1).reject == Reject.UNKNOWN_ACCOUNT
    assert venue.cancel(account, 1).reject == Reject.UNKNOWN_ACCOUNT
    assert venue.amend(account, 1, 1).reject == Reject.UNKNOWN_ACCOUNT
    assert venue.withdraw(account, 0, 1).reject == Reject.UNKNOWN_ACCOUNT
    assert venue.deposit(account, 0, 1).reject == Reject.UNKNOWN_ACCOUNT
    for done in (
        venue.place(ALICE, BUY, 5, 1, instrument=instrument),
        venue.cancel(ALICE, 1, instrument=instrument),
        venue.amend(ALICE, 1, 1, instrument=instrument),
    ):
        assert done.reject == Reject.UNKNOWN_INSTRUMENT
    assert venue.withdraw(ALICE, asset, 1).reject == Reject.UNKNOWN_ASSET
    assert venue.deposit(ALICE, asset, 1).reject == Reject.UNKNOWN_ASSET


def test_an_empty_batch_does_nothing():
    engine = Engine()
    done = engine.execute(np.zeros(0, COMMAND))
    assert (done.first_seq, len(done.outcomes), len(done.events)) == (1, 0, 0)
    assert engine.seq == 0


def test_any_command_layout_is_a_view_of_the_same_bytes():
    stream = as_commands(Stream(5).take(100))
    one, other = Engine(), Engine()
    first, second = one.execute(stream), other.execute(stream.view(ORDER))
    assert first.outcomes.tobytes() == second.outcomes.tobytes()
    assert one.state_root() == other.state_root()


def test_results_belong_to_the_caller():
    engine = Engine()
    stream = as_commands(Stream(6).take(200))
    first = engine.execute(stream[:150])
    outcomes, events = first.outcomes.tobytes(), first.events.tobytes()
    engine.execute(stream[150:])
    assert (first.outcomes.tobytes(), first.events.tobytes()) == (outcomes, events)
    first.outcomes[:] = 0
    first.events[:] = 0


def test_commands_are_not_changed():
    stream = as_commands(Stream(7).take(100)).copy()
    kept = stream.tobytes()
    Engine().execute(stream)
    assert stream.tobytes() == kept


def test_what_is_not_a_row_of_commands_is_a_programmers_error():
    with pytest.raises(AssertionError):
        Engine().execute(np.zeros(3, np.int64))
    with pytest.raises(AssertionError):
        Engine().execute(np.zeros((2, 2), COMMAND))
