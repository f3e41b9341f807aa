"""OPEN_ACCOUNT, LIST_ASSET, LIST_INSTRUMENT: what trades, and who.

A listing that names what is listed already, with all else as it stands, sets its limits anew.
"""

from ledger.engine.kernels.base.checks import blank_from, is_customer, unsigned
from ledger.engine.layout import SOURCES
from ledger.engine.limits import (
    COLLATERALS_MAX,
    DECIMALS_MAX,
    DECIMALS_SPAN_MAX,
    FEE_PPM_MAX,
    NOTIONAL_DEN_MAX,
    NOTIONAL_NUM_MAX,
)
from ledger.engine.margin_layout import BRACKETS_MAX
from ledger.engine.state import Commands, Results, State, first_word
from ledger.margin.limits import (
    COST_MAX,
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INVERSE,
    INVERSE_NUM_MAX,
    LINEAR,
    NUM_MAX,
)
from ledger.margin.rounding import muldiv_ceil
from ledger.records.codes import Check, Phase, Product, Reject
from ledger.records.layout import ACCOUNT, ASSET, INSTRUMENT
from matching.index import open_side
from matching.jit import i64, inner
from matching.units import AMOUNT_MINOR_MAX, PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

_CHECKS_ALL = int(max(Check) * 2 - 1)
_SPOT = int(Product.SPOT)
_INVERSE = int(Product.INVERSE)
_PRODUCT_LAST = int(max(Product))
_CALL = int(Phase.CALL)

_NONE = int(Reject.NONE)
_UNKNOWN_ACCOUNT = int(Reject.UNKNOWN_ACCOUNT)
_UNKNOWN_ASSET = int(Reject.UNKNOWN_ASSET)
_MALFORMED = int(Reject.MALFORMED)
_OUT_OF_TURN = int(Reject.OUT_OF_TURN)
_TABLE_FULL = int(Reject.TABLE_FULL)
_PRICE_OUT_OF_RANGE = int(Reject.PRICE_OUT_OF_RANGE)
_QTY_OUT_OF_RANGE = int(Reject.QTY_OUT_OF_RANGE)
_AMOUNT_OUT_OF_RANGE = int(Reject.AMOUNT_OUT_OF_RANGE)

_ACCOUNT_RESERVED = first_word(ACCOUNT, "reserved")
_ASSET_RESERVED = first_word(ASSET, "reserved")
_INSTRUMENT_RESERVED = first_word(INSTRUMENT, "reserved")


@inner
def open_account(state: State, commands: Commands, results: Results, row: int) -> int:
    """OPEN_ACCOUNT: the header's account is the new id. Returns a `Reject`."""
    c, header, rows = commands.account, state.header, state.accounts
    account, master = i64(c["account"][row]), i64(c["master"][row])
    if master != 0 and (not is_customer(state, master) or i64(rows["master"][master]) != 0):
        return _UNKNOWN_ACCOUNT
    if i64(c["flags"][row]) != 0 or not blank_from(commands, row, _ACCOUNT_RESERVED):
        return _MALFORMED
    if account != header["account_count"][0]:
        return _OUT_OF_TURN
    if account >= header["accounts_max"][0]:
        return _TABLE_FULL
    rows["opened_seq"][account] = results.frame["seq"][0]
    rows["master"][account] = master
    state.credit.volumes["holder"][account] = master
    rows["tier"][account] = c["tier"][row]
    rows["subject_0"][account] = c["subject_0"][row]
    rows["subject_1"][account] = c["subject_1"][row]
    rows["subject_2"][account] = c["subject_2"][row]
    rows["subject_3"][account] = c["subject_3"][row]
    header["account_count"][0] = account + 1
    results.outcomes["subject_id"][row] = account
    return _NONE


