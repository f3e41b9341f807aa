"""The reference engine's liquidation: into the book, to the fund, to the winners, to everybody."""

from fractions import Fraction
from math import ceil, floor

from ledger.engine.layout import CUSTOMER_FIRST
from ledger.engine.margin_layout import INSURANCE, LIQUIDATIONS_MAX, LONG, SHORT, STEPS_MAX
from ledger.engine.reference.contracts import Contract, Position
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.isolated import contract_of, flags_of, pair_flags, rebalance
from ledger.engine.reference.loans import call_margin, is_over, settle_loans
from ledger.engine.reference.margin import assess, exchange
from ledger.engine.reference.orders import cascade, match
from ledger.engine.reference.settle import trim
from ledger.engine.reference.state import Order, Pending, State
from ledger.engine.reference.sweeps import sweep
from ledger.engine.reference.taker import Taker
from ledger.margin.limits import EXPOSURE_MINOR_MAX, SUM_MAX
from ledger.records.codes import EventKind, ExpireReason, SelfTrade, Side
from matching.units import PPM

RATIO_MAX = 2**40


def is_down(equity: int, maintenance: int) -> bool:
    """At or below maintenance; or owing more than it has, with nothing open."""
    return equity < 0 or 0 < maintenance >= equity


def customers(state: State) -> range:
    return range(CUSTOMER_FIRST, len(state.accounts))


def liquidate_fallen(state: State, effects: Effects) -> None:
    """All that a TICK does about accounts below their maintenance margin."""
    down: list[int] = []
    busy = 0
    for account in customers(state):
        if not state.own(account) and not state.seats[account].leverage:
            continue
        equity, maintenance, _ = assess(state, account)
        call_margin(state, effects, account, equity)
        if not is_down(equity, maintenance) and not is_over(state, account, equity):
            state.fallen.discard(account)
        elif busy < LIQUIDATIONS_MAX:
            down.append(account)
            waits = any(p.lots for p in state.own(account)) and not closable(state, account)
            busy += not waits
            if account not in state.fallen:
                effects.emit(
                    EventKind.ACCOUNT_FELL,
                    account=account,
                    quote_minor=equity,
                    amount_minor=maintenance,
                )
            state.fallen.add(account)
    if not down:
        return
    for account in sorted(state.fallen):
        orders: list[Order | Pending] = [*state.owned(account), *state.waiting(account)]
        sweep(state, effects, orders, ExpireReason.LIQUIDATION)
    for account in sorted(state.fallen):
        liquidate(state, effects, account)


def liquidate_isolated(state: State, effects: Effects) -> None:
    """Every isolated position that is down, the first wanted first."""
    left = LIQUIDATIONS_MAX
    for p in list(state.positions):
        if left == 0 or not is_fallen(state, p):
            continue
        left -= 1
        contract = contract_of(state, p.instrument)
        effects.emit(
            EventKind.POSITION_FELL,
            flags=flags_of(p),
            side=Side.SELL if p.lots > 0 else Side.BUY,
            instrument=p.instrument,
            asset=contract.settle,
            account=p.account,
            qty_lots=abs(p.lots),
            quote_minor=p.margin + contract.profit(p.lots, p.cost, contract.mark),
            amount_minor=contract.maintenance(p.lots, contract.mark),
        )
        orders: list[Order | Pending] = [*state.owned(p.account), *state.waiting(p.account)]
        there = [o for o in orders if instrument_of(o) == p.instrument]
        sweep(state, effects, there, ExpireReason.LIQUIDATION)
        for _ in range(STEPS_MAX):
            if is_fallen(state, p):
                price = edge(contract, p.lots, p.cost, p.margin)
                if send(state, effects, p, step_lots(contract, p), price):
                    take_over(state, effects, p, price)


def instrument_of(order: Order | Pending) -> int:
    """What an order is about."""
    return int(order.terms.instrument) if isinstance(order, Pending) else order.instrument


