"""What everybody has: the postings of docs/spec/engine.md, made again from commands and events.

Nothing is asked of the engine. What an event says is believed only where it cannot be computed:
fees, funding, and what an order of an isolated position has taken with it. positions.py has the
postings of perpetuals.
"""

from ledger.engine.layout import CUSTODY, DUST, FEES, ROUNDING
from ledger.readmodel.layout import Book, Holdings, Records, Tape
from ledger.records.codes import EventKind, Product, Side, TradeFlag
from matching.intmath import multiply_divide
from matching.jit import i64, inner

_BUY = int(Side.BUY)
_AUCTION = int(TradeFlag.AUCTION)
_SPOT = int(Product.SPOT)
_HOLD_PLACED = int(EventKind.HOLD_PLACED)
_INVERSE = int(Product.INVERSE)


@inner
def credit(holdings: Holdings, asset: int, account: int, amount_minor: int) -> None:
    """Change what an account may use."""
    holdings.balances["available_minor"][asset, account] += amount_minor


@inner
def move(holdings: Holdings, asset: int, payer: int, payee: int, amount_minor: int) -> None:
    """From one account's available to another's."""
    credit(holdings, asset, payer, -amount_minor)
    credit(holdings, asset, payee, amount_minor)


@inner
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


@inner
def hold_withdrawal(records: Records, holdings: Holdings, i: int) -> None:
    """Hold what the withdrawal of command i takes, its fee included."""
    asset = i64(records.deposits["asset"][i])
    total_minor = i64(records.outcomes["amount_minor"][i])
    hold(holdings, asset, i64(records.commands["account"][i]), total_minor)


@inner
def release_withdrawal(records: Records, holdings: Holdings, event: int) -> None:
    """A denied withdrawal's hold goes back."""
    events = records.events
    total_minor = events["amount_minor"][event] + events["fee_minor"][event]
    hold(holdings, i64(events["asset"][event]), i64(events["account"][event]), -total_minor)


@inner
def freeze(records: Records, holdings: Holdings, event: int) -> None:
    """Risk or compliance holds some of an account's money, or gives it back."""
    events = records.events
    sign = 1 if events["kind"][event] == _HOLD_PLACED else -1
    amount_minor = sign * events["amount_minor"][event]
    hold(holdings, i64(events["asset"][event]), i64(events["account"][event]), amount_minor)


@inner
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
    """Let a spot order hold what its last `lots` could cost it; no lots give all of it back.

    What a perpetual's order holds is known when it gives it back: `release_order`.
    """
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
def release_order(
    book: Book, tape: Tape, holdings: Holdings, row: int, lots: int, released_minor: int
) -> None:
    """An order becomes smaller, `lots` are left of it: what it held beyond them goes back.

    Of a perpetual's order that is what its command or event says: an isolated position's order has
    taken money with it, another one none.
    """
    instrument = i64(book.orders["instrument"][row])
    if tape.instruments["product"][instrument] == _SPOT:
        set_hold(book, tape, holdings, row, lots)
    else:
        settle, account = i64(tape.instruments["settle"][instrument]), book.orders["account"][row]
        hold(holdings, settle, i64(account), -released_minor)


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
def pay_counter(records: Records, holdings: Holdings, event: int, sign: int) -> None:
    """The counter account, fund, pool or customer, pays an account (sign 1) or is paid (-1)."""
    events = records.events
    amount_minor = sign * events["amount_minor"][event]
    move(
        holdings, i64(events["asset"][event]), i64(events["counter_account"][event]),
        i64(events["account"][event]), amount_minor,
    )  # fmt: skip


@inner
def move_mark(records: Records, tape: Tape, event: int) -> None:
    """A perpetual's mark, index, predicted rate and margin multiplier."""
    events, rows = records.events, tape.instruments
    instrument = i64(events["instrument"][event])
    rows["mark_ticks"][instrument] = events["price_ticks"][event]
    rows["index_ticks"][instrument] = events["quote_minor"][event]
    rows["rate_ppb"][instrument] = events["amount_minor"][event]
    rows["multiplier_ppm"][instrument] = events["fee_minor"][event]
    rows["marked_ns"][instrument] = events["time_ns"][event]
