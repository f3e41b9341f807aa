"""Within an account's reach no move of prices brings it down, and no decision hangs on it."""

from random import Random

import pytest

from ledger.engine import Engine
from ledger.engine.kernels.queries import judge
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records.codes import CommandKind, EventKind
from matching.units import PPM, PRICE_TICKS_MAX
from tests.engine.account_streams import AccountStream
from tests.engine.credit_streams import CreditStream
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.perpetual_venue import PerpetualVenue
from tests.engine.streams import as_commands
from tests.engine.venue import ALICE, BOB, CAROL

LENGTH = 300
ONE = 2**30
STREAMS = [PerpetualStream, AccountStream, CreditStream]


def rooms(engine):
    """(account, how far prices may move) of every account that need not be judged."""
    state = engine._state
    moved = int(state.caches.moved[0])
    for account in range(CUSTOMER_FIRST, int(state.header["account_count"][0])):
        room = int(state.caches.slack["reach"][account]) - moved
        if room >= 0:
            yield account, room


def shake(rng, values, room, least, most):
    """Each value anywhere within the room; often at its ends."""
    for at, value in enumerate(values.tolist()):
        if value > 0:
            low, high = -(-value * ONE // (ONE + room)), value * (ONE + room) // ONE
            values[at] = min(max(rng.choice([low, high, rng.randint(low, high)]), least), most)


class Shaken:
    """A state's prices, moved for a while."""

    def __init__(self, engine):
        contracts, assets = engine._state.margin.contracts, engine._state.margin.collateral
        self.columns = [
            (contracts["mark_ticks"], 1, PRICE_TICKS_MAX),
            (contracts["multiplier_ppm"], PPM, 4 * PPM),
            (assets["index_ticks"], 1, PRICE_TICKS_MAX),
        ]
        self.before = [column.copy() for column, _, _ in self.columns]

    def move(self, rng, room):
        self.restore()
        for column, least, most in self.columns:
            shake(rng, column, room, least, most)

    def restore(self):
        for (column, _, _), before in zip(self.columns, self.before, strict=True):
            column[:] = before


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("seed", range(4))
def test_no_move_within_its_reach_brings_an_account_down(stream, seed):
    engine, rng, seen = Engine(), Random(seed), 0
    for number, raw in enumerate(stream(seed + 700).take(LENGTH)):
        engine.execute(as_commands([raw]))
        if number % 5:
            continue
        shaken = Shaken(engine)
        for account, room in rooms(engine):
            for _ in range(5):
                shaken.move(rng, room)
                equity, maintenance, _ = judge(engine.machine().state, account)
                assert equity > maintenance or (maintenance == 0 and equity >= 0), (account, room)
                seen += room > 0
        shaken.restore()
    assert seen > 0


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("seed", range(4))
def test_an_engine_that_judges_everybody_decides_alike(stream, seed):
    remembering, forgetting = Engine(), Engine()
    for raw in stream(seed + 800).take(LENGTH):
        forgetting._state.caches.slack["reach"][:] = 0
        ours, theirs = (engine.execute(as_commands([raw])) for engine in (remembering, forgetting))
        assert ours.outcomes.tobytes() == theirs.outcomes.tobytes()
        assert ours.events.tobytes() == theirs.events.tobytes()
    assert remembering.state_root() == forgetting.state_root()


def test_small_moves_add_up_until_the_account_is_judged_and_falls():
    """Each TICK alone is within the reach that the first judgement left."""
    venue = PerpetualVenue(dollars=60_000)
    venue.trade(ALICE, BOB, 100, 10_000)
    venue.move(10_000)
    fell, price, judged, steps = [], 10_000, 0, 0
    while not fell and price > 1_000:
        steps += 1
        reach = int(venue.engine._state.caches.slack["reach"][ALICE])
        price -= price // 500
        done = venue.move(price)
        judged += int(venue.engine._state.caches.slack["reach"][ALICE]) != reach
        fell = [e for e in done.events if e["kind"] == EventKind.ACCOUNT_FELL]
    assert [e["account"] for e in fell] == [ALICE]
    assert 0 < judged < steps // 2, "most TICKs passed it"


def test_what_costs_an_account_money_ends_its_reach():
    venue = PerpetualVenue()
    venue.trade(ALICE, BOB, 1, 10_000)
    venue.move(10_000)
    assert {ALICE, BOB} <= {account for account, _ in rooms(venue.engine)}
    venue.trade(CAROL, BOB, 1, 10_000)
    assert ALICE in {account for account, _ in rooms(venue.engine)}
    assert BOB not in {account for account, _ in rooms(venue.engine)}


def test_a_rule_that_changes_ends_everybodys():
    venue = PerpetualVenue()
    venue.trade(ALICE, BOB, 1, 10_000)
    venue.move(10_000)
    assert list(rooms(venue.engine))
    venue.do(
        CommandKind.SET_TIER, instrument=1, row=0, floor_minor=0, maintenance_ppm=5_000,
        initial_ppm=10_000,
    )  # fmt: skip
    assert not list(rooms(venue.engine))


def test_a_restored_engine_judges_everybody_first():
    engine = Engine()
    engine.execute(as_commands(PerpetualStream(3).take(LENGTH)))
    assert not list(rooms(Engine.restore(engine.snapshot())))
