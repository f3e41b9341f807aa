"""Positions: finding and opening rows, what open orders reserve, and what a fill does to them.

Every change keeps `extreme`, what the venue's bounds count for a position: its lots and all that
its open orders could add, at the contract's extreme price. No fill raises it, so the bound that an
order was checked against holds for ever after, whoever ends up with the lots.
"""

from ledger.engine.kernels.base.money import credit, release
from ledger.engine.kernels.base.reach import lose_reach
from ledger.engine.kernels.margin.account_margin import look_again, look_at
from ledger.engine.margin_layout import CLEARING, INSURANCE, POSITIONS_PER_ACCOUNT_MAX
from ledger.engine.state import State
from ledger.margin import inverse, linear
from ledger.margin.limits import COST_MAX, EXPOSURE_MINOR_MAX, INVERSE
from ledger.margin.rounding import muldiv_ceil
from ledger.records.codes import Side
from matching.intrinsics import wide_product
from matching.jit import i64, inner, kernel

_BUY = int(Side.BUY)
_SPREAD = 0x9E37_79B1
_SPREAD_MORE = 0x85EB_CA77
"""Odd numbers that scatter neighbours over the index."""
_ROW = 0xFFFF_FFFF
_MARK = 0x7FFF_FFFF << 32
"""The two parts of a place."""
EXTREME_NONE = EXPOSURE_MINOR_MAX + 1
"""What is beyond every bound."""


@inner
def hash_of(account: int, instrument: int, leg: int) -> int:
    """A position's hash: the search begins by its low bits; the high word marks the place."""
    return account * _SPREAD + instrument * _SPREAD_MORE + leg


@inner
def row_at(state: State, place: int) -> int:
    """The position row of a place, or NIL."""
    return i64(state.caches.places[place] & _ROW) - 1


@inner
def find_place(state: State, account: int, instrument: int, leg: int) -> int:
    """The place of the index where a position is found, or would be."""
    rows, places = state.margin.positions, state.caches.places
    last = places.shape[0] - 1
    spread = hash_of(account, instrument, leg)
    place = spread & last
    while places[place] != 0:
        row = row_at(state, place)
        if (
            (places[place] ^ spread) & _MARK == 0
            and i64(rows["instrument"][row]) == instrument
            and i64(rows["account"][row]) == account
            and i64(rows["leg"][row]) == leg
        ):
            return i64(place)
        place = (place + 1) & last
    return i64(place)


@inner
def find_position(state: State, account: int, instrument: int, leg: int) -> int:
    """The account's position row of an instrument and leg, or NIL."""
    return row_at(state, find_place(state, account, instrument, leg))


@inner
def enter_position(state: State, row: int) -> None:
    """Enter a position that is not in the index yet."""
    rows = state.margin.positions
    account, instrument = i64(rows["account"][row]), i64(rows["instrument"][row])
    leg = i64(rows["leg"][row])
    mark = hash_of(account, instrument, leg) & _MARK
    state.caches.places[find_place(state, account, instrument, leg)] = mark | (row + 1)
    held = state.caches.held
    held["instrument"][row] = instrument
    held["next"][row] = rows["next"][row]
    show_position(state, row)


@inner
def show_position(state: State, row: int) -> None:
    """Let the judgement of everybody see how a position stands now."""
    rows, held = state.margin.positions, state.caches.held
    lose_reach(state, i64(rows["account"][row]))
    cross = rows["isolated"][row] == 0
    held["qty_lots"][row] = rows["qty_lots"][row] if cross else 0
    held["cost"][row] = rows["cost"][row] if cross else 0


@kernel
def index_positions(state: State) -> None:
    """Enter every position into an empty index."""
    for row in range(state.header["position_count"][0]):
        enter_position(state, row)


@inner
def may_open(state: State, account: int) -> bool:
    """Whether one more position of the account fits the tables; the fund has one in each."""
    header = state.header
    count = i64(state.margin.accounts["count"][account])
    return header["position_count"][0] < header["positions_max"][0] and (
        count < POSITIONS_PER_ACCOUNT_MAX or account == INSURANCE
    )


