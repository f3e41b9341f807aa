"""The reference engine's listings, accounts, and records of reports and anchors."""

import hashlib
import struct
from types import SimpleNamespace

from ledger.engine.limits import (
    COLLATERALS_MAX,
    DECIMALS_MAX,
    DECIMALS_SPAN_MAX,
    FEE_PPM_MAX,
    NOTIONAL_DEN_MAX,
    NOTIONAL_NUM_MAX,
)
from ledger.engine.reference.contracts import Contract
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.state import Account, Asset, Instrument, Session, State, require
from ledger.margin.contracts import exposure_fits
from ledger.margin.limits import INVERSE, LINEAR
from ledger.records.codes import Phase, Product, Reject
from matching.units import AMOUNT_MINOR_MAX, PRICE_TICKS_MAX, QTY_LOTS_MAX


def open_account(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """OPEN_ACCOUNT: header.account is the new id.

    Raises:
        Rejected: In the order of `Reject`.
    """
    known = state.is_customer(c.master) and state.accounts[c.master].master == 0
    require(c.master == 0 or known, Reject.UNKNOWN_ACCOUNT)
    require(c.clean and c.flags == 0, Reject.MALFORMED)
    require(c.account == len(state.accounts), Reject.OUT_OF_TURN)
    require(c.account < state.capacity.accounts, Reject.TABLE_FULL)
    state.accounts.append(Account(effects.seq, c.master, c.tier, c.subject))
    effects.outcome = {"subject_id": c.account}


def list_asset(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """LIST_ASSET.

    Raises:
        Rejected: In the order of `Reject`.
    """
    span = c.token_decimals - c.ledger_decimals
    well_formed = (
        c.clean
        and c.flags == c.account == 0
        and c.token_decimals <= DECIMALS_MAX
        and 0 <= span <= DECIMALS_SPAN_MAX
        and c.required_checks <= 3
        and c.symbol[0] != 0
    )
    require(well_formed, Reject.MALFORMED)
    old = state.assets[c.asset] if c.asset < len(state.assets) else None
    same = old is not None and (
        (old.token, old.symbol, old.ledger_decimals, old.token_decimals, old.required_checks)
        == (c.token, c.symbol, c.ledger_decimals, c.token_decimals, c.required_checks)
    )
    require(same or c.asset == len(state.assets), Reject.OUT_OF_TURN)
    require(same or c.asset < state.capacity.assets, Reject.TABLE_FULL)
    require(1 <= c.supply_max_minor <= AMOUNT_MINOR_MAX, Reject.AMOUNT_OUT_OF_RANGE)
    for amount in (c.withdrawal_min_minor, c.withdrawal_fee_minor):
        require(0 <= amount <= c.supply_max_minor, Reject.AMOUNT_OUT_OF_RANGE)
    effects.outcome = {"subject_id": c.asset}
    if old is not None:
        old.supply_max = c.supply_max_minor
        old.withdrawal_min, old.withdrawal_fee = c.withdrawal_min_minor, c.withdrawal_fee_minor
        return
    state.assets.append(
        Asset(
            c.token,
            c.symbol,
            c.ledger_decimals,
            c.token_decimals,
            c.required_checks,
            c.supply_max_minor,
            c.withdrawal_min_minor,
            c.withdrawal_fee_minor,
            10**span,
        )
    )


def check_scale(c: SimpleNamespace) -> None:
    """An instrument's numbers, each by itself.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(1 <= c.max_price_ticks <= PRICE_TICKS_MAX, Reject.PRICE_OUT_OF_RANGE)
    require(1 <= c.max_qty_lots <= QTY_LOTS_MAX, Reject.QTY_OUT_OF_RANGE)
    in_range = (
        c.lot_minor >= 1
        and c.lot_minor * c.max_qty_lots <= AMOUNT_MINOR_MAX
        and c.notional_num >= 1
        and 1 <= c.notional_den <= NOTIONAL_DEN_MAX
        and 0 <= c.min_notional_minor <= AMOUNT_MINOR_MAX
    )
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)


def is_as_listed(own: Instrument, c: SimpleNamespace) -> bool:
    """Whether a listing that names an old one says all but its limits as it stands."""
    stands = (
        own.symbol, own.product, own.base, own.quote, own.price_decimals, own.qty_decimals,
        own.lot_minor, own.num, own.den, own.max_price, own.maker_fee_ppm, own.taker_fee_ppm,
    )  # fmt: skip
    said = (
        c.symbol, c.product, c.base, c.quote, c.price_decimals, c.qty_decimals, c.lot_minor,
        c.notional_num, c.notional_den, c.max_price_ticks, c.maker_fee_ppm, c.taker_fee_ppm,
    )  # fmt: skip
    return stands == said and c.call_until_ns == 0


def list_instrument(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """LIST_INSTRUMENT.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(max(c.base, c.quote) < len(state.assets), Reject.UNKNOWN_ASSET)
    well_formed = (
        c.clean
        and c.flags == c.account == 0
        and c.product <= max(Product)
        and c.base != c.quote
        and (c.call_until_ns == 0 or c.call_until_ns > effects.time_ns)
        and max(c.price_decimals, c.qty_decimals) <= DECIMALS_MAX
        and 0 <= c.taker_fee_ppm <= FEE_PPM_MAX
        and -c.taker_fee_ppm <= c.maker_fee_ppm <= FEE_PPM_MAX
        and c.symbol[0] != 0
    )
    require(well_formed, Reject.MALFORMED)
    old = state.instruments[c.instrument] if c.instrument < len(state.instruments) else None
    same = old is not None and is_as_listed(old, c)
    require(same or c.instrument == len(state.instruments), Reject.OUT_OF_TURN)
    require(same or c.instrument < state.capacity.instruments, Reject.TABLE_FULL)
    product = Product(c.product)
    settle = c.base if product == Product.INVERSE else c.quote
    settles = same or product == Product.SPOT or settle < COLLATERALS_MAX
    require(settles, Reject.TABLE_FULL)
    check_scale(c)
    if product == Product.SPOT:
        require(c.notional_num <= NOTIONAL_NUM_MAX, Reject.AMOUNT_OUT_OF_RANGE)
        contract = None
    else:
        kind = INVERSE if product == Product.INVERSE else LINEAR
        terms = (c.max_qty_lots, c.max_price_ticks, c.notional_num, c.notional_den)
        require(exposure_fits(kind, *terms), Reject.AMOUNT_OUT_OF_RANGE)
        contract = Contract(
            kind == INVERSE, c.notional_num, c.notional_den, c.max_price_ticks, settle
        )
    effects.outcome = {"subject_id": c.instrument}
    if old is not None:
        old.min_notional, old.max_qty = c.min_notional_minor, c.max_qty_lots
        return
    state.instruments.append(
        Instrument(
            c.symbol,
            c.base,
            c.quote,
            c.lot_minor,
            c.notional_num,
            c.notional_den,
            c.min_notional_minor,
            c.max_price_ticks,
            c.max_qty_lots,
            c.maker_fee_ppm,
            c.taker_fee_ppm,
            c.price_decimals,
            c.qty_decimals,
            product,
            contract=contract,
            session=Session(
                phase=Phase.CALL if c.call_until_ns else Phase.CONTINUOUS,
                call_until_ns=c.call_until_ns,
            ),
        )
    )


def record_report(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """RECORD_REPORT: reports count from 1 and form a SHA-256 chain.

    Raises:
        Rejected: MALFORMED.
    """
    ordered = 1 <= c.from_seq <= c.to_seq < effects.seq
    require(c.clean and c.flags == c.account == 0 and ordered, Reject.MALFORMED)
    state.report_count += 1
    body = struct.pack("<Qqq", c.report_kind, c.from_seq, c.to_seq) + c.report + c.pack
    state.report_chain = hashlib.sha256(state.report_chain + body).digest()
    effects.outcome = {"subject_id": state.report_count}


def record_anchor(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """RECORD_ANCHOR: indices count from 1, blocks grow, and they form a SHA-256 chain.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(c.clean and c.flags == c.account == 0 and c.chain_block >= 0, Reject.MALFORMED)
    in_turn = c.anchor_index == state.anchor_index + 1 and c.block > state.anchored_block
    require(in_turn, Reject.OUT_OF_TURN)
    state.anchor_index, state.anchored_block = c.anchor_index, c.block
    body = struct.pack("<qqq", c.anchor_index, c.block, c.chain_block) + c.tx
    state.anchor_chain = hashlib.sha256(state.anchor_chain + body).digest()
    effects.outcome = {"subject_id": c.anchor_index}
