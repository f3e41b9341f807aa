"""A TICK asks for the room that its next part may need, and its outcome does not depend on it."""

import inspect

import numpy as np
import pytest

from ledger.engine import Engine
from ledger.engine.engine import EVENTS_MIN
from ledger.engine.flows.cascade import cascade
from ledger.engine.kernels.base.commands import has_event_room
from ledger.records.build import command
from ledger.records.codes import CommandFlag, CommandKind, EventKind, Phase, Reject
from ledger.records.layout import EVENT
from matching.jit import COMPILED
from tests.engine import (
    test_auctions,
    test_isolated,
    test_liquidation,
    test_margin_accounts,
    test_mark_triggers,
    test_netting,
    test_overdrafts,
    test_perpetuals,
    test_published_accounts,
)
from tests.engine.account_streams import AccountStream
from tests.engine.account_venue import AccountVenue
from tests.engine.credit_streams import CreditStream
from tests.engine.everything_streams import EverythingStream
from tests.engine.order_streams import OrderStream
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    LINEAR,
    MID,
    SECOND,
    SELL,
    PerpetualVenue,
)
from tests.engine.streams import as_commands

K = CommandKind
GUARD = 64
"""Rows behind the event buffer that no kernel may write."""
STREAMS = (OrderStream, PerpetualStream, AccountStream, CreditStream, EverythingStream)


PARTED = (
    "clock.insurance", "clock.isolated_liquidation", "clock.liquidation", "clock.loan_service",
    "clock.overdrafts", "clock.phases", "clock.tick", "margin.marks", "orders.sweeps",
    "orders.triggers",
)  # fmt: skip
"""The modules of kernels that have parts of a TICK."""
SCENARIOS = [
    scenario
    for module in (
        test_auctions,
        test_isolated,
        test_liquidation,
        test_margin_accounts,
        test_mark_triggers,
        test_netting,
        test_overdrafts,
        test_perpetuals,
        test_published_accounts,
    )
    for name, scenario in vars(module).items()
    if name.startswith("test_") and not inspect.signature(scenario).parameters
]
"""What other tests tell, to be told once more with as little room as can be."""


class FrugalEngine(Engine):
    """Begins each batch with one row for events, and has exactly the rows that were asked for."""

    def execute(self, commands):
        self.asked = []
        self._give(1)
        done = super().execute(commands)
        self._check()
        return done

    def _give(self, rows):
        self._whole = np.zeros(rows + GUARD, EVENT)
        self._give_room(self._state, self._whole[:rows])

    def _check(self):
        assert not self._whole[len(self._events) :].view(np.uint8).any(), "written beyond the room"

    def _wants_events(self):
        return self._events_wanted() != len(self._events)

    def _make_room(self):
        self._check()
        count, rows = int(self._frame["event_count"][0]), self._events_wanted()
        self.asked.append(rows - count)
        before = self._events
        self._give(rows)
        self._events[:count] = before[:count]
        super()._make_room()


@pytest.fixture(autouse=True)
def exact(monkeypatch):
    """In plain Python every part of a TICK stops, unless it has the rows that it asks for, no more.

    A compiled kernel has its callees within, and stops when it has fewer. Only a frugal engine's
    buffer is a part of an array.
    """

    def must_wait(results, part, wanted):
        has_room = has_event_room(results, wanted)
        results.frame["part"][0] = part
        if results.events.base is None:
            return not has_room
        return results.frame["event_count"][0] + wanted != results.events.shape[0]

    if not COMPILED:
        for name in PARTED:
            monkeypatch.setattr(f"ledger.engine.kernels.{name}.must_wait", must_wait)


def compare(raws):
    """Execute the same with a buffer that is large, and command by command with no spare row."""
    roomy, frugal = Engine(), FrugalEngine()
    whole = roomy.execute(as_commands(raws))
    single, stops = [], []
    for raw in raws:
        single.append(frugal.execute(as_commands([raw])))
        if as_commands([raw])["kind"][0] == K.TICK:
            stops.append(len(frugal.asked))
    assert b"".join(done.outcomes.tobytes() for done in single) == whole.outcomes.tobytes()
    assert b"".join(done.events.tobytes() for done in single) == whole.events.tobytes()
    assert frugal.state_root() == roomy.state_root()
    assert frugal.snapshot() == roomy.snapshot()
    return stops


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_scenario_is_the_same_without_a_spare_row(scenario, monkeypatch):
    monkeypatch.setattr("tests.engine.venue.Engine", FrugalEngine)
    scenario()


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.__name__)
@pytest.mark.parametrize("seed", range(6))
def test_a_tick_is_the_same_wherever_it_stops_for_room(stream, seed):
    compare(stream(seed + 90_000).take(300))