def is_fallen(state: State, p: Position) -> bool:
    """Whether a position is isolated, open, and below its maintenance margin."""
    contract = contract_of(state, p.instrument)
    trading = state.instruments[p.instrument].is_trading(state.halted)
    if not p.isolated or not p.lots or not trading:
        return False
    equity = p.margin + contract.profit(p.lots, p.cost, contract.mark)
    return is_down(equity, contract.maintenance(p.lots, contract.mark))


def step_lots(contract: Contract, p: Position) -> int:
    """How much one step closes: down to the bracket below."""
    notional = contract.notional(p.lots, contract.mark)
    low = contract.brackets[contract.bracket(notional)][0]
    return abs(p.lots) - abs(p.lots) * low // notional


def closable(state: State, account: int) -> list[Position]:
    """Open positions in what trades: the others wait."""
    return [
        p
        for p in state.own(account)
        if p.cross and state.instruments[p.instrument].is_trading(state.halted)
    ]


def required_value(state: State, p: Position) -> int:
    """A position's maintenance margin, in valuation units."""
    contract = contract_of(state, p.instrument)
    terms = state.collateral[contract.settle]
    return terms.demand(contract.maintenance(p.lots, contract.mark))


def judge(state: State, account: int) -> tuple[int, bool]:
    """(equity, whether an account is to be closed)."""
    equity, maintenance, _ = assess(state, account)
    return equity, is_down(equity, maintenance) or is_over(state, account, equity)


def net_legs(state: State, effects: Effects, account: int) -> bool:
    """Two cross legs close each other at the mark, in each perpetual; whether any did."""
    netted = False
    for p in state.own(account):
        other = state.position(account, p.instrument, SHORT)
        if p.leg == LONG and p.cross and other is not None and other.cross:
            mark = contract_of(state, p.instrument).mark
            pass_lots(state, effects, EventKind.LEGS_NETTED, (p, other), mark)
            netted = True
    return netted


def liquidate(state: State, effects: Effects, account: int) -> None:
    """Close an account's positions, the most demanding first, until it stands again."""
    for _ in range(STEPS_MAX):
        equity, down = judge(state, account)
        if down and net_legs(state, effects, account):
            equity, down = judge(state, account)
        positions = closable(state, account)
        if down and not positions and any(p.cross for p in state.own(account)):
            return
        if not down or not positions:
            if down:
                settle_debts(state, effects, account)
                settle_loans(state, effects, account)
            state.fallen.discard(account)
            return
        p = max(positions, key=lambda position: required_value(state, position))
        price = bound(state, p, equity)
        if send(state, effects, p, step_lots(contract_of(state, p.instrument), p), price):
            take_over(state, effects, p, price)


def bound(state: State, p: Position, equity: int) -> int:
    """The price at which closing the position uses up its share of the account's equity."""
    contract = contract_of(state, p.instrument)
    total = sum(required_value(state, own) for own in state.own(p.account) if own.cross)
    part, total = required_value(state, p), min(max(total, 1), SUM_MAX)
    share = state.collateral[contract.settle].units(equity) * part // total
    return beyond_mark(contract, p, min(max(share, -EXPOSURE_MINOR_MAX), EXPOSURE_MINOR_MAX))


def beyond_mark(contract: Contract, p: Position, share: int) -> int:
    """The price at which closing costs just so much against the mark."""
    at_mark = p.lots * contract.mark
    if contract.inverse:
        at_mark = floor(contract.worth(p.lots, contract.mark))
    return edge(contract, p.lots, at_mark, share)


def edge(contract: Contract, lots: int, cost: int, share: int) -> int:
    """The last price at which profit and share leave nothing owed, by halving."""
    low, high = 1, contract.max_ticks
    while low < high:
        # A long wants the lowest price that is enough, a short the highest.
        middle = (low + high) // 2 if lots > 0 else (low + high + 1) // 2
        enough = contract.profit(lots, cost, middle) + share >= 0
        if lots > 0:
            low, high = (low, middle) if enough else (middle + 1, high)
        else:
            low, high = (middle, high) if enough else (low, middle - 1)
    return low