@inner
def is_asset_as_listed(state: State, commands: Commands, row: int) -> bool:
    """Whether a command names a listed asset with all that does not change."""
    c, rows = commands.asset, state.assets
    asset = i64(c["asset"][row])
    return bool(
        asset < state.header["asset_count"][0]
        and i64(c["ledger_decimals"][row]) == i64(rows["ledger_decimals"][asset])
        and i64(c["token_decimals"][row]) == i64(rows["token_decimals"][asset])
        and i64(c["required_checks"][row]) == i64(rows["required_checks"][asset])
        and c["token_0"][row] == rows["token_0"][asset]
        and c["token_1"][row] == rows["token_1"][asset]
        and i64(c["token_2"][row]) == i64(rows["token_2"][asset])
        and c["symbol_0"][row] == rows["symbol_0"][asset]
        and c["symbol_1"][row] == rows["symbol_1"][asset]
    )


@inner
def check_asset(state: State, commands: Commands, row: int) -> int:
    """LIST_ASSET's checks, in the order of `Reject`."""
    c = commands.asset
    asset = i64(c["asset"][row])
    span = i64(c["token_decimals"][row]) - i64(c["ledger_decimals"][row])
    if (
        not unsigned(commands, row)
        or not blank_from(commands, row, _ASSET_RESERVED)
        or c["pad"][row] != 0
        or c["token_pad"][row] != 0
        or i64(c["token_decimals"][row]) > DECIMALS_MAX
        or not 0 <= span <= DECIMALS_SPAN_MAX
        or i64(c["required_checks"][row]) > _CHECKS_ALL
        or c["symbol_0"][row] & 0xFF == 0
    ):
        return _MALFORMED
    old = is_asset_as_listed(state, commands, row)
    if not old and asset != state.header["asset_count"][0]:
        return _OUT_OF_TURN
    if not old and asset >= state.header["assets_max"][0]:
        return _TABLE_FULL
    supply = c["supply_max_minor"][row]
    if (
        not 1 <= supply <= AMOUNT_MINOR_MAX
        or not 0 <= c["withdrawal_min_minor"][row] <= supply
        or not 0 <= c["withdrawal_fee_minor"][row] <= supply
    ):
        return _AMOUNT_OUT_OF_RANGE
    return _NONE


@inner
def list_asset(state: State, commands: Commands, results: Results, row: int) -> int:
    """LIST_ASSET. Returns a `Reject`; unless it is NONE nothing changed."""
    c, rows = commands.asset, state.assets
    reject = check_asset(state, commands, row)
    if reject != _NONE:
        return reject
    asset = i64(c["asset"][row])
    results.outcomes["subject_id"][row] = asset
    rows["supply_max_minor"][asset] = c["supply_max_minor"][row]
    rows["withdrawal_min_minor"][asset] = c["withdrawal_min_minor"][row]
    rows["withdrawal_fee_minor"][asset] = c["withdrawal_fee_minor"][row]
    if asset < state.header["asset_count"][0]:
        return _NONE
    unit_wei = i64(1)
    for _ in range(i64(c["token_decimals"][row]) - i64(c["ledger_decimals"][row])):
        unit_wei *= 10
    rows["unit_wei"][asset] = unit_wei
    rows["dust_wei"][asset] = 0
    rows["token_0"][asset] = c["token_0"][row]
    rows["token_1"][asset] = c["token_1"][row]
    rows["token_2"][asset] = c["token_2"][row]
    rows["ledger_decimals"][asset] = c["ledger_decimals"][row]
    rows["token_decimals"][asset] = c["token_decimals"][row]
    rows["required_checks"][asset] = c["required_checks"][row]
    rows["symbol_0"][asset] = c["symbol_0"][row]
    rows["symbol_1"][asset] = c["symbol_1"][row]
    state.header["asset_count"][0] = asset + 1
    return _NONE