@inner
def open_position(state: State, account: int, instrument: int, leg: int) -> int:
    """A new flat position row, at the head of its account's list; there is room for it."""
    rows, accounts = state.margin.positions, state.margin.accounts
    row = i64(state.header["position_count"][0])
    state.header["position_count"][0] = row + 1
    rows["account"][row] = account
    rows["instrument"][row] = instrument
    rows["leg"][row] = leg
    rows["leverage"][row] = 1
    rows["next"][row] = accounts["first"][account]
    accounts["first"][account] = row + 1
    accounts["count"][account] += 1
    enter_position(state, row)
    return row


@inner
def cost_of(state: State, instrument: int, signed_lots: int, price_ticks: int) -> int:
    """What signed lots cost at a price, in the unit of the contract's costs."""
    contracts = state.margin.contracts
    if signed_lots != 0 and contracts["kind"][instrument] == INVERSE:
        return inverse.cost_minor(signed_lots, price_ticks, contracts["num"][instrument])
    return signed_lots * price_ticks


@inner
def product_below(a: int, b: int, limit: int) -> int:
    """The product of two numbers that are not negative, or the limit when it is not below that."""
    high, low = wide_product(a, b, 1, 0)
    return i64(low) if high == 0 and 0 <= low < limit else i64(limit)


@inner
def extreme_of(state: State, instrument: int, lots: int) -> int:
    """What the bounds count for so many lots; EXTREME_NONE when it is beyond them.

    Linear: the larger of tick-lots and settlement units at the highest price. Inverse: coin at one
    tick. `lots` is 0..2^63 - 1.
    """
    contracts = state.margin.contracts
    num = contracts["num"][instrument]
    if contracts["kind"][instrument] == INVERSE:
        return product_below(lots, num, EXTREME_NONE)
    cost = product_below(lots, contracts["max_ticks"][instrument], COST_MAX + 1)
    if cost > COST_MAX:
        return EXTREME_NONE
    den = contracts["den"][instrument]
    worth = muldiv_ceil(cost, num, den) if num > den else i64(0)
    return i64(min(max(cost, worth), EXTREME_NONE))


@inner
def could_be_lots(state: State, row: int) -> int:
    """The most lots that a position's open orders could make of it, whatever their side.

    Reduce-only orders add nothing: they never have more lots than the position.
    """
    rows = state.margin.positions
    lots = abs(rows["qty_lots"][row]) + rows["buy_lots"][row] + rows["sell_lots"][row]
    return i64(lots - rows["closing_lots"][row])


@inner
def refresh_extreme(state: State, row: int) -> None:
    """Count a changed position anew."""
    rows, margin = state.margin.positions, state.margin
    instrument = i64(rows["instrument"][row])
    lots = could_be_lots(state, row)
    extreme = extreme_of(state, instrument, lots)
    settle = i64(margin.contracts["settle"][instrument])
    margin.collateral["extreme"][settle] += extreme - rows["extreme"][row]
    rows["extreme"][row] = extreme


@inner
def reserve(
    state: State, row: int, side: int, price_ticks: int, before_lots: int, after_lots: int
) -> None:
    """An open order of the row's account in its instrument changes its open lots.

    Those of reduce-only orders are also counted apart, by the caller, before.
    """
    rows = state.margin.positions
    instrument = i64(rows["instrument"][row])
    sign = 1 if side == _BUY else -1
    lots = after_lots - before_lots
    cost = cost_of(state, instrument, sign * after_lots, price_ticks)
    cost -= cost_of(state, instrument, sign * before_lots, price_ticks)
    if side == _BUY:
        rows["buy_lots"][row] += lots
        rows["buy_cost"][row] += cost
    else:
        rows["sell_lots"][row] += lots
        rows["sell_cost"][row] += cost
    refresh_extreme(state, row)