def send(state: State, effects: Effects, p: Position, lots: int, price: int) -> int:
    """Close lots of a position in the book; what is left of them."""
    taker = Taker(
        order_id=0,
        account=p.account,
        instrument=state.instruments[p.instrument],
        instrument_id=p.instrument,
        side=Side.SELL if p.lots > 0 else Side.BUY,
        limit=price,
        self_trade=SelfTrade.EXPIRE_MAKER,
        remaining=lots,
        budget=None,
        carry=0,
        by_quote=False,
        leg=p.leg,
    )
    match(state, effects, taker)
    cascade(state, effects, taker.instrument, taker.prices)
    return taker.remaining


def pass_lots(
    state: State, effects: Effects, kind: EventKind, pair: tuple[Position, Position], price: int
) -> None:
    """Close as much of the first position as the second can take (the fund takes it whole)."""
    p, other = pair
    lots = -p.lots
    if kind != EventKind.POSITION_TAKEN and abs(other.lots) < abs(lots):
        lots = other.lots
    was, its_was = (p.lots, p.margin), (other.lots, other.margin)
    paid, counter_paid = exchange(state, p, other, lots, price)
    effects.emit(
        kind,
        side=Side.BUY if lots > 0 else Side.SELL,
        flags=pair_flags(p, other),
        instrument=p.instrument,
        asset=contract_of(state, p.instrument).settle,
        account=p.account,
        counter_account=other.account,
        price_ticks=price,
        qty_lots=abs(lots),
        quote_minor=paid,
        amount_minor=counter_paid,
    )
    rebalance(state, effects, p, was, lots, 0, liquidates=True)
    rebalance(state, effects, other, its_was, -lots, 0)
    trim(state, effects, p)
    trim(state, effects, other)


def fund_equity(state: State, asset: int) -> int:
    """What the fund has of an asset, with the profit of what it took over."""
    total = state.free(asset, INSURANCE)
    for p in state.own(INSURANCE):
        contract = contract_of(state, p.instrument)
        if contract.settle == asset and p.lots:
            total += contract.profit(p.lots, p.cost, contract.mark)
    return total


def take_over(state: State, effects: Effects, p: Position, price: int) -> None:
    """The fund takes a position, after the winners when it is short."""
    contract = contract_of(state, p.instrument)
    gain = contract.profit(p.lots, contract.cost(p.lots, price), contract.mark)
    if fund_equity(state, contract.settle) + gain < 0:
        deleverage(state, effects, p, price)
    if p.lots:
        fund = state.open(INSURANCE, p.instrument)
        pass_lots(state, effects, EventKind.POSITION_TAKEN, (p, fund), price)


def deleverage(state: State, effects: Effects, p: Position, price: int) -> None:
    """Winners close against a position, the highest rank first."""
    contract = contract_of(state, p.instrument)
    others = [
        other
        for other in state.positions
        if other.instrument == p.instrument
        and other.lots * p.lots < 0
        and other.account not in {p.account, INSURANCE}
        and contract.profit(other.lots, other.cost, price) >= 0
    ]
    ranks = {id(other): rank(state, other) for other in others}
    for other in sorted(others, key=lambda winner: -ranks[id(winner)]):
        if p.lots:
            pass_lots(state, effects, EventKind.DELEVERAGED, (p, other), price)


