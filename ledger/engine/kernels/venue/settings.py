"""SET_FEES, SET_TIER, SET_COLLATERAL, SET_PERPETUAL: the parameters of margin."""

from ledger.engine.credit_layout import SCHEDULES_MAX
from ledger.engine.kernels.base.checks import blank_from, unsigned
from ledger.engine.kernels.base.resting import is_contract
from ledger.engine.kernels.margin.contract_orders import own_position
from ledger.engine.kernels.margin.positions import find_position, may_open
from ledger.engine.limits import COLLATERALS_MAX, FEE_PPM_MAX
from ledger.engine.margin_layout import BRACKETS_MAX, INSURANCE, LEVERAGE_MAX, NET, NO_ORACLE
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.limits import (
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INTERVAL_S_MAX,
    MULTIPLIER_PPM_MAX,
    NUM_MAX,
    RATE_PPB_MAX,
    RATE_PPM_MAX,
)
from ledger.margin.rounding import ppm_floor
from ledger.records.codes import Reject
from ledger.records.layout import COLLATERAL, FEES, PERPETUAL, TIER
from matching.jit import i64, inner
from matching.layout import NIL
from matching.units import PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

NS_PER_S = 1_000_000_000

_NONE = int(Reject.NONE)
_UNKNOWN_ASSET = int(Reject.UNKNOWN_ASSET)
_UNKNOWN_INSTRUMENT = int(Reject.UNKNOWN_INSTRUMENT)
_MALFORMED = int(Reject.MALFORMED)
_OUT_OF_TURN = int(Reject.OUT_OF_TURN)
_TABLE_FULL = int(Reject.TABLE_FULL)
_PRICE_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)
_UNKNOWN_ORACLE = int(Reject.UNKNOWN_ORACLE)
_NO_MARK = int(Reject.NO_MARK)
_UNKNOWN_SCHEDULE = int(Reject.UNKNOWN_SCHEDULE)

_FEES_RESERVED = first_word(FEES, "reserved")
_TIER_RESERVED = first_word(TIER, "reserved")
_COLLATERAL_RESERVED = first_word(COLLATERAL, "reserved")
_PERPETUAL_RESERVED = first_word(PERPETUAL, "reserved")