@inner
def fill_position(state: State, row: int, fill_lots: int, price_ticks: int) -> tuple[int, int]:
    """Book signed lots at a price.

    Returns:
        (realized, booked): realized profit and the change of the cost, in the unit of costs.
    """
    rows, contracts = state.margin.positions, state.margin.contracts
    instrument = i64(rows["instrument"][row])
    qty, cost = rows["qty_lots"][row], rows["cost"][row]
    if contracts["kind"][instrument] == INVERSE:
        num = contracts["num"][instrument]
        qty, after, realized = inverse.apply_fill(qty, cost, fill_lots, price_ticks, num)
    else:
        qty, after, realized = linear.apply_fill(qty, cost, fill_lots, price_ticks)
    rows["qty_lots"][row] = qty
    rows["cost"][row] = after
    show_position(state, row)
    refresh_extreme(state, row)
    return realized, after - cost


@inner
def pay_linear(state: State, instrument: int, realized: int) -> tuple[int, int]:
    """Turn realized tick-lots into (paid_minor, fund_minor); the carry keeps what is left."""
    contracts, perpetuals = state.margin.contracts, state.margin.perpetuals
    num, den = contracts["num"][instrument], contracts["den"][instrument]
    carry = perpetuals["carry"][instrument]
    paid, fund, carry = linear.pay_realized(realized, num, den, carry)
    perpetuals["carry"][instrument] = carry
    return paid, fund


@inner
def pay_position(state: State, row: int, amount_minor: int) -> None:
    """Pay what a position earned; a negative amount is what it lost or owes."""
    rows = state.margin.positions
    settle = i64(state.margin.contracts["settle"][i64(rows["instrument"][row])])
    account = i64(rows["account"][row])
    if rows["isolated"][row]:
        rows["margin_minor"][row] += amount_minor
        release(state, settle, account, -amount_minor)
    else:
        credit(state, settle, account, amount_minor)


@inner
def exchange(
    state: State, row: int, counter_row: int, fill_lots: int, price_ticks: int
) -> tuple[int, int]:
    """`swap_lots`, and the bounds of what the two accounts may still use follow it."""
    before, counter_before = look_at(state, row), look_at(state, counter_row)
    paid = swap_lots(state, row, counter_row, fill_lots, price_ticks)
    look_again(state, row, before)
    look_again(state, counter_row, counter_before)
    return paid


@inner
def swap_lots(
    state: State, row: int, counter_row: int, fill_lots: int, price_ticks: int
) -> tuple[int, int]:
    """Signed lots pass from one position to another of the same instrument, at a price.

    Realized profit goes from the clearing account to the two, and what roundings leave to the fund.
    What is an isolated position's goes to its margin; isolation.py shares that out afterwards.

    Args:
        state: Its positions and balances are mutated.
        row: The position that books `fill_lots` (bought lots are positive).
        counter_row: The one that books the opposite; another account's.
        fill_lots: Not zero.
        price_ticks: Of the contract's prices.

    Returns:
        (paid_minor, counter_paid_minor): what each got in the settlement asset; negative: it paid.
    """
    rows, contracts = state.margin.positions, state.margin.contracts
    instrument = i64(rows["instrument"][row])
    settle = i64(contracts["settle"][instrument])
    realized, booked = fill_position(state, row, fill_lots, price_ticks)
    counter_realized, counter_booked = fill_position(state, counter_row, -fill_lots, price_ticks)
    if contracts["kind"][instrument] == INVERSE:
        paid, counter_paid = realized, counter_realized
        fund = booked + counter_booked - realized - counter_realized
    else:
        paid, fund = pay_linear(state, instrument, realized)
        counter_paid, counter_fund = pay_linear(state, instrument, counter_realized)
        fund += counter_fund
    pay_position(state, row, paid)
    pay_position(state, counter_row, counter_paid)
    credit(state, settle, INSURANCE, fund)
    credit(state, settle, CLEARING, -paid - counter_paid - fund)
    return paid, counter_paid
