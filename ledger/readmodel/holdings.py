"""What everybody has: the postings of docs/spec/engine.md, made again from commands and events.

Nothing is asked of the engine. What an event says is believed only where it cannot be computed
(fees, funding); a trade whose realized profits are not those that follow stops the fold.
"""

from ledger.engine.layout import CUSTODY, DUST, FEES, ROUNDING
from ledger.engine.margin_layout import CLEARING, INSURANCE
from ledger.margin import inverse, linear
from ledger.readmodel.layout import NONE, Book, Holdings, Records, Tape
from ledger.readmodel.orders import pair_of
from ledger.records.codes import Product, Side, TradeFlag
from matching.intmath import multiply_divide
from matching.jit import i64, inner, step

_BUY = int(Side.BUY)
_AUCTION = int(TradeFlag.AUCTION)
_SPOT = int(Product.SPOT)
_INVERSE = int(Product.INVERSE)


@step
def credit(holdings: Holdings, asset: int, account: int, amount_minor: int) -> None:
    """Change what an account may use."""
    holdings.balances["available_minor"][asset, account] += amount_minor


@step
def move(holdings: Holdings, asset: int, payer: int, payee: int, amount_minor: int) -> None:
    """From one account's available to another's."""
    credit(holdings, asset, payer, -amount_minor)
    credit(holdings, asset, payee, amount_minor)


@step
def hold(holdings: Holdings, asset: int, account: int, amount_minor: int) -> None:
    """Available to held; a negative amount gives it back."""
    credit(holdings, asset, account, -amount_minor)
    holdings.balances["held_minor"][asset, account] += amount_minor


@inner
def list_instrument(records: Records, tape: Tape, i: int) -> None:
    """Remember the terms of the instrument that command i listed."""
    rows, c = tape.instruments, records.listings
    number, product = i64(c["instrument"][i]), c["product"][i]
    rows["product"][number] = product
    rows["base"][number] = c["base"][i]
    rows["quote"][number] = c["quote"][i]
    rows["settle"][number] = c["base"][i] if product == _INVERSE else c["quote"][i]
    rows["lot_minor"][number] = c["lot_minor"][i]
    rows["num"][number] = c["notional_num"][i]
    rows["den"][number] = c["notional_den"][i]


@inner
def list_asset(records: Records, holdings: Holdings, i: int) -> None:
    """Remember how much dust makes a unit of the asset that command i listed."""
    c = records.assets
    unit_wei = 1
    for _ in range(i64(c["token_decimals"][i]) - i64(c["ledger_decimals"][i])):
        unit_wei *= 10
    holdings.assets["unit_wei"][i64(c["asset"][i])] = unit_wei


@inner
def credit_deposit(records: Records, holdings: Holdings, i: int) -> None:
    """Custody owes the deposit of command i, and whole units that its dust completed."""
    c, assets = records.deposits, holdings.assets
    asset = i64(c["asset"][i])
    dust_wei, unit_wei = assets["dust_wei"][asset] + c["dust_wei"][i], assets["unit_wei"][asset]
    whole_minor = dust_wei // unit_wei
    assets["dust_wei"][asset] = dust_wei - whole_minor * unit_wei
    move(holdings, asset, CUSTODY, i64(c["account"][i]), i64(c["amount_minor"][i]))
    move(holdings, asset, CUSTODY, DUST, whole_minor)


@step
def hold_withdrawal(records: Records, holdings: Holdings, i: int) -> None:
    """Hold what the withdrawal of command i takes, its fee included."""
    asset = i64(records.deposits["asset"][i])
    total_minor = i64(records.outcomes["amount_minor"][i])
    hold(holdings, asset, i64(records.commands["account"][i]), total_minor)


@step
def release_withdrawal(records: Records, holdings: Holdings, event: int) -> None:
    """A denied withdrawal's hold goes back."""
    events = records.events
    total_minor = events["amount_minor"][event] + events["fee_minor"][event]
    hold(holdings, i64(events["asset"][event]), i64(events["account"][event]), -total_minor)


@step
def pay_withdrawal(records: Records, holdings: Holdings, event: int) -> None:
    """A payout leaves custody, and its fee is earned."""
    events = records.events
    asset, account = i64(events["asset"][event]), i64(events["account"][event])
    amount_minor, fee_minor = events["amount_minor"][event], events["fee_minor"][event]
    holdings.balances["held_minor"][asset, account] -= amount_minor + fee_minor
    credit(holdings, asset, CUSTODY, amount_minor)
    credit(holdings, asset, FEES, fee_minor)


