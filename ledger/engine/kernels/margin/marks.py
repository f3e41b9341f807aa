"""Marks at a TICK: premium samples, the mark, the volatility multiplier, and funding when due."""

from ledger.engine.kernels.base.commands import must_wait
from ledger.engine.kernels.base.money import credit
from ledger.engine.kernels.base.report import begin_event
from ledger.engine.kernels.base.sessions import is_trading
from ledger.engine.kernels.base.tick_room import events_of_mark
from ledger.engine.kernels.base.timers import NS
from ledger.engine.kernels.margin.isolation import flags_of
from ledger.engine.kernels.margin.positions import pay_position
from ledger.engine.margin_layout import IMPACT_LEVELS_MAX, INSURANCE
from ledger.engine.state import Results, State
from ledger.margin.contracts import notional_minor
from ledger.margin.funding import (
    add_sample,
    average_premium_ppb,
    inverse_payment_minor,
    linear_payment_minor,
    premium_ppb,
    rate_ppb,
)
from ledger.margin.limits import INVERSE, SAMPLES_MAX
from ledger.margin.mark import mark_ticks, next_premium_ema
from ledger.margin.rounding import muldiv_ceil
from ledger.margin.volatility import VolatilityRule, multiplier_ppm, next_average_ppb
from ledger.records.codes import EventKind
from matching.index import key_of, next_level
from matching.jit import i64, inner
from matching.layout import KEY_NONE, NIL

_MARK_MOVED = int(EventKind.MARK_MOVED)
_FUNDING_PAID = int(EventKind.FUNDING_PAID)


