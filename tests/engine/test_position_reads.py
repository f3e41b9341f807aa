"""What reads say of positions: prices at which they fall, lights, the predicted rate."""

import copy

import pytest

from ledger.engine import Engine
from ledger.engine.margin_layout import INSURANCE, LONG, SHORT
from ledger.engine.reference.engine import ReferenceEngine
from ledger.engine.reference.isolated import contract_of
from ledger.engine.reference.liquidation import is_down, rank
from ledger.engine.reference.margin import assess
from ledger.engine.reference.tick import predicted_rate
from ledger.records.codes import CommandFlag, CommandKind, EventKind, MarginMode
from tests.engine.account_streams import AccountStream
from tests.engine.account_venue import LOT, SHORT_LEG, AccountVenue, of_kind
from tests.engine.perpetual_streams import prices, tick
from tests.engine.perpetual_venue import (
    ALICE,
    BOB,
    BUY,
    CAROL,
    COIN,
    DOLLAR,
    INVERSE,
    LINEAR,
    MID,
    SECOND,
    SELL,
)
from tests.engine.streams import as_commands

K = CommandKind


def calm(venue):
    """No funding basis and no volatility: the mark is the index."""
    rule = {
        "oracle": 0, "interval_s": 3600, "leverage_max": 50, "alpha_ppm": 1, "impact_minor": 1,
        "calm_ppb": 2**30, "rise_ppm": 10, "decay_ppm": 1, "cap_ppm": 10**6,
    }  # fmt: skip
    for instrument in (LINEAR, INVERSE):
        venue.do(K.SET_PERPETUAL, instrument=instrument, **rule)


def risk_of(venue, account=ALICE, instrument=LINEAR, leg=0):
    return venue.engine.position_risk(account, instrument, leg)


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("instrument", [LINEAR, INVERSE])
def test_an_isolated_position_falls_at_its_liquidation_price_and_no_tick_before(side, instrument):
    venue = AccountVenue(coins=10**8, fund=10**8)
    calm(venue)
    venue.isolate(ALICE, instrument)
    venue.lever(ALICE, 20, instrument)
    pair = (ALICE, BOB) if side == BUY else (BOB, ALICE)
    venue.trade(*pair, 60, MID, instrument)
    risk = risk_of(venue, instrument=instrument)
    away = 1 if side == BUY else -1
    assert not of_kind(venue.move(risk.liquidation_ticks + away), EventKind.POSITION_FELL)
    assert risk_of(venue, instrument=instrument).liquidation_ticks == risk.liquidation_ticks
    done = venue.move(risk.liquidation_ticks)
    assert of_kind(done, EventKind.POSITION_FELL)
    (taken,) = of_kind(done, EventKind.POSITION_TAKEN)
    assert taken["price_ticks"] == risk.bankruptcy_ticks


@pytest.mark.parametrize("side", [BUY, SELL])
def test_a_cross_account_falls_at_the_liquidation_price_of_its_position(side):
    venue = AccountVenue(dollars=20_000, fund=10**8)
    venue.deposit(BOB, DOLLAR, 10**9)
    calm(venue)
    pair = (ALICE, BOB) if side == BUY else (BOB, ALICE)
    venue.trade(*pair, 60, MID)
    risk = risk_of(venue)
    away = 1 if side == BUY else -1
    assert not of_kind(venue.move(risk.liquidation_ticks + away), EventKind.ACCOUNT_FELL)
    done = venue.move(risk.liquidation_ticks)
    (fell,) = of_kind(done, EventKind.ACCOUNT_FELL)
    assert fell["account"] == ALICE