@inner
def set_fees(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_FEES: from the next trade on. Returns a `Reject`; unless it is NONE nothing changed."""
    c, rows = commands.fees, state.instruments
    instrument, schedule = i64(c["instrument"][row]), i64(c["schedule"][row])
    taker_ppm, maker_ppm = i64(c["taker_fee_ppm"][row]), i64(c["maker_fee_ppm"][row])
    if instrument >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if (
        not unsigned(commands, row)
        or not blank_from(commands, row, _FEES_RESERVED)
        or not 0 <= taker_ppm <= FEE_PPM_MAX
        or not -taker_ppm <= maker_ppm <= FEE_PPM_MAX
        or (schedule != 0 and (taker_ppm | maker_ppm) != 0)
    ):
        return _MALFORMED
    if schedule > SCHEDULES_MAX or (
        schedule != 0 and i64(state.credit.schedules["taken"][schedule - 1]) == 0
    ):
        return _UNKNOWN_SCHEDULE
    rows["fee_schedule"][instrument] = schedule
    rows["taker_fee_ppm"][instrument] = taker_ppm
    rows["maker_fee_ppm"][instrument] = maker_ppm
    results.outcomes["subject_id"][row] = instrument
    return _NONE


@inner
def is_next_bracket(state: State, commands: Commands, row: int, at: int) -> bool:
    """Whether a bracket is sound by itself, and begins or continues its table."""
    c, tiers = commands.tier, state.margin.tiers
    floor = c["floor_minor"][row]
    maintenance, initial = c["maintenance_ppm"][row], c["initial_ppm"][row]
    if not 0 < maintenance <= initial <= RATE_PPM_MAX:
        return False
    if i64(c["row"][row]) == 0:
        return bool(floor == 0)
    return bool(
        tiers["floor_minor"][at - 1] < floor <= EXPOSURE_MINOR_MAX
        and tiers["maintenance_ppm"][at - 1] <= maintenance
        and tiers["initial_ppm"][at - 1] <= initial
    )


@inner
def set_tier(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_TIER: one bracket more; row 0 begins anew. Returns a `Reject`."""
    c, margin = commands.tier, state.margin
    instrument, bracket = i64(c["instrument"][row]), i64(c["row"][row])
    if instrument >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    blank = blank_from(commands, row, _TIER_RESERVED)
    if not unsigned(commands, row) or not blank or not is_contract(state, instrument):
        return _MALFORMED
    if bracket != 0 and bracket != i64(margin.contracts["tier_count"][instrument]):
        return _OUT_OF_TURN
    if bracket >= BRACKETS_MAX:
        return _TABLE_FULL
    tiers = margin.tiers
    at = instrument * BRACKETS_MAX + bracket
    if not is_next_bracket(state, commands, row, at):
        return _AMOUNT_OUT_OF_RANGE
    deduction = i64(0)
    if bracket > 0:
        step_ppm = c["maintenance_ppm"][row] - tiers["maintenance_ppm"][at - 1]
        deduction = tiers["deduction_minor"][at - 1] + ppm_floor(c["floor_minor"][row], step_ppm)
    tiers["floor_minor"][at] = c["floor_minor"][row]
    tiers["maintenance_ppm"][at] = c["maintenance_ppm"][row]
    tiers["initial_ppm"][at] = c["initial_ppm"][row]
    tiers["deduction_minor"][at] = deduction
    for later in range(at + 1, (instrument + 1) * BRACKETS_MAX):
        tiers["floor_minor"][later] = 0
        tiers["maintenance_ppm"][later] = 0
        tiers["initial_ppm"][later] = 0
        tiers["deduction_minor"][later] = 0
    margin.contracts["tier_count"][instrument] = bracket + 1
    results.outcomes["subject_id"][row] = instrument
    return _NONE


@inner
def set_collateral(  # noqa: PLR0911 - one return a check
    state: State, commands: Commands, results: Results, row: int
) -> int:
    """SET_COLLATERAL: what an asset is worth, and as collateral. Returns a `Reject`."""
    c, rows, header = commands.collateral, state.margin.collateral, state.header
    asset, oracle = i64(c["asset"][row]), i64(c["oracle"][row])
    if asset >= header["asset_count"][0]:
        return _UNKNOWN_ASSET
    if not unsigned(commands, row) or not blank_from(commands, row, _COLLATERAL_RESERVED):
        return _MALFORMED
    if oracle != NO_ORACLE and oracle >= header["oracle_count"][0]:
        return _UNKNOWN_ORACLE
    if asset >= COLLATERALS_MAX:
        return _TABLE_FULL
    price_ticks = c["index_ticks"][row]
    fixed = oracle == NO_ORACLE
    if not (1 if fixed else 0) <= price_ticks <= (PRICE_TICKS_MAX if fixed else 0):
        return _PRICE_OUT_OF_RANGE
    if (
        not 1 <= c["num"][row] <= NUM_MAX
        or not 1 <= c["den"][row] <= DEN_MAX
        or not 0 <= c["haircut_ppm"][row] <= PPM
        or not 0 <= c["debt_ppm"][row] <= PPM
    ):
        return _AMOUNT_OUT_OF_RANGE
    if not fixed:
        price_ticks = state.margin.oracles["index_ticks"][oracle]
    if price_ticks == 0 and rows["index_ticks"][asset] != 0:
        return _NO_MARK
    rows["index_ticks"][asset] = price_ticks
    rows["num"][asset] = c["num"][row]
    rows["den"][asset] = c["den"][row]
    rows["haircut_ppm"][asset] = c["haircut_ppm"][row]
    rows["debt_ppm"][asset] = c["debt_ppm"][row]
    rows["oracle"][asset] = oracle
    header["collateral_end"][0] = max(header["collateral_end"][0], asset + 1)
    results.outcomes["subject_id"][row] = asset
    return _NONE


@inner
def is_rule_in_range(commands: Commands, row: int) -> bool:
    """The numbers of SET_PERPETUAL."""
    c = commands.perpetual
    rise, decay = i64(c["rise_ppm"][row]), i64(c["decay_ppm"][row])
    return bool(
        1 <= i64(c["interval_s"][row]) <= INTERVAL_S_MAX
        and 1 <= i64(c["leverage_max"][row]) <= LEVERAGE_MAX
        and 1 <= c["alpha_ppm"][row] <= PPM
        and -RATE_PPB_MAX <= c["interest_ppb"][row] <= RATE_PPB_MAX
        and 0 <= c["damper_ppb"][row] <= RATE_PPB_MAX
        and 0 <= c["cap_ppb"][row] <= RATE_PPB_MAX
        and 1 <= c["impact_minor"][row] <= EXPOSURE_MINOR_MAX
        and 1 <= c["calm_ppb"][row] <= RATE_PPB_MAX
        and 1 <= decay <= rise <= PPM <= i64(c["cap_ppm"][row]) <= MULTIPLIER_PPM_MAX
        and 0 <= c["position_max_lots"][row] <= QTY_LOTS_MAX
    )


@inner
def set_perpetual(state: State, commands: Commands, results: Results, row: int) -> int:
    """SET_PERPETUAL: mark, funding and volatility rule. Returns a `Reject`.

    The insurance fund gets its position row here, so that taking over never needs room.
    """
    c, rows = commands.perpetual, state.margin.perpetuals
    instrument = i64(c["instrument"][row])
    if instrument >= state.header["instrument_count"][0]:
        return _UNKNOWN_INSTRUMENT
    if (
        not unsigned(commands, row)
        or not blank_from(commands, row, _PERPETUAL_RESERVED)
        or c["pad"][row] != 0
        or not is_contract(state, instrument)
    ):
        return _MALFORMED
    if i64(c["oracle"][row]) >= state.header["oracle_count"][0]:
        return _UNKNOWN_ORACLE
    has_own = find_position(state, INSURANCE, instrument, NET) != NIL
    if not has_own and not may_open(state, INSURANCE):
        return _TABLE_FULL
    if not is_rule_in_range(commands, row):
        return _AMOUNT_OUT_OF_RANGE
    own_position(state, INSURANCE, instrument, NET)
    interval_s = i64(c["interval_s"][row])
    if interval_s != i64(rows["interval_s"][instrument]):
        interval_ns = interval_s * NS_PER_S
        passed = results.frame["time_ns"][0] // interval_ns
        rows["next_funding_ns"][instrument] = (passed + 1) * interval_ns
    rows["interval_s"][instrument] = interval_s
    rows["oracle"][instrument] = c["oracle"][row]
    rows["leverage_max"][instrument] = c["leverage_max"][row]
    rows["alpha_ppm"][instrument] = c["alpha_ppm"][row]
    rows["interest_ppb"][instrument] = c["interest_ppb"][row]
    rows["damper_ppb"][instrument] = c["damper_ppb"][row]
    rows["cap_ppb"][instrument] = c["cap_ppb"][row]
    rows["impact_minor"][instrument] = c["impact_minor"][row]
    rows["calm_ppb"][instrument] = c["calm_ppb"][row]
    rows["rise_ppm"][instrument] = c["rise_ppm"][row]
    rows["decay_ppm"][instrument] = c["decay_ppm"][row]
    rows["cap_ppm"][instrument] = c["cap_ppm"][row]
    rows["position_max_lots"][instrument] = c["position_max_lots"][row]
    results.outcomes["subject_id"][row] = instrument
    return _NONE