@inner
def set_hold(book: Book, tape: Tape, holdings: Holdings, row: int, lots: int) -> None:
    """Let a spot order hold what its last `lots` could cost it; no lots give all of it back."""
    orders, terms = book.orders, tape.instruments
    instrument = i64(orders["instrument"][row])
    if terms["product"][instrument] != _SPOT:
        return
    held_minor = lots * terms["lot_minor"][instrument]
    asset = i64(terms["base"][instrument])
    if orders["side"][row] == _BUY:
        asset = i64(terms["quote"][instrument])
        held_minor = i64(0)
        if lots > 0:
            price_ticks, carry = orders["price_ticks"][row], orders["carry"][row]
            held_minor, _ = multiply_divide(
                price_ticks, lots, terms["num"][instrument], carry, terms["den"][instrument]
            )
    hold(holdings, asset, i64(orders["account"][row]), held_minor - orders["held_minor"][row])
    orders["held_minor"][row] = held_minor


@inner
def fill_spot(
    records: Records,
    book: Book,
    tape: Tape,
    holdings: Holdings,
    event: int,
    parties: tuple[int, int],
) -> None:
    """Base and quote change hands: what rests pays from its hold, fees from what each gets."""
    events, terms, orders = records.events, tape.instruments, book.orders
    taker, maker = parties
    instrument, lots = i64(events["instrument"][event]), events["qty_lots"][event]
    base, quote = i64(terms["base"][instrument]), i64(terms["quote"][instrument])
    base_minor = lots * terms["lot_minor"][instrument]
    received_minor, rounding_minor = events["quote_minor"][event], events["amount_minor"][event]
    taker_buys = events["side"][event] == _BUY
    buyer, seller = (taker, maker) if taker_buys else (maker, taker)
    bought, sold = i64(orders["account"][buyer]), i64(orders["account"][seller])
    _, orders["carry"][buyer] = multiply_divide(
        events["price_ticks"][event], lots, terms["num"][instrument], orders["carry"][buyer],
        terms["den"][instrument],
    )  # fmt: skip
    paid_minor = received_minor + rounding_minor
    auction = events["flags"][event] & _AUCTION
    if taker_buys or auction:
        hold(holdings, base, sold, -base_minor)
        orders["held_minor"][seller] -= base_minor
    if auction or not taker_buys:
        hold(holdings, quote, bought, -paid_minor)
        orders["held_minor"][buyer] -= paid_minor
    move(holdings, base, sold, bought, base_minor)
    move(holdings, quote, bought, sold, received_minor)
    move(holdings, quote, bought, ROUNDING, rounding_minor)
    fee_minor, counter_fee_minor = events["fee_minor"][event], events["counter_fee_minor"][event]
    buyer_fee, seller_fee = fee_minor, counter_fee_minor
    if not taker_buys:
        buyer_fee, seller_fee = counter_fee_minor, fee_minor
    move(holdings, base, bought, FEES, buyer_fee)
    move(holdings, quote, sold, FEES, seller_fee)


@inner
def position_of(book: Book, holdings: Holdings, account: int, instrument: int) -> int:
    """The account's position row; a new flat one the first time."""
    pair, rows, used = pair_of(book, account, instrument), holdings.positions, book.counters
    row = i64(book.pairs["position"][pair])
    if row == NONE:
        row = i64(used["position_used"][0])
        used["position_used"][0] += 1
        book.pairs["position"][pair] = row
        rows["account"][row] = account
        rows["instrument"][row] = instrument
        rows["account_prev"][row] = book.accounts["last_position"][account]
        book.accounts["last_position"][account] = row
    return row


@inner
def lots_of(book: Book, holdings: Holdings, account: int, instrument: int) -> int:
    """The signed lots of an account's position; 0 without one."""
    row = i64(book.pairs["position"][pair_of(book, account, instrument)])
    return i64(0) if row == NONE else i64(holdings.positions["qty_lots"][row])


@step
def book_lots(
    tape: Tape, holdings: Holdings, row: int, lots: int, price_ticks: int
) -> tuple[int, int]:
    """Signed lots enter a position; (realized, change of the cost), in the unit of costs."""
    rows, terms = holdings.positions, tape.instruments
    instrument = i64(rows["instrument"][row])
    qty_lots, cost = rows["qty_lots"][row], rows["cost"][row]
    if terms["product"][instrument] == _INVERSE:
        num = terms["num"][instrument]
        qty_lots, after, realized = inverse.apply_fill(qty_lots, cost, lots, price_ticks, num)
    else:
        qty_lots, after, realized = linear.apply_fill(qty_lots, cost, lots, price_ticks)
    rows["qty_lots"][row] = qty_lots
    rows["cost"][row] = after
    return realized, after - cost