@pytest.mark.parametrize(("longs", "shorts"), [(60, 50), (50, 60)])
def test_both_legs_move_with_the_mark_that_brings_their_account_down(longs, shorts):
    venue = AccountVenue(dollars=20_000, fund=10**8)
    venue.deposit(BOB, DOLLAR, 10**9)
    calm(venue)
    venue.hedge(ALICE)
    venue.place(BOB, SELL, MID, longs, instrument=LINEAR)
    venue.ioc(ALICE, BUY, MID, longs, instrument=LINEAR)
    venue.place(BOB, BUY, MID, shorts, instrument=LINEAR)
    venue.ioc(ALICE, SELL, MID, shorts, instrument=LINEAR, flags=SHORT_LEG)
    told = {risk_of(venue, leg=leg).liquidation_ticks for leg in (LONG, SHORT)}
    # Ten lots are what a move costs, but 110 need maintenance: 0.3 * 10 * move = 20,000 less that.
    (ticks,) = told
    assert 0 < ticks < MID // 2 if longs > shorts else ticks > MID * 3 // 2
    away = 1 if longs > shorts else -1
    assert not of_kind(venue.move(ticks + away), EventKind.ACCOUNT_FELL)
    (fell,) = of_kind(venue.move(ticks), EventKind.ACCOUNT_FELL)
    assert fell["account"] == ALICE


@pytest.mark.parametrize("side", [BUY, SELL])
def test_profit_in_an_asset_with_a_haircut_is_counted_at_what_it_is_worth(side):
    # Coins are cut by a tenth: what the position loses of them was worth nine tenths only.
    venue = AccountVenue(dollars=0, coins=10**7, fund=10**9)
    venue.deposit(BOB, COIN, 10**10)
    calm(venue)
    pair = (ALICE, BOB) if side == BUY else (BOB, ALICE)
    venue.trade(*pair, 900, MID, INVERSE)
    risk = risk_of(venue, instrument=INVERSE)
    away = 1 if side == BUY else -1
    assert not of_kind(venue.move(risk.liquidation_ticks + away), EventKind.ACCOUNT_FELL)
    (fell,) = of_kind(venue.move(risk.liquidation_ticks), EventKind.ACCOUNT_FELL)
    assert fell["account"] == ALICE


@pytest.mark.parametrize("side", [BUY, SELL])
def test_what_hangs_on_the_same_index_moves_with_the_mark(side):
    # Coins stand behind a linear and an inverse contract: all three move with one index.
    venue = AccountVenue(dollars=0, coins=10**7, fund=10**9)
    venue.deposit(BOB, COIN, 10**10)
    calm(venue)
    pair = (ALICE, BOB) if side == BUY else (BOB, ALICE)
    venue.trade(*pair, 30, MID)
    venue.trade(*pair, 300, MID, INVERSE)
    told = {risk_of(venue, instrument=number).liquidation_ticks for number in (LINEAR, INVERSE)}
    (ticks,) = told
    assert risk_of(venue).profit_minor == 0
    away = 1 if side == BUY else -1
    assert not of_kind(venue.move(ticks + away), EventKind.ACCOUNT_FELL)
    (fell,) = of_kind(venue.move(ticks), EventKind.ACCOUNT_FELL)
    assert fell["account"] == ALICE


def test_a_position_that_no_price_liquidates_says_so():
    venue = AccountVenue(dollars=10**9)
    calm(venue)
    venue.trade(ALICE, BOB, 1, MID)
    assert risk_of(venue).liquidation_ticks == 0
    assert risk_of(venue, CAROL) is None
    assert risk_of(venue, ALICE, INVERSE) is None
    assert venue.engine.position_risk(ALICE, 99) is None
    assert venue.engine.position_risk(9999, LINEAR) is None
    assert venue.engine.position_risk(ALICE, LINEAR, 3) is None


