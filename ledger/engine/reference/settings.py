"""The reference engine's parameters of margin, and what price sources say."""

from types import SimpleNamespace

from ledger.engine.limits import COLLATERALS_MAX, FEE_PPM_MAX, ORACLES_MAX
from ledger.engine.margin_layout import BRACKETS_MAX, INSURANCE, LEVERAGE_MAX, NO_ORACLE
from ledger.engine.reference.contracts import Collateral, Contract, Oracle, Rule
from ledger.engine.reference.effects import Effects
from ledger.engine.reference.state import State, require
from ledger.margin.limits import (
    DEN_MAX,
    EXPOSURE_MINOR_MAX,
    INTERVAL_S_MAX,
    MULTIPLIER_PPM_MAX,
    NUM_MAX,
    RATE_PPB_MAX,
    SOURCES_MAX,
)
from ledger.records.codes import Reject
from matching.units import PPM, PRICE_TICKS_MAX, QTY_LOTS_MAX

NS = 10**9


def _contract(state: State, c: SimpleNamespace, *, well_formed: bool) -> Contract:
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    contract = state.instruments[c.instrument].contract
    require(well_formed and contract is not None, Reject.MALFORMED)
    assert isinstance(contract, Contract), "just required"
    return contract


def set_fees(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_FEES.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(c.instrument < len(state.instruments), Reject.UNKNOWN_INSTRUMENT)
    well_formed = (
        c.clean
        and c.flags == c.account == 0
        and 0 <= c.taker_fee_ppm <= FEE_PPM_MAX
        and -c.taker_fee_ppm <= c.maker_fee_ppm <= FEE_PPM_MAX
        and (c.schedule == 0 or c.taker_fee_ppm == c.maker_fee_ppm == 0)
    )
    require(well_formed, Reject.MALFORMED)
    known = c.schedule == 0 or c.schedule in state.schedules
    require(known, Reject.UNKNOWN_SCHEDULE)
    state.instruments[c.instrument].schedule = c.schedule
    instrument = state.instruments[c.instrument]
    instrument.taker_fee_ppm, instrument.maker_fee_ppm = c.taker_fee_ppm, c.maker_fee_ppm
    effects.outcome = {"subject_id": c.instrument}


def set_tier(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_TIER.

    Raises:
        Rejected: In the order of `Reject`.
    """
    contract = _contract(state, c, well_formed=c.clean and c.flags == c.account == 0)
    require(c.row in {0, len(contract.brackets)}, Reject.OUT_OF_TURN)
    require(c.row < BRACKETS_MAX, Reject.TABLE_FULL)
    bracket = (c.floor_minor, c.maintenance_ppm, c.initial_ppm)
    sound = 0 < c.maintenance_ppm <= c.initial_ppm <= PPM
    if c.row == 0:
        sound = sound and c.floor_minor == 0
    else:
        low, maintenance, initial = contract.brackets[-1]
        sound = sound and low < c.floor_minor <= EXPOSURE_MINOR_MAX
        sound = sound and maintenance <= c.maintenance_ppm and initial <= c.initial_ppm
    require(sound, Reject.AMOUNT_OUT_OF_RANGE)
    contract.brackets = [*contract.brackets[: c.row], bracket]
    effects.outcome = {"subject_id": c.instrument}


def set_collateral(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_COLLATERAL.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(c.asset < len(state.assets), Reject.UNKNOWN_ASSET)
    require(c.clean and c.flags == c.account == 0, Reject.MALFORMED)
    fixed = c.oracle == NO_ORACLE
    require(fixed or c.oracle < len(state.oracles), Reject.UNKNOWN_ORACLE)
    require(c.asset < COLLATERALS_MAX, Reject.TABLE_FULL)
    priced = 1 <= c.index_ticks <= PRICE_TICKS_MAX if fixed else c.index_ticks == 0
    require(priced, Reject.PRICE_OUT_OF_RANGE)
    in_range = (
        1 <= c.num <= NUM_MAX
        and 1 <= c.den <= DEN_MAX
        and 0 <= c.haircut_ppm <= PPM
        and 0 <= c.debt_ppm <= PPM
    )
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    price = c.index_ticks if fixed else state.oracles[c.oracle].index
    former = state.collateral.get(c.asset)
    require(price > 0 or former is None or former.price == 0, Reject.NO_MARK)
    state.collateral[c.asset] = Collateral(c.oracle, price, c.num, c.den, c.haircut_ppm, c.debt_ppm)
    effects.outcome = {"subject_id": c.asset}


def set_perpetual(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_PERPETUAL.

    Raises:
        Rejected: In the order of `Reject`.
    """
    contract = _contract(state, c, well_formed=c.clean and c.flags == c.account == 0)
    require(c.oracle < len(state.oracles), Reject.UNKNOWN_ORACLE)
    require(state.may_open(INSURANCE, c.instrument, (0,)), Reject.TABLE_FULL)
    in_range = (
        1 <= c.interval_s <= INTERVAL_S_MAX
        and 1 <= c.leverage_max <= LEVERAGE_MAX
        and 1 <= c.alpha_ppm <= PPM
        and abs(c.interest_ppb) <= RATE_PPB_MAX
        and 0 <= c.damper_ppb <= RATE_PPB_MAX
        and 0 <= c.cap_ppb <= RATE_PPB_MAX
        and 1 <= c.impact_minor <= EXPOSURE_MINOR_MAX
        and 1 <= c.calm_ppb <= RATE_PPB_MAX
        and 1 <= c.decay_ppm <= c.rise_ppm <= PPM <= c.cap_ppm <= MULTIPLIER_PPM_MAX
        and 0 <= c.position_max_lots <= QTY_LOTS_MAX
    )
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    state.open(INSURANCE, c.instrument)
    if contract.rule is None or contract.rule.interval_s != c.interval_s:
        interval = c.interval_s * NS
        contract.next_funding_ns = (effects.time_ns // interval + 1) * interval
    contract.rule = Rule(
        c.oracle,
        c.interval_s,
        c.leverage_max,
        c.alpha_ppm,
        c.interest_ppb,
        c.damper_ppb,
        c.cap_ppb,
        c.impact_minor,
        c.calm_ppb,
        c.rise_ppm,
        c.decay_ppm,
        c.cap_ppm,
        c.position_max_lots,
    )
    effects.outcome = {"subject_id": c.instrument}


def set_oracle(state: State, effects: Effects, c: SimpleNamespace) -> None:
    """SET_ORACLE.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(c.clean and c.flags == c.account == 0, Reject.MALFORMED)
    require(c.oracle <= len(state.oracles), Reject.OUT_OF_TURN)
    require(c.oracle < ORACLES_MAX, Reject.TABLE_FULL)
    in_range = (
        1 <= c.sources <= SOURCES_MAX
        and 1 <= c.minimum <= c.sources
        and 0 <= c.stale_ns <= 10**18
        and 0 <= c.outlier_ppm <= PPM
    )
    require(in_range, Reject.AMOUNT_OUT_OF_RANGE)
    if c.oracle == len(state.oracles):
        state.oracles.append(Oracle(0, 0, 0, 0))
    oracle = state.oracles[c.oracle]
    oracle.sources, oracle.minimum = c.sources, c.minimum
    oracle.stale_ns, oracle.outlier_ppm = c.stale_ns, c.outlier_ppm
    effects.outcome = {"subject_id": c.oracle}


def oracle_price(state: State, _effects: Effects, c: SimpleNamespace) -> None:
    """ORACLE_PRICE.

    Raises:
        Rejected: In the order of `Reject`.
    """
    require(c.clean and c.flags == c.account == 0, Reject.MALFORMED)
    known = c.oracle < len(state.oracles) and c.source < state.oracles[c.oracle].sources
    require(known, Reject.UNKNOWN_ORACLE)
    said = state.oracles[c.oracle].said
    require(c.observed_ns > said.get(c.source, (0, 0))[1], Reject.OUT_OF_TURN)
    require(c.observed_ns <= c.time_ns + 10 * 10**9, Reject.OUT_OF_TURN)
    require(1 <= c.price_ticks <= PRICE_TICKS_MAX, Reject.PRICE_OUT_OF_RANGE)
    said[c.source] = (c.price_ticks, c.observed_ns)
