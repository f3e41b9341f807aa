"""Within an account's reach no move of prices brings it down, and no decision hangs on it."""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from random import Random

import pytest
from hypothesis import given

from ledger.engine import Engine
from ledger.engine.kernels.queries import judge
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records.codes import CommandKind, EventKind
from matching.units import PPM, PRICE_TICKS_MAX
from tests.engine.account_streams import AccountStream
from tests.engine.credit_streams import CreditStream
from tests.engine.judged_venue import Drawn, JudgedVenue, venues
from tests.engine.perpetual_streams import PerpetualStream
from tests.engine.perpetual_venue import PerpetualVenue
from tests.engine.streams import as_commands
from tests.engine.venue import ALICE, BOB, CAROL
from tests.margin.oracle import Asset, Contract, Customer, Position
from tests.margin.strategies import cost_at

LENGTH = 300
ONE = 2**30
STEPS = 64
"""So many moves, each as small as the reach allows: they compound."""
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


def ends(value, room, least, most):
    """The lowest and the highest that a price may be once moves have used up the room."""
    factor = (1 + room / STEPS) ** STEPS
    return max(ceil(value / factor), least), min(floor(value * factor), most)


def hurt(drawn, row, room):
    """Move each price to that end of its room which hurts a customer more, over and over."""

    def moved(contract, name, value):
        drawn.listed[contract] = replace(drawn.listed[contract], **{name: value})

    def indexed(asset, value):
        drawn.indices[asset] = value

    turns = []
    for contract, found in enumerate(drawn.listed):
        at = ends(found.mark, room, 1, found.max_ticks)
        turns += [(lambda value, n=contract: moved(n, "mark", value), found.mark, at)]
        at, raised = ends(found.multiplier_ppm, room, PPM, 4 * PPM), found.multiplier_ppm
        turns += [(lambda value, n=contract: moved(n, "multiplier_ppm", value), raised, at)]
    for asset, index in enumerate(drawn.indices):
        at = ends(index, room, 1, PRICE_TICKS_MAX)
        turns += [(lambda value, n=asset: indexed(n, value), index, at)] * (index > 0)
    for _ in range(2):
        for turn, _, (low, high) in turns:
            turn(low)
            lower = drawn.health(row)
            turn(high)
            if lower < drawn.health(row):
                turn(low)
    fell = drawn.judged(row)[2]
    for turn, before, _ in turns:
        turn(before)
    return fell


def near_falling(rng):
    """One customer with wallets, debts and positions of all kinds, and not much to spare."""
    known = [
        Asset(Fraction(rng.randint(1, 1000), rng.randint(1, 1000)), rng.choice(cuts), rng.choice(d))
        for cuts, d in [([0, 50_000], [0, 50_000, PPM]), *[([0, 500_000, PPM], [0, PPM])] * 2]
    ]
    listed = []
    for row in range(4):
        rates = sorted(rng.choice([rng.randint(1, 50_000), rng.randint(1, PPM)]) for _ in range(6))
        floors = [0, *sorted(rng.sample(range(10**6, 10**13), 2))]
        inverse, num = bool(row % 2), 10 ** rng.randint(0, 2)
        listed.append(
            Contract(
                inverse=inverse,
                num=num * 10**8 if inverse else num,
                den=1 if inverse else rng.choice([1, 7]),
                mark=rng.randint(10**4, 10**6),
                brackets=[*zip(floors, rates[::2], rates[1::2], strict=True)],
                multiplier_ppm=rng.choice([PPM, rng.randint(PPM, 4 * PPM)]),
                settle=rng.randrange(3),
                max_ticks=10**8,
            )
        )
    held = []
    for row in rng.sample(range(4), rng.randint(0, 4)):
        lots = rng.randint(1, 10 ** rng.randint(3, 7)) * rng.choice([1, -1])
        entry = ceil(listed[row].mark * rng.uniform(0.7, 1.3))
        held.append(Position(row, lots, cost_at(listed[row], lots, entry)))
    balances = {asset: rng.choice([0, 1, -1]) * rng.randint(0, 10**12) for asset in range(3)}
    drawn = Drawn(known, [rng.choice([1, rng.randint(1, 1000)]) for _ in known], listed, [])
    drawn.customers.append(Customer(balances, held))
    wanted = 10 ** rng.randint(6, 14) - drawn.health(0)
    worth = drawn.assets()[0].price * (PPM - known[0].haircut_ppm) / PPM
    balances[0] += max(ceil(wanted / worth), 0)
    return drawn


def on_an_edge(rng):
    """One position at the floor of a steep bracket, in an empty wallet that debts are dear in."""
    inverse, mark = bool(rng.randrange(2)), rng.choice([10**5, 10**6, 2**30])
    num = 10 ** rng.randint(0, 3) * (mark if inverse else 1)
    den = 1 if inverse else rng.choice([1, mark // 1000, rng.randint(1, 10**9)])
    lots = rng.choice([1, -1]) * 10 ** rng.randint(1, 4)
    flat = Contract(inverse, num, den, mark, [(0, 1, 1)], settle=0)
    floor_minor = flat.notional(lots, mark)
    steep, raised = rng.choice([(PPM, PPM), (PPM // 4, 4 * PPM), (2, PPM)])
    brackets = [(0, 1, 1), (floor_minor, steep, PPM)]
    contract = replace(flat, brackets=brackets, multiplier_ppm=raised)
    debt = Asset(Fraction(rng.randint(1, 20), mark), 0, rng.choice([0, PPM]))
    held = [Position(0, lots, cost_at(contract, lots, mark))]
    drawn = Drawn([debt, Asset(Fraction(1), 0, 0)], [mark, 1], [contract], [])
    drawn.customers.append(Customer({0: 0, 1: 0}, held))
    share = 10 ** -rng.choice([1, 2, rng.uniform(0, 9)])
    wanted = ceil(floor_minor * drawn.assets()[0].price * Fraction(share)) + rng.randint(1, 4)
    drawn.customers[0].balances[1] = wanted - drawn.health(0)
    return drawn


@pytest.mark.parametrize("kind", [near_falling, on_an_edge])
@pytest.mark.parametrize("seed", range(6))
def test_the_worst_moves_within_its_reach_bring_nobody_down(kind, seed):
    """By the model: nothing of the engine's judges here but what it gave as a reach."""
    rng, limited = Random(seed), 0
    for _ in range(50):
        drawn = kind(rng)
        venue = JudgedVenue(drawn)
        venue.judged()
        room = venue.reach(0)
        if room is not None:
            assert not hurt(drawn, 0, room)
            limited += 0 < room < Fraction(1, 11)
    assert limited > 3


@given(venues())
def test_nor_do_they_at_the_ends_of_every_bound(drawn):
    venue = JudgedVenue(drawn)
    venue.judged()
    for row in range(len(drawn.customers)):
        room = venue.reach(row)
        assert room is None or not drawn.judged(row)[2]
        assert not room or not hurt(drawn, row, room)


def test_a_contract_with_a_mark_may_lack_brackets():
    """Its settings come one by one: the table of the one before is not looked at for it."""
    nothing = Contract(inverse=False, num=1, den=1, mark=5, brackets=[(0, PPM, PPM)])
    venue = JudgedVenue(Drawn([], [], [nothing], []))
    state = venue.engine._state
    state.margin.contracts["tier_count"][0] = 0
    state.margin.tiers["maintenance_ppm"][-1] = PPM
    venue.judged()
    assert int(state.caches.marked["steep"][0]) == 0