def test_reads_tell_what_a_position_is():
    venue = AccountVenue()
    venue.hedge(ALICE)
    assert venue.engine.is_hedged(ALICE)
    assert not venue.engine.is_hedged(BOB)
    venue.isolate(ALICE)
    venue.place(BOB, BUY, MID, 10, instrument=LINEAR)
    venue.ioc(ALICE, SELL, MID, 10, instrument=LINEAR, flags=SHORT_LEG)
    venue.place(ALICE, BUY, MID - 5, 4, instrument=LINEAR, flags=SHORT_LEG)
    short = venue.engine.position(ALICE, LINEAR, SHORT)
    assert (short.qty_lots, short.cost, short.leg) == (-10, -10 * MID, SHORT)
    assert (short.mode, short.margin_minor) == (MarginMode.ISOLATED, 10 * LOT // 50)
    assert (short.closing_lots, short.leverage) == (4, 50)
    assert venue.engine.position(ALICE, LINEAR, LONG).qty_lots == 0
    legs = [(p.instrument, p.leg) for p in venue.engine.positions(ALICE) if p.leg]
    assert (LINEAR, LONG) in legs
    assert (LINEAR, SHORT) in legs
    assert venue.engine.positions(9999) == []


def test_the_most_leveraged_winner_has_the_fifth_light_and_losers_have_none():
    venue = AccountVenue(dollars=5_000)
    venue.deposit(BOB, DOLLAR, 10**6)
    venue.trade(ALICE, CAROL, 20, MID)
    venue.trade(ALICE, BOB, 10, MID)
    venue.move(MID - 50)
    lights = {account: light for account, _, light in venue.engine.adl_lights(LINEAR)}
    assert lights[CAROL] == 5
    assert 0 < lights[BOB] < 5
    assert lights[ALICE] == 0
    assert lights.get(INSURANCE, 0) == 0
    assert risk_of(venue, CAROL).adl_light == 5
    assert venue.engine.adl_lights(99) == []
    assert venue.engine.adl_lights(0) == []


def test_the_predicted_rate_is_that_of_the_next_funding():
    venue = AccountVenue(dollars=10**8)
    venue.place(CAROL, BUY, MID + 90, 10**4, instrument=LINEAR)
    venue.trade(ALICE, BOB, 100, MID + 100)
    venue.move(MID)
    predicted = venue.engine.predicted_funding_ppb(LINEAR)
    assert predicted > 0
    assert venue.engine.predicted_funding_ppb(0) == 0
    assert venue.engine.predicted_funding_ppb(99) == 0
    moved = [e for e in venue.move(MID).events if e["kind"] == EventKind.MARK_MOVED]
    assert all(e["amount_minor"] for e in moved)


def test_an_accounts_risk_ratio_and_what_is_available_are_read():
    venue = AccountVenue(dollars=20_000)
    assert venue.engine.standing(ALICE).risk_ratio_ppm is None
    assert venue.engine.standing(ALICE).available_minor == 20_000
    calm(venue)
    venue.trade(ALICE, BOB, 60, MID)
    venue.move(MID - 100)
    standing = venue.engine.standing(ALICE)
    worth = 60 * (MID - 100) * 3 // 10
    assert standing.equity_minor == 20_000 - 60 * 100 * 3 // 10
    assert (standing.maintenance_minor, standing.initial_minor) == (worth // 200, worth // 50)
    assert standing.risk_ratio_ppm == standing.equity_minor * 10**6 // (worth // 200)
    assert standing.available_minor == standing.equity_minor - worth // 50
    venue.move(MID - 950)
    standing = venue.engine.standing(ALICE)
    assert standing.maintenance_minor < standing.equity_minor < standing.initial_minor
    assert standing.available_minor == 0


def test_a_perpetual_tells_its_prices_its_funding_and_the_health_of_its_index():
    venue = AccountVenue()
    told = venue.engine.perpetual(LINEAR)
    assert (told.index_ticks, told.mark_ticks, told.multiplier_ppm) == (MID, MID, 10**6)
    assert (told.sources_used, told.sources_minimum, told.is_live) == (3, 2, True)
    assert (told.next_funding_ns, told.funding_count) == (3600 * SECOND, 0)
    assert (told.leverage_max, told.position_max_lots) == (50, 0)
    assert told.predicted_ppb == venue.engine.predicted_funding_ppb(LINEAR)
    venue.move(MID, seconds=3600)
    told = venue.engine.perpetual(LINEAR)
    assert (told.next_funding_ns, told.funding_count) == (7200 * SECOND, 1)
    venue.now += 61 * SECOND
    venue.batch(*prices(venue.now, 2 * MID)[:1], tick(venue.now))
    told = venue.engine.perpetual(LINEAR)
    assert (told.index_ticks, told.sources_used, told.is_live) == (MID, 1, False)
    assert venue.engine.perpetual(0) is None
    assert venue.engine.perpetual(99) is None


def test_a_reduce_only_order_moves_no_liquidation_price():
    venue = AccountVenue()
    calm(venue)
    venue.isolated_long(50)
    before = risk_of(venue)
    venue.place(ALICE, SELL, MID + 9, 50, instrument=LINEAR, flags=CommandFlag.REDUCE_ONLY)
    assert risk_of(venue) == before


def falls_at(state, p, ticks):
    """Whether a position is down, or brings its account down, at a mark: by the reference."""
    contract = contract_of(state, p.instrument)
    if p.isolated:
        equity = p.margin + contract.profit(p.lots, p.cost, ticks)
        return equity <= contract.maintenance(p.lots, ticks)
    there, moved, oracle = copy.deepcopy(state), ticks - contract.mark, contract.rule.oracle
    for instrument in there.instruments:
        other = instrument.contract
        if other is not None and other.rule is not None and other.rule.oracle == oracle:
            other.mark = min(max(other.mark + moved, 1), other.max_ticks) if other.mark else 0
    for terms in there.collateral.values():
        if terms.oracle == oracle and terms.price:
            terms.price = min(max(terms.price + moved, 1), 2**31 - 1)
    equity, maintenance, _ = assess(there, p.account)
    return is_down(equity, maintenance)


@pytest.mark.parametrize("seed", range(10))
def test_reads_agree_with_the_reference_after_random_streams(seed):
    stream = as_commands(AccountStream(seed + 1200).take(300))
    engine, oracle = Engine(), ReferenceEngine()
    engine.execute(stream)
    oracle.execute(stream)
    root = engine.state_root()
    state = oracle.state
    for p in state.positions:
        contract = contract_of(state, p.instrument)
        terms = state.collateral[contract.settle]
        risk = engine.position_risk(p.account, p.instrument, p.leg)
        if not p.lots or not contract.mark or not terms.price:
            assert risk is None
            continue
        assert risk.profit_minor == contract.profit(p.lots, p.cost, contract.mark)
        assert risk.maintenance_minor == contract.maintenance(p.lots, contract.mark)
        check_fall(state, p, risk.liquidation_ticks)
    for number, instrument in enumerate(state.instruments):
        contract = instrument.contract
        if contract is None or contract.rule is None:
            continue
        assert engine.predicted_funding_ppb(number) == predicted_rate(contract)
        check_lights(engine, state, number)
    assert engine.state_root() == root


def check_fall(state, p, ticks):
    """By the reference: down at that mark, and at none from the one now until there."""
    contract = contract_of(state, p.instrument)
    mark, away = contract.mark, 1 if p.lots > 0 else -1
    if ticks == 0:
        assert not falls_at(state, p, mark)
        assert not falls_at(state, p, 1 if p.lots > 0 else contract.max_ticks)
        return
    assert falls_at(state, p, ticks)
    if not falls_at(state, p, mark):
        towards = 1 if mark > ticks else -1
        assert not falls_at(state, p, ticks + towards)
    elif 1 <= ticks + away <= contract.max_ticks:
        assert not falls_at(state, p, ticks + away)


def check_lights(engine, state, number):
    """Fifths of each side's queue, by the reference's ranks."""
    found = {(account, leg): light for account, leg, light in engine.adl_lights(number)}
    for sign in (1, -1):
        side = [
            p for p in state.positions
            if p.instrument == number and p.lots * sign > 0 and p.account != INSURANCE
        ]  # fmt: skip
        ranks = [rank(state, p) for p in side]
        order = sorted(range(len(side)), key=lambda n: -ranks[n])
        for place, n in enumerate(order):
            light = 5 - place * 5 // len(side) if ranks[n] > 0 else 0
            assert found[side[n].account, side[n].leg] == light
