"""The reference engine's fees: schedules, volumes of thirty days kept day by day, rates."""

from fractions import Fraction
from itertools import pairwise, product
from math import floor
from types import SimpleNamespace

from ledger.engine.credit_layout import DAY_VOLUME_MAX, REBATE_PPM_MAX, SCHEDULES_MAX
from ledger.engine.limits import FEE_PPM_MAX
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.schedules import Schedule
from ledger.engine.reference.state import State, require
from ledger.margin.limits import SUM_MAX
from ledger.records.codes import CommandFlag, Reject
from matching.units import PPM

DAY_NS = 24 * 3600 * 10**9


def set_fee_tiers(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_FEE_TIERS.

    Raises:
        Rejected: In the order of `Reject`.
    """
    fields = vars(c)
    volumes = [0, *(fields[f"volume_minor_{tier}"] for tier in range(2, 7))]
    takers = [fields[f"taker_ppm_{tier}"] for tier in range(1, 7)]
    makers = [fields[f"maker_ppm_{tier}"] for tier in range(1, 7)]
    require(c.clean and c.flags == c.account == 0 and c.schedule > 0, Reject.MALFORMED)
    require(c.schedule <= SCHEDULES_MAX, Reject.TABLE_FULL)
    in_range = (
        c.api_discount_ppm <= PPM
        and c.api_discount_ppm % 1000 == 0
        and all(0 <= volume <= SUM_MAX for volume in volumes)
        and all(low < high for low, high in pairwise(volumes))
        and all(0 <= rate <= FEE_PPM_MAX for rate in takers)
        and all(-REBATE_PPM_MAX <= rate <= FEE_PPM_MAX for rate in makers)
        and all(low >= high for rates in (takers, makers) for low, high in pairwise(rates))
    )
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    left = Fraction(PPM - c.api_discount_ppm, PPM)
    sound = all(taker * left + maker >= 0 for taker, maker in product(takers, makers))
    require(sound, Reject.WASH_PAYS)
    tiers = list(zip(volumes, takers, makers, strict=True))
    state.schedules[c.schedule] = Schedule(c.api_discount_ppm, tiers)
    effects.outcome = {"subject_id": c.schedule}


def holder_of(state: State, account: int) -> int:
    """Whose volume an account's trades are."""
    return state.accounts[account].master or account


def volume(state: State, account: int, time_ns: int) -> int:
    """What the account, or its master, traded today and on the 29 days before."""
    today = time_ns // DAY_NS
    days = state.volumes.get(holder_of(state, account), {})
    return sum(worth for day, worth in days.items() if today - 30 < day <= today)


def count_volume(state: State, account: int, time_ns: int, worth: int) -> None:
    """Add to today's volume."""
    if worth == 0:
        return
    today = time_ns // DAY_NS
    days = state.volumes.setdefault(holder_of(state, account), {})
    days[today] = min(days.get(today, 0) + worth, DAY_VOLUME_MAX)


def valued(state: State, asset: int, amount: int) -> int:
    """What an amount is worth in valuation units; nothing without a price."""
    terms = state.collateral.get(asset)
    if terms is None:
        return 0
    return min(floor(terms.exact(amount)), DAY_VOLUME_MAX)


def taker_rate(state: State, instrument: int, account: int, flags: int, time_ns: int) -> Fraction:
    """What an order that begins now pays as a taker."""
    listed = state.instruments[instrument]
    if listed.schedule == 0:
        return Fraction(listed.taker_fee_ppm, PPM)
    schedule = state.schedules[listed.schedule]
    traded = volume(state, account, time_ns)
    rate = [taker for opens, taker, _ in schedule.tiers if opens <= traded][-1]
    saved = schedule.api_discount_ppm if flags & CommandFlag.VIA_API else 0
    return Fraction(rate * (PPM - saved), PPM * PPM)


def maker_rate(state: State, instrument: int, account: int, time_ns: int) -> Fraction:
    """What an account pays as a maker now; negative: a rebate."""
    listed = state.instruments[instrument]
    if listed.schedule == 0:
        return Fraction(listed.maker_fee_ppm, PPM)
    traded = volume(state, account, time_ns)
    tiers = state.schedules[listed.schedule].tiers
    return Fraction([maker for opens, _, maker in tiers if opens <= traded][-1], PPM)


def unpaid_rate(state: State, instrument: int, account: int, time_ns: int) -> Fraction:
    """What a maker pays where no taker pays a fee: there is no rebate."""
    return max(maker_rate(state, instrument, account, time_ns), Fraction(0))
