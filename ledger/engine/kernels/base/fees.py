"""Who pays which fee: fee schedules, and the 30-day volumes that open their tiers.

Rates are parts per billion here: a rate in ppm, less a discount in whole per mille, is a whole
number of them. Source: docs/spec/fees.md.
"""

from ledger.engine.credit_layout import DAY_VOLUME_MAX, PER_MILLE_PPM, TIERS, WINDOW_DAYS
from ledger.engine.state import Results, State
from ledger.margin.limits import PPB
from ledger.margin.rounding import muldiv_floor
from ledger.records.codes import CommandFlag
from matching.jit import i64, inner

_VIA_API = int(CommandFlag.VIA_API)
_PER_MILLE = 1000


@inner
def ppb_floor(amount_minor: int, rate_ppb: int) -> int:
    """Largest integer <= amount * rate / 10^9; nothing negative, rate up to a tenth."""
    whole = amount_minor // PPB
    return whole * rate_ppb + (amount_minor - whole * PPB) * rate_ppb // PPB


@inner
def ppb_ceil(amount_minor: int, rate_ppb: int) -> int:
    """Smallest integer >= amount * rate / 10^9; nothing negative, rate up to a tenth."""
    whole = amount_minor // PPB
    part = (amount_minor - whole * PPB) * rate_ppb + PPB - 1
    return whole * rate_ppb + part // PPB


@inner
def holder_of(state: State, account: int) -> int:
    """The account whose volume counts: its master's, or its own."""
    holder = i64(state.credit.volumes["holder"][account])
    return holder if holder != 0 else i64(account)


@inner
def turn_day(state: State, account: int, day: int) -> None:
    """Bring an account's volume to a later day: what is WINDOW_DAYS old or older leaves."""
    rows, days = state.credit.volumes, state.credit.days
    last = i64(rows["day"][account])
    total = rows["before_minor"][account] + rows["today_minor"][account]
    days[account, last % WINDOW_DAYS] = rows["today_minor"][account]
    for passed in range(1, min(day - last, WINDOW_DAYS) + 1):
        place = (last + passed) % WINDOW_DAYS
        total -= days[account, place]
        days[account, place] = 0
    rows["before_minor"][account] = total
    rows["today_minor"][account] = 0
    rows["day"][account] = day


@inner
def count_volume(state: State, account: int, day: int, worth_minor: int) -> None:
    """Add what a trade is worth, in valuation units, to today's volume."""
    if worth_minor == 0:
        return
    rows, holder = state.credit.volumes, holder_of(state, account)
    if i64(rows["day"][holder]) != day:
        turn_day(state, holder, day)
    today = rows["today_minor"][holder]
    rows["today_minor"][holder] = min(today + worth_minor, DAY_VOLUME_MAX)


@inner
def worth_minor(state: State, asset: int, amount_minor: int) -> int:
    """What an amount is worth in valuation units, no haircut taken; 0 without a price."""
    risk = state.margin.collateral
    price = risk["index_ticks"][asset] * risk["num"][asset]
    if price == 0:
        return 0
    worth = muldiv_floor(amount_minor, price, risk["den"][asset])
    return i64(min(worth, DAY_VOLUME_MAX))


@inner
def count_trade(state: State, results: Results, maker: int, asset: int, amount_minor: int) -> None:
    """Count a trade's size for the maker's account, and note it for the taker's."""
    taker = results.taker
    worth = worth_minor(state, asset, amount_minor)
    taker["volume_minor"][0] += worth
    count_volume(state, maker, taker["day"][0], worth)


@inner
def volume_of(state: State, account: int, day: int) -> int:
    """What an account, or its master, traded on a day and the 29 before it. Changes nothing."""
    rows, days, holder = state.credit.volumes, state.credit.days, holder_of(state, account)
    total = i64(rows["before_minor"][holder] + rows["today_minor"][holder])
    last = i64(rows["day"][holder])
    if day - last >= WINDOW_DAYS:
        return 0
    for passed in range(1, day - last + 1):
        total -= days[holder, (last + passed) % WINDOW_DAYS]
    return total


@inner
def find_tier(state: State, schedule: int, account: int, day: int) -> int:
    """The row of the highest tier that an account's volume opens."""
    credit = state.credit
    volume = volume_of(state, account, day)
    row = (schedule - 1) * TIERS
    for later in range(row + 1, row + TIERS):
        row += 1 if credit.tiers["volume_minor"][later] <= volume else 0
    return row


@inner
def taker_ppb(state: State, instrument: int, account: int, flags: int, day: int) -> int:
    """What an order that begins now pays as a taker."""
    schedule = i64(state.instruments["fee_schedule"][instrument])
    if schedule == 0:
        return i64(state.instruments["taker_fee_ppm"][instrument]) * _PER_MILLE
    rate_ppm = i64(state.credit.tiers["taker_ppm"][find_tier(state, schedule, account, day)])
    saved_ppm = i64(0)
    if flags & _VIA_API:
        saved_ppm = i64(state.credit.schedules["api_discount_ppm"][schedule - 1])
    return rate_ppm * (_PER_MILLE - saved_ppm // PER_MILLE_PPM)


@inner
def maker_ppb(state: State, instrument: int, account: int, day: int) -> int:
    """What an account pays as a maker now; negative: a rebate."""
    schedule = i64(state.instruments["fee_schedule"][instrument])
    if schedule == 0:
        return i64(state.instruments["maker_fee_ppm"][instrument]) * _PER_MILLE
    rate_ppm = i64(state.credit.tiers["maker_ppm"][find_tier(state, schedule, account, day)])
    return rate_ppm * _PER_MILLE


@inner
def unpaid_ppb(state: State, instrument: int, account: int, day: int) -> int:
    """What a maker pays in a trade without a taker's fee: no rebate, for nobody has paid for it."""
    return max(maker_ppb(state, instrument, account, day), 0)
