"""Positions in perpetuals, made again from events: what passes between them, what each one owns.

Whether an account is in hedge mode, and whether a position is isolated, is known from the commands
that said so: an event whose flags say otherwise stops the fold, and so does a trade whose realized
profits are not those that follow, or a margin that does not.
"""

from ledger.engine.layout import FEES
from ledger.engine.margin_layout import CLEARING, INSURANCE, LONG, NET, SHORT
from ledger.margin import inverse, linear
from ledger.readmodel.holdings import hold, move
from ledger.readmodel.layout import NONE, Book, Holdings, Records, Tape
from ledger.readmodel.orders import pair_of
from ledger.records.codes import MarginMode, PositionFlag, PositionMode, Product, Side
from matching.jit import i64, inner

_BUY = int(Side.BUY)
_INVERSE = int(Product.INVERSE)
_SHORT_LEG = int(PositionFlag.SHORT_LEG)
_ISOLATED = int(PositionFlag.ISOLATED)
_IS_ISOLATED = int(MarginMode.ISOLATED)
_HEDGE = int(PositionMode.HEDGE)


@inner
def leg_of(book: Book, account: int, short: int) -> int:
    """Which of its positions an account means, by the bit that names the short leg, or by none."""
    if book.accounts["hedged"][account] == 0:
        return NET
    return SHORT if short != 0 else LONG


@inner
def row_at(book: Book, pair: int, leg: int) -> int:
    """The row of a pair's position of a leg, else NONE."""
    pairs = book.pairs
    if leg == SHORT:
        return i64(pairs["short"][pair])
    return i64(pairs["long"][pair]) if leg == LONG else i64(pairs["position"][pair])


@inner
def position_of(book: Book, holdings: Holdings, account: int, instrument: int, leg: int) -> int:
    """The row of an account's position; a new flat one the first time."""
    pair, rows, used = pair_of(book, account, instrument), holdings.positions, book.counters
    row = row_at(book, pair, leg)
    if row == NONE:
        row = i64(used["position_used"][0])
        used["position_used"][0] += 1
        if leg == SHORT:
            book.pairs["short"][pair] = row
        elif leg == LONG:
            book.pairs["long"][pair] = row
        else:
            book.pairs["position"][pair] = row
        rows["account"][row] = account
        rows["instrument"][row] = instrument
        rows["leg"][row] = leg
        rows["account_prev"][row] = book.accounts["last_position"][account]
        book.accounts["last_position"][account] = row
    return row


@inner
def lots_of(book: Book, holdings: Holdings, account: int, instrument: int, leg: int) -> int:
    """The signed lots of an account's position; 0 without one."""
    row = row_at(book, pair_of(book, account, instrument), leg)
    return i64(0) if row == NONE else i64(holdings.positions["qty_lots"][row])


@inner
def carry_modes(book: Book, holdings: Holdings, row: int, first: int, last: int) -> None:
    """Whether a position is isolated passes to the legs first..last of its pair.

    A row that there is not is cross.
    """
    rows = holdings.positions
    account, instrument = i64(rows["account"][row]), i64(rows["instrument"][row])
    for leg in range(first, last + 1):
        target = row_at(book, pair_of(book, account, instrument), leg)
        if target == NONE and rows["isolated"][row]:
            target = position_of(book, holdings, account, instrument, leg)
        if target != NONE:
            rows["isolated"][target] = rows["isolated"][row]


@inner
def set_position_mode(records: Records, book: Book, holdings: Holdings, i: int) -> None:
    """From command i on an account is in one-way mode, or in hedge mode.

    Which of its perpetuals are isolated stays as it is: the legs of the new mode take it over.
    """
    account, rows = i64(records.commands["account"][i]), holdings.positions
    hedged = 1 if records.stances["mode"][i] == _HEDGE else 0
    if hedged == book.accounts["hedged"][account]:
        return
    row = i64(book.accounts["last_position"][account])
    while row != NONE:
        # What is opened meanwhile stands before the rows that are looked at.
        if hedged != 0 and rows["leg"][row] == NET:
            carry_modes(book, holdings, row, i64(LONG), i64(SHORT))
        elif hedged == 0 and rows["leg"][row] == LONG:
            carry_modes(book, holdings, row, i64(NET), i64(NET))
        row = i64(rows["account_prev"][row])
    book.accounts["hedged"][account] = hedged


@inner
def set_margin_mode(records: Records, book: Book, holdings: Holdings, i: int) -> None:
    """From command i on what an account has in a perpetual is cross or isolated, each leg of it."""
    account = i64(records.commands["account"][i])
    instrument, rows = i64(records.margin_modes["instrument"][i]), holdings.positions
    isolated = 1 if records.margin_modes["mode"][i] == _IS_ISOLATED else 0
    first = position_of(book, holdings, account, instrument, leg_of(book, account, 0))
    other = position_of(book, holdings, account, instrument, leg_of(book, account, _SHORT_LEG))
    rows["isolated"][first] = isolated
    rows["isolated"][other] = isolated


