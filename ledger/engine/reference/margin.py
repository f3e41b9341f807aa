"""The reference engine's unified account: equity, requirements, what is free, who may have what."""

from fractions import Fraction
from math import ceil, floor

from ledger.engine.limits import LOOKAHEAD_MAX
from ledger.engine.margin_layout import CLEARING, INSURANCE
from ledger.engine.reference.contracts import Contract, Position
from ledger.engine.reference.isolated import contract_of, pay_position
from ledger.engine.reference.state import Order, State, require
from ledger.engine.reference.taker import Taker, by_turns, opposite
from ledger.margin.limits import EXPOSURE_MINOR_MAX, SUM_MAX
from ledger.records.codes import Reject, SelfTrade, Side
from matching.units import PPM


def requirement(contract: Contract, p: Position) -> int:
    """Initial margin of a position with its open orders."""
    if p.lots == p.buy_lots == p.sell_lots == 0:
        return 0
    opening_buys = p.buy_lots - (p.closing if p.lots < 0 else 0)
    opening_sells = p.sell_lots - (p.closing if p.lots > 0 else 0)
    largest = max(abs(p.lots + opening_buys), abs(p.lots - opening_sells))
    if largest == 0 and p.buy_lots == 0:
        return 0
    required = contract.initial(largest, contract.mark, p.leverage)
    for lots, cost in ((p.buy_lots, p.buy_cost), (-p.sell_lots, p.sell_cost)):
        if lots:
            required += max(0, -contract.profit(lots, cost, contract.mark))
    return required


def debt_of(state: State, account: int, asset: int) -> int:
    """What an account owes of an asset to the lending pool."""
    borrower = state.borrowers.get(account)
    loans = borrower.owing if borrower else []
    return sum(loan.owed for loan in loans if loan.asset == asset)


def debts_worth(state: State, account: int) -> int:
    """All that an account owes to the lending pool, in valuation units."""
    borrower = state.borrowers.get(account)
    loans = borrower.owing if borrower else []
    return min(sum(state.collateral[loan.asset].demand(loan.owed) for loan in loans), SUM_MAX)


def pledged(state: State, account: int) -> int:
    """What the execution of an account's orders may cost it."""
    return sum(order.pledge for order in state.owned(account) if not order.lent)


def amount_of(state: State, account: int, asset: int) -> int:
    """What an account's equity counts of an asset."""
    amount = state.free(asset, account)
    if state.seats[account].leverage:
        amount += state.held.get((asset, account), 0) - debt_of(state, account, asset)
    for p in state.own(account):
        contract = contract_of(state, p.instrument)
        if contract.settle == asset and p.cross:
            amount += contract.profit(p.lots, p.cost, contract.mark)
    return amount