def test_a_tick_stops_and_goes_on_more_than_once():
    stops = [n for seed in range(4) for n in compare(EverythingStream(seed + 95_000).take(250))]
    assert max(stops) > 3
    assert min(stops) == 0


def test_what_isolated_positions_say_beside_a_trade_has_room(monkeypatch):
    """A call ends with one trade of two isolated positions: four events of two orders."""
    monkeypatch.setattr("tests.engine.venue.Engine", FrugalEngine)
    venue = AccountVenue()
    for account in (ALICE, BOB):
        assert venue.isolate(account).reject == Reject.NONE
    until_ns = venue.now + SECOND
    venue.do(K.SET_PHASE, instrument=LINEAR, phase=Phase.CALL, until_ns=until_ns)
    for account, side in ((ALICE, BUY), (BOB, SELL)):
        assert venue.place(account, side, MID, 5, instrument=LINEAR).reject == Reject.NONE
    done = venue.move(MID)
    assert [EventKind(event["kind"]) for event in done.events][:4] == [
        EventKind.TRADE, EventKind.MARGIN_MOVED, EventKind.MARGIN_MOVED, EventKind.PHASE_CHANGED,
    ]  # fmt: skip


def fallen(longs):
    """The longs of `cascade`, a moment before they fall; the measured TICK, and its events."""
    storm = cascade(longs)
    engine = FrugalEngine()
    engine.execute(storm.before)
    done = engine.execute(storm.measured)
    return engine, done


def test_liquidations_ask_step_by_step():
    """Sixty accounts fall; no ask is larger than one book and one queue of positions."""
    longs = 60
    engine, done = fallen(longs)
    positions = longs + 2
    assert len(done.events) > 2 * longs
    assert len(engine.asked) >= longs
    assert max(engine.asked) <= longs + positions + 2


@pytest.fixture
def crowded():
    """A venue of two markets where three thousand orders rest, and somebody has a position."""
    venue = PerpetualVenue(dollars=10**9)
    venue.trade(ALICE, BOB, 5, MID)
    rest = [
        command(K.NEW_ORDER, account=account, instrument=LINEAR, side=side, qty_lots=1,
                price_ticks=price + n % 50, time_ns=venue.now)
        for account, side, price in ((ALICE, BUY, MID - 500), (BOB, SELL, MID + 500))
        for n in range(1_500)
    ]  # fmt: skip
    assert {done.reject for done in venue.batch(*rest)} == {Reject.NONE}
    assert venue.engine.open_order_count == 3_000
    return venue


def test_orders_that_a_tick_does_not_touch_want_no_room(crowded):
    """A mark moves and nobody falls: the buffer stays as small as it began."""
    crowded.engine._give_room(crowded.engine._state, np.zeros(4, EVENT))
    done = crowded.move(MID + 100)
    assert [event["kind"] for event in done.events] == [EventKind.MARK_MOVED] * 2
    assert len(crowded.engine._events) == 4


def test_funding_wants_a_row_for_each_position(crowded):
    crowded.engine._give_room(crowded.engine._state, np.zeros(4, EVENT))
    done = crowded.move(MID + 100, seconds=8 * 3600)
    positions = int(crowded.engine._state.header["position_count"][0])
    paid = [event for event in done.events if event["kind"] == EventKind.FUNDING_PAID]
    assert len(paid) == 2
    assert len(crowded.engine._events) <= 2 * (4 + 2 * positions)


def test_a_stop_that_triggers_wants_its_own_book_and_no_more(crowded):
    stop = crowded.place(
        ALICE, BUY, MID + 300, 1, instrument=LINEAR, trigger_ticks=MID + 200,
        flags=CommandFlag.STOP | CommandFlag.ON_MARK,
    )  # fmt: skip
    assert stop.reject == Reject.NONE
    crowded.engine._give_room(crowded.engine._state, np.zeros(4, EVENT))
    done = crowded.move(MID + 250)
    assert EventKind.ORDER_TRIGGERED in [event["kind"] for event in done.events]
    assert 3_000 <= len(crowded.engine._events) <= 2 * EVENTS_MIN


def test_a_call_that_ends_wants_its_own_book_and_no_more(crowded):
    until_ns = crowded.now + SECOND
    crowded.do(K.SET_PHASE, instrument=LINEAR, phase=Phase.CALL, until_ns=until_ns)
    crowded.engine._give_room(crowded.engine._state, np.zeros(4, EVENT))
    done = crowded.move(MID)
    assert EventKind.PHASE_CHANGED in [event["kind"] for event in done.events]
    assert 3_000 <= len(crowded.engine._events) <= 2 * EVENTS_MIN