@inner
def is_as_told(holdings: Holdings, row: int, flags: int) -> bool:
    """Whether an event's flags say of a position what is known of it."""
    rows = holdings.positions
    short, isolated = flags & _SHORT_LEG != 0, flags & _ISOLATED != 0
    return bool(short == (rows["leg"][row] == SHORT) and isolated == (rows["isolated"][row] != 0))


@inner
def own_row(records: Records, book: Book, holdings: Holdings, event: int) -> int:
    """The position of the account that an event names first."""
    events = records.events
    account = i64(events["account"][event])
    leg = leg_of(book, account, i64(events["flags"][event]) & _SHORT_LEG)
    return position_of(book, holdings, account, i64(events["instrument"][event]), leg)


@inner
def counter_row(records: Records, book: Book, holdings: Holdings, event: int) -> int:
    """The position of the counter account."""
    events = records.events
    account = i64(events["counter_account"][event])
    leg = leg_of(book, account, i64(events["flags"][event]) >> 1 & _SHORT_LEG)
    return position_of(book, holdings, account, i64(events["instrument"][event]), leg)


@inner
def pay_position(tape: Tape, holdings: Holdings, row: int, payer: int, amount_minor: int) -> None:
    """A position's money comes to its account; an isolated one's is held as its margin."""
    rows = holdings.positions
    account = i64(rows["account"][row])
    settle = i64(tape.instruments["settle"][i64(rows["instrument"][row])])
    move(holdings, settle, payer, account, amount_minor)
    if rows["isolated"][row]:
        hold(holdings, settle, account, amount_minor)
        rows["margin_minor"][row] += amount_minor


@inner
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


@inner
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
    """Lots of a perpetual pass between two positions; False when an event contradicts them.

    It does so by other profits, or when its flags do not say how the positions stand.
    """
    events, terms, rows = records.events, tape.instruments, holdings.positions
    instrument, price_ticks = i64(events["instrument"][event]), events["price_ticks"][event]
    lots, flags = events["qty_lots"][event], i64(events["flags"][event])
    if events["side"][event] != _BUY:
        lots = -lots
    own = own_row(records, book, holdings, event)
    other = counter_row(records, book, holdings, event)
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
    pay_position(tape, holdings, own, CLEARING, paid)
    pay_position(tape, holdings, other, CLEARING, counter_paid)
    move(holdings, i64(terms["settle"][instrument]), CLEARING, INSURANCE, fund)
    told = is_as_told(holdings, own, flags) and is_as_told(holdings, other, flags >> 1)
    profits = events["quote_minor"][event], events["amount_minor"][event]
    return bool(told and (paid, counter_paid) == profits)


@inner
def pay_contract_fees(
    records: Records, book: Book, tape: Tape, holdings: Holdings, event: int
) -> None:
    """Both sides of a perpetual's trade pay in its settlement asset."""
    events = records.events
    own = own_row(records, book, holdings, event)
    other = counter_row(records, book, holdings, event)
    pay_position(tape, holdings, own, FEES, -events["fee_minor"][event])
    pay_position(tape, holdings, other, FEES, -events["counter_fee_minor"][event])


@inner
def pay_funding(records: Records, book: Book, tape: Tape, holdings: Holdings, event: int) -> bool:
    """The fund pays a position its funding, or gets it; False when it is another position."""
    events, rows = records.events, holdings.positions
    amount_minor = events["amount_minor"][event]
    row = own_row(records, book, holdings, event)
    rows["funding_minor"][row] += amount_minor
    pay_position(tape, holdings, row, INSURANCE, amount_minor)
    same = rows["qty_lots"][row] == events["qty_lots"][event]
    return bool(same and is_as_told(holdings, row, i64(events["flags"][event])))


@inner
def move_margin(records: Records, book: Book, holdings: Holdings, event: int) -> bool:
    """Money passes between an account and the margin, or an order, of its isolated position.

    What fills bring to the margin was held by their orders. False when the margin that is told has
    lost money on the way, or when the position is another one.
    """
    events, rows = records.events, holdings.positions
    row = own_row(records, book, holdings, event)
    account, asset = i64(events["account"][event]), i64(events["asset"][event])
    got, after = events["quote_minor"][event], events["amount_minor"][event]
    lent = events["fee_minor"][event]
    brought = after - rows["margin_minor"][row]
    move(holdings, asset, INSURANCE, account, lent)
    hold(holdings, asset, account, lent - got)
    rows["margin_minor"][row] = after
    # An order that enters leaves the margin as it is, and keeps some of its account's money itself.
    sound = brought == 0 and got <= 0
    if events["order_id"][event] == 0:
        sound = brought + got - lent >= 0 and lent >= 0
    same = rows["qty_lots"][row] == events["qty_lots"][event] and after >= 0
    return bool(sound and same and is_as_told(holdings, row, i64(events["flags"][event])))


@inner
def notional_minor(tape: Tape, instrument: int, lots: int, price_ticks: int) -> int:
    """The size of a perpetual's trade in its settlement asset; rounded up, as fees see it."""
    terms = tape.instruments
    if terms["product"][instrument] == _INVERSE:
        return inverse.notional_minor(lots, price_ticks, terms["num"][instrument])
    return linear.notional_minor(
        lots, price_ticks, terms["num"][instrument], terms["den"][instrument]
    )