def assess(state: State, account: int) -> tuple[int, int, int]:
    """(equity, maintenance, initial) in valuation units."""
    collateral = debts = maintenance = initial = 0
    for asset, terms in sorted(state.collateral.items()):
        if terms.price == 0:
            continue
        amount, required, opening = amount_of(state, account, asset), 0, 0
        for p in state.own(account):
            contract = contract_of(state, p.instrument)
            if contract.settle == asset and not p.isolated:
                opening += requirement(contract, p)
                if p.lots:
                    required += contract.maintenance(p.lots, contract.mark)
        value = terms.value(amount)
        collateral += max(value, 0)
        debts += max(-value, 0)
        owed = -(min(amount, 0) * terms.debt_ppm // PPM)
        maintenance += terms.demand(required + owed)
        leverage = state.seats[account].leverage
        if leverage:
            rate = max(ceil(Fraction(PPM, max(leverage - 1, 1))), terms.debt_ppm)
            owed = max(owed, ceil(Fraction(debt_of(state, account, asset) * rate, PPM)))
        initial += terms.demand(opening + owed)
    initial += pledged(state, account)
    return collateral - min(debts, SUM_MAX), min(maintenance, SUM_MAX), min(initial, SUM_MAX)


def loans_want(state: State, account: int) -> int:
    """The equity with which an account's loans could just be taken."""
    debts = debts_worth(state, account)
    if not debts:
        return pledged(state, account)
    opens_ppm = min(state.lending[loan.asset].opens_ppm for loan in state.borrowers[account].owing)
    return pledged(state, account) + ceil(Fraction(debts * PPM, opens_ppm)) - debts


def free(state: State, asset: int, account: int) -> int:
    """What an account may spend, hold or withdraw."""
    has = state.free(asset, account)
    if not state.own(account) and not state.seats[account].leverage:
        return has
    has = max(has - debt_of(state, account, asset), 0)
    terms = state.collateral.get(asset)
    if terms is None or terms.price == 0:
        return has
    equity, _, initial = assess(state, account)
    slack = min(equity - initial, equity - loans_want(state, account)) - 2
    if slack <= 0:
        return 0
    units = max(terms.units(slack) - 1, 0)
    return min(has, units * PPM // (PPM + terms.debt_ppm))


def affords(state: State, account: int, settle: int, extra: int) -> bool:
    """Whether equity covers the initial margin and so much more."""
    equity, _, initial = assess(state, account)
    return initial + state.collateral[settle].demand(extra) <= equity


def is_firm(state: State, maker: Order) -> bool:
    """Whether a resting order is sure to be there when its turn comes."""
    p = state.open(maker.account, maker.instrument, maker.leg)
    if p.isolated:
        return not p.closable(maker.side)
    if not maker.closes:
        return True
    return (p.buy_lots if maker.side == Side.BUY else p.sell_lots) <= p.closable(maker.side)


def look_worst(state: State, taker: Taker) -> tuple[int, int]:
    """(lots, worst price) of what the order would trade now; fill-or-kill counts what is firm."""
    lots = worst = seen = 0
    side = opposite(taker.side)
    for maker, there, is_first in by_turns(taker.instrument, side):
        if not taker.accepts(maker.price) or lots == taker.remaining:
            break
        if is_first and seen == LOOKAHEAD_MAX:
            break
        seen += is_first
        if maker.account == taker.account:
            if taker.self_trade != SelfTrade.EXPIRE_MAKER:
                break
            continue
        if not taker.fok or is_firm(state, maker):
            lots += min(there, taker.remaining - lots)
        worst = maker.price
    return lots, worst


def check_contract(state: State, taker: Taker) -> None:
    """What takes the place of "can it pay" on a perpetual.

    Raises:
        Rejected: NO_MARK, TABLE_FULL, EXPOSURE_EXCEEDED or INSUFFICIENT_MARGIN.
    """
    if taker.instrument.contract is None:
        return
    contract = contract_of(state, taker.instrument_id)
    settle = state.collateral.get(contract.settle)
    marked = contract.mark > 0 and contract.brackets and settle is not None and settle.price > 0
    require(bool(marked), Reject.NO_MARK)
    place = taker.account, taker.instrument_id
    require(state.may_open(*place, (taker.leg,)), Reject.TABLE_FULL)
    if taker.closes:
        check_closing(state, taker)
    if taker.limit is None:
        lots, worst = look_worst(state, taker)
        taker.remaining = lots
        if lots == 0:
            return
        taker.limit = worst
    p = state.position(*place, taker.leg) or Position(*place)
    others = sum(
        contract_of(state, other.instrument).extreme(other.extreme_lots)
        for other in state.positions
        if other is not p and contract_of(state, other.instrument).settle == contract.settle
    )
    fits = others + contract.extreme(p.extreme_lots + taker.remaining) <= EXPOSURE_MINOR_MAX
    require(fits or taker.closes, Reject.EXPOSURE_EXCEEDED)
    most = contract.rule.position_max_lots if contract.rule else 0
    require(not most or taker.closes or reach(p, taker) <= most, Reject.EXPOSURE_EXCEEDED)
    if p.isolated:
        check_isolated(state, contract, p, taker)
        return
    before = requirement(contract, p)
    open_as = taker.side, taker.limit
    reserve(contract, p, *open_as, 0, taker.remaining, closes=taker.closes)
    extra = requirement(contract, p) - before
    reserve(contract, p, *open_as, taker.remaining, 0, closes=taker.closes)
    if extra > 0:
        extra += ceil(contract.notional(taker.remaining, taker.limit) * taker.fee)
        enough = affords(state, taker.account, contract.settle, extra)
        require(enough, Reject.INSUFFICIENT_MARGIN)


def reach(p: Position, taker: Taker) -> int:
    """How large a position on the taker's side could become: what only closes it opens nothing."""
    buys = taker.side == Side.BUY
    held, resting = (p.lots, p.buy_lots) if buys else (-p.lots, p.sell_lots)
    return held + resting - (p.closing if held < 0 else 0) + taker.remaining


def check_isolated(state: State, contract: Contract, p: Position, taker: Taker) -> None:
    """Whether the position may have the order, and what money that takes.

    Raises:
        Rejected: INSUFFICIENT_MARGIN.
    """
    assert taker.limit is not None, "market orders have got one"
    signed = taker.remaining if taker.side == Side.BUY else -taker.remaining
    cost = contract.cost(signed, taker.limit)
    loss = max(0, -contract.profit(signed, cost, contract.mark))
    if taker.closes:
        equity = p.margin + contract.profit(p.lots, p.cost, contract.mark)
        require(loss == 0 or loss <= equity, Reject.INSUFFICIENT_MARGIN)
        return
    already = p.extreme_lots
    wanted = contract.initial(already + taker.remaining, contract.mark, p.leverage)
    if already:
        wanted -= contract.initial(already, contract.mark, p.leverage)
    fee = ceil(contract.notional(taker.remaining, taker.limit) * taker.fee)
    taker.hold = wanted + loss + fee
    enough = taker.hold <= free(state, contract.settle, taker.account)
    require(enough, Reject.INSUFFICIENT_MARGIN)


def check_closing(state: State, taker: Taker) -> None:
    """A reduce-only order needs a position; what may not rest is cut to it.

    Raises:
        Rejected: REDUCE_ONLY_REJECTED.
    """
    p = state.position(taker.account, taker.instrument_id, taker.leg)
    lots = p.closable(taker.side) if p else 0
    if p and taker.may_rest:
        lots -= p.closing
    whole = taker.may_rest or taker.fok
    require(lots > 0 and (taker.remaining <= lots or not whole), Reject.REDUCE_ONLY_REJECTED)
    taker.remaining = min(taker.remaining, lots)


def reserve(  # noqa: PLR0913 - the reference keeps no taker and no order here
    contract: Contract,
    p: Position,
    side: Side,
    price: int,
    before: int,
    after: int,
    *,
    closes: bool = False,
) -> None:
    """An open order changes its open lots."""
    if closes:
        p.closing += after - before
    if side == Side.BUY:
        p.buy_lots += after - before
        p.buy_cost += contract.cost(after, price) - contract.cost(before, price)
    else:
        p.sell_lots += after - before
        p.sell_cost += contract.cost(-after, price) - contract.cost(-before, price)


def book_fill(contract: Contract, p: Position, lots: int, price: int) -> int:
    """Book signed lots; what they realize, in the unit of costs."""
    if p.lots * lots >= 0:
        p.cost += contract.cost(lots, price)
        p.lots += lots
        return 0
    closing = min(abs(lots), abs(p.lots))
    leaving = closing if p.lots > 0 else -closing
    released = -(-p.cost * closing // abs(p.lots))
    value = floor(contract.worth(leaving, price)) if contract.inverse else leaving * price
    p.cost += contract.cost(lots + leaving, price) - released
    p.lots += lots
    return value - released


def exchange(state: State, p: Position, other: Position, lots: int, price: int) -> tuple[int, int]:
    """Signed lots pass from one position to another; what each got."""
    contract = contract_of(state, p.instrument)
    before = p.cost + other.cost
    realized = [book_fill(contract, p, lots, price), book_fill(contract, other, -lots, price)]
    if contract.inverse:
        fund = p.cost + other.cost - before - sum(realized)
    else:
        exact = [Fraction(amount * contract.num, contract.den) for amount in realized]
        realized = [floor(amount) for amount in exact]
        left = sum(exact) - sum(realized) + Fraction(contract.carry, contract.den)
        fund = floor(left)
        contract.carry = int((left - fund) * contract.den)
    state.move(contract.settle, CLEARING, INSURANCE, fund)
    pay_position(state, p, CLEARING, realized[0])
    pay_position(state, other, CLEARING, realized[1])
    return realized[0], realized[1]