@inner
def impact_ticks(state: State, instrument: int, side: int) -> int:
    """The average price that the impact notional fetches on one side of the book; 0: too thin.

    Linear averages weigh by lots, inverse ones by coin. Rounded down. The bound on positions and
    open orders keeps every sum below 2^60.
    """
    book, contracts = state.book, state.margin.contracts
    num = contracts["num"][instrument]
    inverse = contracts["kind"][instrument] == INVERSE
    wanted = state.margin.perpetuals["impact_minor"][instrument]
    side_index = 2 * instrument + side
    amount = weight = i64(0)
    level = i64(book.sides["best_level"][side_index])
    for _ in range(IMPACT_LEVELS_MAX):
        if level == NIL:
            return 0
        price_ticks = key_of(book, side_index, i64(book.levels["key"][level]))
        lots = book.levels["qty_lots"][level]
        worth = notional_minor(contracts, instrument, lots, price_ticks)
        last = worth >= wanted
        if last:
            lots = muldiv_ceil(lots, wanted, worth)
            worth = wanted
        amount += lots * num if inverse else lots * price_ticks
        weight += worth if inverse else lots
        wanted -= worth
        if last:
            return i64(amount // weight)
        level = next_level(book, level)
    return 0


@inner
def sample_premium(state: State, instrument: int, index: int) -> None:
    """One premium sample of the interval, and a step of the mark's premium average."""
    rows, sides = state.margin.perpetuals, state.book.sides
    bid, ask = impact_ticks(state, instrument, 0), impact_ticks(state, instrument, 1)
    if rows["premium_count"][instrument] < SAMPLES_MAX:
        premium = premium_ppb(bid, ask, index)
        weighted, count = add_sample(
            rows["premium_sum"][instrument], rows["premium_count"][instrument], premium
        )
        rows["premium_sum"][instrument] = weighted
        rows["premium_count"][instrument] = count
    best_bid = i64(sides["best_key"][2 * instrument])
    best_ask = i64(sides["best_key"][2 * instrument + 1])
    if best_bid < KEY_NONE and best_ask < KEY_NONE:
        middle = (key_of(state.book, 2 * instrument, best_bid) + best_ask) // 2
        rows["premium_ema"][instrument] = next_premium_ema(
            rows["premium_ema"][instrument], middle, index, rows["alpha_ppm"][instrument]
        )


@inner
def predicted_rate_ppb(state: State, instrument: int) -> int:
    """The funding rate if the interval ended now."""
    rows = state.margin.perpetuals
    average = average_premium_ppb(
        rows["premium_sum"][instrument], rows["premium_count"][instrument]
    )
    interest, damper = rows["interest_ppb"][instrument], rows["damper_ppb"][instrument]
    return rate_ppb(average, interest, damper, rows["cap_ppb"][instrument])


@inner
def raise_margin(state: State, instrument: int, before: int, after: int) -> None:
    """Let the move of a mark into the average of moves, and set the multiplier."""
    rows = state.margin.perpetuals
    rule = VolatilityRule(
        i64(rows["rise_ppm"][instrument]),
        i64(rows["decay_ppm"][instrument]),
        rows["calm_ppb"][instrument],
        i64(rows["cap_ppm"][instrument]),
    )
    average = next_average_ppb(rows["average_ppb"][instrument], before, after, rule)
    rows["average_ppb"][instrument] = average
    state.margin.contracts["multiplier_ppm"][instrument] = multiplier_ppm(average, rule)


@inner
def move_mark(state: State, results: Results, instrument: int) -> None:
    """Bring one contract to its index; without an index nothing of it moves."""
    margin, rows = state.margin, state.margin.perpetuals
    oracle = i64(rows["oracle"][instrument])
    oracles = margin.oracles
    index = oracles["index_ticks"][oracle]
    if i64(rows["interval_s"][instrument]) == 0 or index == 0:
        return
    if i64(oracles["used"][oracle]) < i64(oracles["minimum"][oracle]):
        return
    if is_trading(state, instrument):
        sample_premium(state, instrument, index)
    rate = predicted_rate_ppb(state, instrument)
    interval_s = i64(rows["interval_s"][instrument])
    now_ns = results.frame["time_ns"][0]
    remaining_s = max(rows["next_funding_ns"][instrument] - now_ns, 0) // NS
    last, ema = state.markets["last_ticks"][instrument], rows["premium_ema"][instrument]
    mark = mark_ticks(index, last, ema, rate, min(remaining_s, interval_s), interval_s)
    mark = min(mark, margin.contracts["max_ticks"][instrument])
    before = margin.contracts["mark_ticks"][instrument]
    raise_margin(state, instrument, before if before > 0 else mark, mark)
    margin.contracts["mark_ticks"][instrument] = mark
    if mark != before:
        events = results.events
        event = begin_event(results, _MARK_MOVED)
        events["instrument"][event] = instrument
        events["asset"][event] = margin.contracts["settle"][instrument]
        events["price_ticks"][event] = mark
        events["quote_minor"][event] = index
        events["amount_minor"][event] = rate
        events["fee_minor"][event] = margin.contracts["multiplier_ppm"][instrument]
    if now_ns >= rows["next_funding_ns"][instrument]:
        pay_funding(state, results, instrument, rate)
        interval_ns = interval_s * NS
        rows["next_funding_ns"][instrument] = (now_ns // interval_ns + 1) * interval_ns
        rows["premium_sum"][instrument] = 0
        rows["premium_count"][instrument] = 0


@inner
def move_marks(state: State, results: Results) -> bool:
    """Bring every contract to its index. Returns whether all is done; each is a part."""
    time_ns = results.frame["time_ns"][0]
    for instrument in range(results.frame["part"][0], state.header["instrument_count"][0]):
        if must_wait(results, instrument, events_of_mark(state, instrument, time_ns)):
            return False
        move_mark(state, results, instrument)
    return True


@inner
def pay_funding(state: State, results: Results, instrument: int, rate: int) -> None:
    """Every position pays or is paid; what roundings leave goes to the insurance fund."""
    margin, rows, events = state.margin, state.margin.positions, results.events
    contracts = margin.contracts
    mark, num = contracts["mark_ticks"][instrument], contracts["num"][instrument]
    settle = i64(contracts["settle"][instrument])
    margin.perpetuals["funding_count"][instrument] += 1
    left = i64(0)
    for row in range(state.header["position_count"][0]):
        qty = rows["qty_lots"][row]
        if i64(rows["instrument"][row]) != instrument or qty == 0:
            continue
        if contracts["kind"][instrument] == INVERSE:
            payment = inverse_payment_minor(qty, mark, rate, num)
        else:
            payment = linear_payment_minor(qty, mark, rate, num, contracts["den"][instrument])
        account = i64(rows["account"][row])
        if rows["isolated"][row]:
            # What its margin does not have, the fund does without.
            payment = max(payment, -i64(rows["margin_minor"][row]))
        pay_position(state, row, payment)
        left -= payment
        event = begin_event(results, _FUNDING_PAID)
        events["flags"][event] = flags_of(state, row)
        events["instrument"][event] = instrument
        events["asset"][event] = settle
        events["account"][event] = account
        events["trade_id"][event] = margin.perpetuals["funding_count"][instrument]
        events["price_ticks"][event] = mark
        events["qty_lots"][event] = qty
        events["quote_minor"][event] = rate
        events["amount_minor"][event] = payment
    credit(state, settle, INSURANCE, left)
