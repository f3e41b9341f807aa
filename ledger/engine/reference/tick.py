"""The reference engine's TICK: indices, marks, funding; then liquidation."""

from statistics import median
from types import SimpleNamespace

from ledger.engine.layout import INDEX, MARK
from ledger.engine.margin_layout import IMPACT_LEVELS_MAX, INSURANCE, NO_ORACLE
from ledger.engine.reference.contracts import Contract, Oracle
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.isolated import flags_of, pay_position
from ledger.engine.reference.liquidation import (
    deleverage_fund,
    liquidate_fallen,
    liquidate_isolated,
    share_loss,
    unwind_fund,
)
from ledger.engine.reference.loans import charge_overdrafts, serve_loans
from ledger.engine.reference.orders import fire_prices
from ledger.engine.reference.sessions import end_calls, watch_swings
from ledger.engine.reference.state import Instrument, State, require
from ledger.engine.reference.sweeps import expire_due
from ledger.engine.reference.trailing import trail
from ledger.margin.limits import PPB, RATE_PPB_MAX, SAMPLES_MAX
from ledger.records.codes import EventKind, Reject, Side
from matching.units import PPM

NS = 10**9
EMA_ONE = 1 << 16


def cut(numerator: int, denominator: int) -> int:
    """A quotient, cut towards zero."""
    size = abs(numerator) // denominator
    return size if numerator >= 0 else -size