def rank(state: State, p: Position) -> int:
    """Profit ratio by effective leverage."""
    contract = contract_of(state, p.instrument)
    profit = contract.profit(p.lots, p.cost, contract.mark)
    entry = max(ceil(abs(contract.paid(p.cost))), 1)
    equity = p.margin + profit
    if not p.isolated:
        equity = state.collateral[contract.settle].units(assess(state, p.account)[0])
    notional = contract.notional(p.lots, contract.mark)
    leverage = min(ceil(Fraction(notional * PPM, max(equity, 1))), RATIO_MAX)
    if profit >= 0:
        return min(profit * PPM // entry, RATIO_MAX) * leverage // PPM
    lost = min(ceil(Fraction(-profit * PPM, entry)), RATIO_MAX)
    return -ceil(Fraction(lost * PPM, leverage))


def pay(
    state: State, effects: Effects, kind: EventKind, account: int, asset: int, amount: int
) -> None:
    """The fund pays an account; a negative amount is paid by it."""
    state.move(asset, INSURANCE, account, amount)
    effects.emit(
        kind,
        asset=asset,
        account=account,
        counter_account=INSURANCE,
        amount_minor=abs(amount),
    )


def settle_debts(state: State, effects: Effects, account: int) -> None:
    """Collateral pays the debts of an account without positions, the fund pays the rest."""
    priced = [asset for asset, terms in sorted(state.collateral.items()) if terms.price]
    for owed in priced:
        if state.free(owed, account) >= 0:
            continue
        for given in priced:
            swap(state, effects, account, owed, given)
        rest = -state.free(owed, account)
        if rest > 0:
            pay(state, effects, EventKind.DEBT_COVERED, account, owed, rest)


def swap(state: State, effects: Effects, account: int, owed: int, given: int) -> None:
    """Pay a debt with collateral, at its haircut."""
    terms, left_ppm = state.collateral[given], PPM - state.collateral[given].haircut_ppm
    has, debt = state.free(given, account), -state.free(owed, account)
    if left_ppm == 0 or has <= 0 or debt <= 0:
        return
    gross = ceil(Fraction(state.collateral[owed].demand(debt) * PPM, left_ppm))
    taken = ceil(Fraction(gross * terms.den, terms.price * terms.num))
    paid = debt
    if taken > has:
        taken, paid = has, min(debt, state.collateral[owed].units(terms.value(has)))
    pay(state, effects, EventKind.COLLATERAL_TAKEN, account, given, -taken)
    if paid:
        pay(state, effects, EventKind.DEBT_COVERED, account, owed, paid)


def unwind_fund(state: State, effects: Effects) -> None:
    """The fund offers what it took over, at the mark or better."""
    for p in state.own(INSURANCE):
        if p.lots and state.instruments[p.instrument].is_trading(state.halted):
            send(state, effects, p, abs(p.lots), contract_of(state, p.instrument).mark)


def size_at_mark(state: State, p: Position) -> int:
    """A position's notional at the mark."""
    contract = contract_of(state, p.instrument)
    return contract.notional(p.lots, contract.mark)


def deleverage_fund(state: State, effects: Effects) -> None:
    """A fund that is short passes its positions on, each for its part of what is missing."""
    left = [p for p in state.own(INSURANCE) if p.lots]
    while left:
        p = left[0]
        contract = contract_of(state, p.instrument)
        short = -fund_equity(state, contract.settle)
        if short > 0:
            worth = [
                size_at_mark(state, other)
                for other in left
                if contract_of(state, other.instrument).settle == contract.settle
            ]
            part = ceil(Fraction(short * worth[0], max(sum(worth), 1)))
            price = beyond_mark(contract, p, -min(part, EXPOSURE_MINOR_MAX))
            deleverage(state, effects, p, price)
        left = left[1:]


def share_loss(state: State, effects: Effects, asset: int) -> None:
    """What the fund lacks is paid by those who trade in the asset, by what they have of it."""
    short = -fund_equity(state, asset)
    if short <= 0:
        return
    payers = {}
    for account in customers(state):
        settles = {contract_of(state, p.instrument).settle for p in state.own(account) if p.lots}
        if asset in settles and state.free(asset, account) > 0:
            payers[account] = state.free(asset, account)
    left, total = short, sum(payers.values())
    for account, has in payers.items():
        part = min(-(-short * has // total), has, left)
        if left > 0:
            pay(state, effects, EventKind.LOSS_SHARED, account, asset, -part)
            make_good(state, effects, account, asset, part)
            left -= part


def make_good(state: State, effects: Effects, account: int, asset: int, part: int) -> None:
    """Pay for what an account gave with what the fund has of other assets, at their index."""
    terms = state.collateral[asset]
    worth = min(floor(terms.exact(part)), 2**63 - 1)
    for given, its in sorted(state.collateral.items()):
        has = min(state.free(given, INSURANCE), fund_equity(state, given))
        if given != asset and its.price and has > 0 and worth > 0:
            paid = min(its.units(worth), has)
            if paid:
                pay(state, effects, EventKind.DEBT_COVERED, account, given, paid)
                worth -= ceil(its.exact(paid))