@step
def pay_linear(tape: Tape, instrument: int, realized: int) -> tuple[int, int]:
    """Realized tick-lots as (paid_minor, fund_minor); the instrument keeps what is left over."""
    terms = tape.instruments
    paid_minor, fund_minor, carry = linear.pay_realized(
        realized, terms["num"][instrument], terms["den"][instrument], terms["carry"][instrument]
    )
    terms["carry"][instrument] = carry
    return paid_minor, fund_minor


@inner
def exchange(records: Records, book: Book, tape: Tape, holdings: Holdings, event: int) -> bool:
    """Lots of a perpetual pass between two accounts; False when an event says another profit."""
    events, terms, rows = records.events, tape.instruments, holdings.positions
    instrument, price_ticks = i64(events["instrument"][event]), events["price_ticks"][event]
    account, counter = i64(events["account"][event]), i64(events["counter_account"][event])
    lots = (
        events["qty_lots"][event] if events["side"][event] == _BUY else -events["qty_lots"][event]
    )
    own = position_of(book, holdings, account, instrument)
    other = position_of(book, holdings, counter, instrument)
    realized, booked = book_lots(tape, holdings, own, lots, price_ticks)
    counter_realized, counter_booked = book_lots(tape, holdings, other, -lots, price_ticks)
    paid, counter_paid = realized, counter_realized
    fund = booked + counter_booked - realized - counter_realized
    if terms["product"][instrument] != _INVERSE:
        paid, fund = pay_linear(tape, instrument, realized)
        counter_paid, counter_fund = pay_linear(tape, instrument, counter_realized)
        fund += counter_fund
    rows["realized_minor"][own] += paid
    rows["realized_minor"][other] += counter_paid
    settle = i64(terms["settle"][instrument])
    move(holdings, settle, CLEARING, account, paid)
    move(holdings, settle, CLEARING, counter, counter_paid)
    move(holdings, settle, CLEARING, INSURANCE, fund)
    return bool(
        paid == events["quote_minor"][event] and counter_paid == events["amount_minor"][event]
    )


@step
def pay_contract_fees(records: Records, holdings: Holdings, event: int) -> None:
    """Both sides of a perpetual's trade pay in its settlement asset."""
    events = records.events
    settle = i64(events["asset"][event])
    move(holdings, settle, i64(events["account"][event]), FEES, events["fee_minor"][event])
    counter = i64(events["counter_account"][event])
    move(holdings, settle, counter, FEES, events["counter_fee_minor"][event])


@step
def notional_minor(tape: Tape, instrument: int, lots: int, price_ticks: int) -> int:
    """The size of a perpetual's trade in its settlement asset; rounded up, as fees see it."""
    terms = tape.instruments
    if terms["product"][instrument] == _INVERSE:
        return inverse.notional_minor(lots, price_ticks, terms["num"][instrument])
    return linear.notional_minor(
        lots, price_ticks, terms["num"][instrument], terms["den"][instrument]
    )


@inner
def pay_funding(records: Records, book: Book, holdings: Holdings, event: int) -> None:
    """The fund pays a position its funding, or gets it."""
    events, rows = records.events, holdings.positions
    account, amount_minor = i64(events["account"][event]), events["amount_minor"][event]
    row = position_of(book, holdings, account, i64(events["instrument"][event]))
    rows["funding_minor"][row] += amount_minor
    move(holdings, i64(events["asset"][event]), INSURANCE, account, amount_minor)


@step
def pay_fund(records: Records, holdings: Holdings, event: int, sign: int) -> None:
    """The fund (the counter account) pays an account (sign 1), or an account pays it (-1)."""
    events = records.events
    amount_minor = sign * events["amount_minor"][event]
    fund, account = i64(events["counter_account"][event]), i64(events["account"][event])
    move(holdings, i64(events["asset"][event]), fund, account, amount_minor)


@step
def move_mark(records: Records, tape: Tape, event: int) -> None:
    """A perpetual's mark, index, predicted rate and margin multiplier."""
    events, rows = records.events, tape.instruments
    instrument = i64(events["instrument"][event])
    rows["mark_ticks"][instrument] = events["price_ticks"][event]
    rows["index_ticks"][instrument] = events["quote_minor"][event]
    rows["rate_ppb"][instrument] = events["amount_minor"][event]
    rows["multiplier_ppm"][instrument] = events["fee_minor"][event]
    rows["marked_ns"][instrument] = events["time_ns"][event]