def tick(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """TICK.

    Raises:
        Rejected: MALFORMED.
    """
    require(c.clean and c.flags == c.account == 0, Reject.MALFORMED)
    expire_due(state, effects)
    watch_swings(state, effects)
    for instrument in state.instruments:
        instrument.session.prices = []
    end_calls(state, effects)
    for oracle in state.oracles:
        make_index(oracle, effects.time_ns)
    for terms in state.collateral.values():
        if terms.oracle != NO_ORACLE:
            terms.price = state.oracles[terms.oracle].index
    for number, instrument in enumerate(state.instruments):
        if instrument.contract is not None and instrument.contract.rule is not None:
            oracle = state.oracles[instrument.contract.rule.oracle]
            if oracle.index and oracle.used >= oracle.minimum:
                move_mark(state, effects, number, oracle.index)
    trail_prices(state)
    fire_prices(state, effects)
    serve_loans(state, effects)
    charge_overdrafts(state, effects)
    liquidate_fallen(state, effects)
    liquidate_isolated(state, effects)
    unwind_fund(state, effects)
    deleverage_fund(state, effects)
    for asset in sorted(state.collateral):
        share_loss(state, effects, asset)


def trail_prices(state: State) -> None:
    """What trails marks and indices follows them."""
    for instrument in state.instruments:
        for source in (MARK, INDEX):
            now = instrument.price_now(source, state.oracles)
            trail(state, instrument, source, [now] if now else [])


def make_index(oracle: Oracle, now_ns: int) -> None:
    """The median of the fresh sources that are no outliers; else it stands still."""
    fresh = [
        price
        for source, (price, time_ns) in oracle.said.items()
        if source < oracle.sources and 0 <= now_ns - time_ns <= oracle.stale_ns
    ]
    oracle.used = len(fresh)
    if len(fresh) < oracle.minimum:
        return
    middle = int(median(2 * price for price in fresh)) // 2
    near = [p for p in fresh if abs(p - middle) * PPM <= middle * oracle.outlier_ppm]
    oracle.used = len(near)
    if len(near) >= oracle.minimum:
        oracle.index = int(median(2 * price for price in near)) // 2


def impact(instrument: Instrument, contract: Contract, side: Side, wanted: int) -> int:
    """The average price that the impact notional fetches; 0 when the book is too thin."""
    amount = weight = 0
    for price in instrument.best_first(side)[:IMPACT_LEVELS_MAX]:
        lots = sum(order.shown for order in instrument.levels[side][price])
        worth = contract.notional(lots, price)
        last = worth >= wanted
        if last:
            lots, worth = -(-lots * wanted // worth), wanted
        amount += lots * contract.num if contract.inverse else lots * price
        weight += worth if contract.inverse else lots
        wanted -= worth
        if last:
            return amount // weight
    return 0


def sample(instrument: Instrument, contract: Contract, index: int) -> None:
    """One premium sample, and a step of the mark's premium average."""
    rule = contract.rule
    assert rule is not None, "a contract that ticks"
    bid = impact(instrument, contract, Side.BUY, rule.impact)
    ask = impact(instrument, contract, Side.SELL, rule.impact)
    if len(contract.premiums) < SAMPLES_MAX:
        above = max(0, bid - index) if bid else 0
        below = max(0, index - ask) if ask else 0
        size = cut((above - below) * PPB, index)
        contract.premiums.append(min(max(size, -RATE_PPB_MAX), RATE_PPB_MAX))
    bids, asks = instrument.best_first(Side.BUY), instrument.best_first(Side.SELL)
    if bids and asks:
        gap = ((bids[0] + asks[0]) // 2 - index) * EMA_ONE - contract.ema
        contract.ema += cut(gap * rule.alpha_ppm, PPM)


def predicted_rate(contract: Contract) -> int:
    """The funding rate if the interval ended now: later samples weigh more."""
    rule, premiums = contract.rule, contract.premiums
    assert rule is not None, "a contract that ticks"
    average = 0
    if premiums:
        weighted = sum(n * premium for n, premium in enumerate(premiums, start=1))
        average = cut(weighted, len(premiums) * (len(premiums) + 1) // 2)
    damped = min(max(rule.interest_ppb - average, -rule.damper_ppb), rule.damper_ppb)
    return min(max(average + damped, -rule.cap_ppb), rule.cap_ppb)


def raise_margin(contract: Contract, before: int, after: int) -> None:
    """The volatility multiplier: up at once, down slowly."""
    rule = contract.rule
    assert rule is not None, "a contract that ticks"
    move = min(-(-abs(after - before) * PPB // before), RATE_PPB_MAX)
    gap = move - contract.average_ppb
    if gap > 0:
        contract.average_ppb += -(-gap * rule.rise_ppm // PPM)
    else:
        contract.average_ppb -= -gap * rule.decay_ppm // PPM
    raised = -(-contract.average_ppb * PPM // rule.calm_ppb)
    contract.multiplier_ppm = min(max(raised, PPM), rule.cap_ppm)


def move_mark(state: State, effects: Effects, number: int, index: int) -> None:
    """Bring one contract to its index."""
    instrument = state.instruments[number]
    contract = instrument.contract
    assert contract is not None, "a perpetual"
    assert contract.rule is not None, "a contract that ticks"
    if instrument.is_trading(state.halted):
        sample(instrument, contract, index)
    rate, interval = predicted_rate(contract), contract.rule.interval_s
    remaining = min(max(contract.next_funding_ns - effects.time_ns, 0) // NS, interval)
    basis = index + index * rate * remaining // (interval * PPB)
    premium = index + contract.ema // EMA_ONE
    mark = max(sorted((basis, premium, instrument.last or index))[1], 1)
    mark = min(mark, contract.max_ticks)
    before = contract.mark
    raise_margin(contract, before or mark, mark)
    contract.mark = mark
    if mark != before:
        effects.emit(
            EventKind.MARK_MOVED,
            instrument=number,
            asset=contract.settle,
            price_ticks=mark,
            quote_minor=index,
            amount_minor=rate,
            fee_minor=contract.multiplier_ppm,
        )
    if effects.time_ns >= contract.next_funding_ns:
        pay_funding(state, effects, number, rate)
        contract.next_funding_ns = (effects.time_ns // (interval * NS) + 1) * interval * NS
        contract.premiums = []


def pay_funding(state: State, effects: Effects, number: int, rate: int) -> None:
    """Every position pays or is paid."""
    contract = state.instruments[number].contract
    assert contract is not None, "a perpetual"
    contract.fundings += 1
    for position in state.positions:
        if position.instrument != number or position.lots == 0:
            continue
        if contract.inverse:
            owed = -(-position.lots * contract.num * rate // (contract.mark * PPB))
        else:
            size = position.lots * contract.mark * contract.num
            owed = -(-size * rate // (contract.den * PPB))
        if position.isolated:
            owed = min(owed, position.margin)
        pay_position(state, position, INSURANCE, -owed)
        effects.emit(
            EventKind.FUNDING_PAID,
            flags=flags_of(position),
            instrument=number,
            asset=contract.settle,
            account=position.account,
            trade_id=contract.fundings,
            price_ticks=contract.mark,
            qty_lots=position.lots,
            quote_minor=rate,
            amount_minor=-owed,
        )