@inner
def is_scale_proven(commands: Commands, row: int) -> bool:
    """Whether the largest order stays within the bounds of its product's arithmetic."""
    c = commands.instrument
    product = i64(c["product"][row])
    num, den = c["notional_num"][row], c["notional_den"][row]
    lots, ticks = c["max_qty_lots"][row], c["max_price_ticks"][row]
    if product == _SPOT:
        return bool(num <= NOTIONAL_NUM_MAX)
    if product == _INVERSE:
        return bool(den == 1 and lots <= EXPOSURE_MINOR_MAX // num)
    if num > NUM_MAX or den > DEN_MAX or lots > COST_MAX // ticks:
        return False
    return muldiv_ceil(lots * ticks, num, den) <= EXPOSURE_MINOR_MAX


@inner
def is_instrument_as_listed(state: State, commands: Commands, row: int) -> bool:
    """Whether a command names a listed instrument with all that does not change by it."""
    c, rows = commands.instrument, state.instruments
    instrument = i64(c["instrument"][row])
    return bool(
        instrument < state.header["instrument_count"][0]
        and i64(c["product"][row]) == i64(rows["product"][instrument])
        and i64(c["price_decimals"][row]) == i64(rows["price_decimals"][instrument])
        and i64(c["qty_decimals"][row]) == i64(rows["qty_decimals"][instrument])
        and i64(c["base"][row]) == i64(rows["base"][instrument])
        and i64(c["quote"][row]) == i64(rows["quote"][instrument])
        and c["lot_minor"][row] == rows["lot_minor"][instrument]
        and c["notional_num"][row] == rows["notional_num"][instrument]
        and c["notional_den"][row] == rows["notional_den"][instrument]
        and c["max_price_ticks"][row] == rows["max_price_ticks"][instrument]
        and i64(c["maker_fee_ppm"][row]) == i64(rows["maker_fee_ppm"][instrument])
        and i64(c["taker_fee_ppm"][row]) == i64(rows["taker_fee_ppm"][instrument])
        and c["symbol_0"][row] == rows["symbol_0"][instrument]
        and c["symbol_1"][row] == rows["symbol_1"][instrument]
        and c["symbol_2"][row] == rows["symbol_2"][instrument]
        and c["call_until_ns"][row] == 0
    )


@inner
def check_instrument(state: State, commands: Commands, row: int) -> int:  # noqa: PLR0911 - one return a check
    """LIST_INSTRUMENT's checks, in the order of `Reject`."""
    c, header = commands.instrument, state.header
    instrument = i64(c["instrument"][row])
    base, quote = i64(c["base"][row]), i64(c["quote"][row])
    taker_ppm, maker_ppm = i64(c["taker_fee_ppm"][row]), i64(c["maker_fee_ppm"][row])
    if base >= header["asset_count"][0] or quote >= header["asset_count"][0]:
        return _UNKNOWN_ASSET
    if (
        not unsigned(commands, row)
        or not blank_from(commands, row, _INSTRUMENT_RESERVED)
        or c["pad"][row] != 0
        or i64(c["product"][row]) > _PRODUCT_LAST
        or base == quote
        or (c["call_until_ns"][row] != 0 and c["call_until_ns"][row] <= c["time_ns"][row])
        or i64(c["price_decimals"][row]) > DECIMALS_MAX
        or i64(c["qty_decimals"][row]) > DECIMALS_MAX
        or not 0 <= taker_ppm <= FEE_PPM_MAX
        or not -taker_ppm <= maker_ppm <= FEE_PPM_MAX
        or c["symbol_0"][row] & 0xFF == 0
    ):
        return _MALFORMED
    old = is_instrument_as_listed(state, commands, row)
    if not old and instrument != header["instrument_count"][0]:
        return _OUT_OF_TURN
    product = i64(c["product"][row])
    settle = base if product == _INVERSE else quote
    late = product != _SPOT and settle >= COLLATERALS_MAX
    if not old and (instrument >= header["instruments_max"][0] or late):
        return _TABLE_FULL
    if not 1 <= c["max_price_ticks"][row] <= PRICE_TICKS_MAX:
        return _PRICE_OUT_OF_RANGE
    if not 1 <= c["max_qty_lots"][row] <= QTY_LOTS_MAX:
        return _QTY_OUT_OF_RANGE
    if (
        not 1 <= c["lot_minor"][row] <= AMOUNT_MINOR_MAX // c["max_qty_lots"][row]
        or not 1 <= c["notional_num"][row] <= INVERSE_NUM_MAX
        or not 1 <= c["notional_den"][row] <= NOTIONAL_DEN_MAX
        or not 0 <= c["min_notional_minor"][row] <= AMOUNT_MINOR_MAX
        or not is_scale_proven(commands, row)
    ):
        return _AMOUNT_OUT_OF_RANGE
    return _NONE


@inner
def list_contract(state: State, instrument: int) -> None:
    """What margin knows of a listed perpetual; it has no mark yet."""
    rows, contracts = state.instruments, state.margin.contracts
    inverse = i64(rows["product"][instrument]) == _INVERSE
    contracts["num"][instrument] = rows["notional_num"][instrument]
    contracts["den"][instrument] = rows["notional_den"][instrument]
    contracts["max_ticks"][instrument] = rows["max_price_ticks"][instrument]
    contracts["multiplier_ppm"][instrument] = PPM
    contracts["kind"][instrument] = INVERSE if inverse else LINEAR
    settle = rows["base"][instrument] if inverse else rows["quote"][instrument]
    contracts["settle"][instrument] = settle
    contracts["tier_first"][instrument] = instrument * BRACKETS_MAX


@inner
def list_instrument(state: State, commands: Commands, results: Results, row: int) -> int:
    """LIST_INSTRUMENT. Returns a `Reject`; unless it is NONE nothing changed."""
    c, rows = commands.instrument, state.instruments
    reject = check_instrument(state, commands, row)
    if reject != _NONE:
        return reject
    instrument = i64(c["instrument"][row])
    results.outcomes["subject_id"][row] = instrument
    rows["min_notional_minor"][instrument] = c["min_notional_minor"][row]
    rows["max_qty_lots"][instrument] = c["max_qty_lots"][row]
    if instrument < state.header["instrument_count"][0]:
        return _NONE
    rows["base"][instrument] = c["base"][row]
    rows["quote"][instrument] = c["quote"][row]
    rows["lot_minor"][instrument] = c["lot_minor"][row]
    rows["notional_num"][instrument] = c["notional_num"][row]
    rows["notional_den"][instrument] = c["notional_den"][row]
    rows["max_price_ticks"][instrument] = c["max_price_ticks"][row]
    rows["maker_fee_ppm"][instrument] = c["maker_fee_ppm"][row]
    rows["taker_fee_ppm"][instrument] = c["taker_fee_ppm"][row]
    rows["product"][instrument] = c["product"][row]
    rows["price_decimals"][instrument] = c["price_decimals"][row]
    rows["qty_decimals"][instrument] = c["qty_decimals"][row]
    rows["symbol_0"][instrument] = c["symbol_0"][row]
    rows["symbol_1"][instrument] = c["symbol_1"][row]
    rows["symbol_2"][instrument] = c["symbol_2"][row]
    if i64(c["product"][row]) != _SPOT:
        list_contract(state, instrument)
    open_side(state.book, 2 * instrument, c["max_price_ticks"][row])
    open_side(state.book, 2 * instrument + 1, c["max_price_ticks"][row])
    for side_index in range(2 * SOURCES * instrument, 2 * SOURCES * (instrument + 1)):
        open_side(state.triggers, side_index, c["max_price_ticks"][row])
    if c["call_until_ns"][row] != 0:
        state.sessions["phase"][instrument] = _CALL
        state.sessions["call_until_ns"][instrument] = c["call_until_ns"][row]
    state.header["instrument_count"][0] = instrument + 1
    return _NONE
