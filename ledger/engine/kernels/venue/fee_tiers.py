"""SET_FEE_TIERS: a whole fee schedule, taken only when nobody can be paid for wash trades."""

from ledger.engine.credit_layout import PER_MILLE_PPM, REBATE_PPM_MAX, SCHEDULES_MAX, TIERS
from ledger.engine.kernels.base.checks import blank_from, unsigned
from ledger.engine.limits import FEE_PPM_MAX
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.limits import SUM_MAX
from ledger.records.codes import Reject
from ledger.records.layout import FEE_TIERS
from matching.jit import i64, inner
from matching.units import PPM

_NONE = int(Reject.NONE)
_MALFORMED = int(Reject.MALFORMED)
_TABLE_FULL = int(Reject.TABLE_FULL)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_WASH_PAYS = int(Reject.WASH_PAYS)

_VOLUMES = first_word(FEE_TIERS, "volume_minor_2")
_RATES = first_word(FEE_TIERS, "taker_ppm_1")
_RESERVED = first_word(FEE_TIERS, "reserved")
_HALF = 32
_LOW_HALF = 2**32 - 1


@inner
def volume_of(commands: Commands, row: int, tier: int) -> int:
    """The volume that opens a tier, counted from 0."""
    return i64(0) if tier == 0 else i64(commands.words[row, _VOLUMES + tier - 1])


@inner
def rates_of(commands: Commands, row: int, tier: int) -> tuple[int, int]:
    """(taker_ppm, maker_ppm) of a tier: the halves of a word. A negative taker's is huge."""
    word = commands.words[row, _RATES + tier]
    return word & _LOW_HALF, word >> _HALF


@inner
def is_in_order(commands: Commands, row: int) -> bool:
    """Volumes ascend, rates do not rise, and every one is in its range."""
    volume, taker, maker = i64(-1), i64(FEE_PPM_MAX), i64(FEE_PPM_MAX)
    sound = True
    for tier in range(TIERS):
        next_volume = volume_of(commands, row, tier)
        next_taker, next_maker = rates_of(commands, row, tier)
        sound = sound and volume < next_volume <= SUM_MAX and next_taker <= taker
        sound = sound and -REBATE_PPM_MAX <= next_maker <= maker
        volume, taker, maker = next_volume, next_taker, next_maker
    return bool(sound)


@inner
def set_fee_tiers(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_FEE_TIERS: one schedule, from the next order on. Returns a `Reject`.

    Rates never rise with the tier, so the last taker's and the last maker's are the cheapest pair:
    when those two pay for each other, all do.
    """
    c, credit = commands.fee_tiers, state.credit
    schedule, saved_ppm = i64(c["schedule"][row]), i64(c["api_discount_ppm"][row])
    if not unsigned(commands, row) or not blank_from(commands, row, _RESERVED) or schedule == 0:
        return _MALFORMED
    if schedule > SCHEDULES_MAX:
        return _TABLE_FULL
    whole = saved_ppm <= PPM and saved_ppm % PER_MILLE_PPM == 0
    if not whole or not is_in_order(commands, row):
        return _AMOUNT_OUT_OF_RANGE
    taker, maker = rates_of(commands, row, TIERS - 1)
    if taker * (PPM - saved_ppm) + maker * PPM < 0:
        return _WASH_PAYS
    credit.schedules["taken"][schedule - 1] = 1
    credit.schedules["api_discount_ppm"][schedule - 1] = saved_ppm
    for tier in range(TIERS):
        at = (schedule - 1) * TIERS + tier
        taker, maker = rates_of(commands, row, tier)
        credit.tiers["volume_minor"][at] = volume_of(commands, row, tier)
        credit.tiers["taker_ppm"][at] = taker
        credit.tiers["maker_ppm"][at] = maker
    results.outcomes["subject_id"][row] = schedule
    return _NONE
