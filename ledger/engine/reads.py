"""Reads of the state, for between two batches. None of them changes anything."""

import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.errors import ConservationBroken
from ledger.engine.kernels.queries import judge, survey
from ledger.engine.layout import CUSTODY
from ledger.engine.state import State
from ledger.engine.views import (
    Balance,
    BatchStatus,
    EngineAsset,
    EngineBatch,
    EngineHold,
    EngineInstrument,
    EngineOrder,
    EngineSession,
    EngineWithdrawal,
    Standing,
)
from ledger.records.build import read_address, read_digest
from ledger.records.codes import Check, Phase, Side, WithdrawalStatus
from matching.ids import find_slot
from matching.index import key_of, next_level
from matching.jit import i64, kernel
from matching.layout import NIL, Book
from matching.pins import pin

DEPTH: Final = np.dtype([("price_ticks", "<i8"), ("qty_lots", "<i8"), ("orders", "<i8")])
"""One level of a book's depth."""


def _count(state: State, name: str) -> int:
    return int(state.header[f"{name}_count"][0])


def _symbol(row: np.void, words: int) -> bytes:
    parts = (int(row[f"symbol_{word}"]) for word in range(words))
    return struct.pack(f"<{words}q", *parts).rstrip(b"\0")


def balance(state: State, account: int, asset: int) -> Balance:
    """One account's money in one asset; zero for what does not exist."""
    if not (0 <= asset < _count(state, "asset") and 0 <= account < _count(state, "account")):
        return Balance(0, 0)
    row = state.balances[asset, account]
    return Balance(int(row["available_minor"]), int(row["held_minor"]))


def assert_conservation(state: State) -> tuple[int, ...]:
    """Sum every asset over all accounts; sums modulo 2^64 are exact for the test against zero.

    Raises:
        ConservationBroken: An asset does not sum to zero.
    """
    assets, accounts = _count(state, "asset"), _count(state, "account")
    owned = []
    for asset in range(assets):
        rows = state.balances[asset, :accounts]
        total = int(rows["available_minor"].sum() + rows["held_minor"].sum())
        if total != 0:
            raise ConservationBroken(asset, total)
        owned.append(-int(rows["available_minor"][CUSTODY]))
    return tuple(owned)


@kernel
def _walk_depth(book: Book, side_index: int, levels: NDArray[Any]) -> int:
    """Fill DEPTH rows with the best levels of one side; returns how many. levels is mutated."""
    found = 0
    level = i64(book.sides["best_level"][side_index])
    while level != NIL and found < levels.shape[0]:
        key = i64(book.levels["key"][level])
        levels["price_ticks"][found] = key_of(book, side_index, key)
        levels["qty_lots"][found] = book.levels["qty_lots"][level]
        levels["orders"][found] = book.levels["count"][level]
        found += 1
        level = next_level(book, level)
    return found


def depth(state: State, instrument: int, levels: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bids and asks, best first: DEPTH rows, at most `levels` each; empty when unknown."""
    assert levels >= 0, "a depth has no negative size"
    known = 0 <= instrument < _count(state, "instrument")
    sides = []
    for side in (Side.BUY, Side.SELL):
        index = 2 * instrument + side
        deep = min(levels, int(state.book.sides["levels"][index])) if known else 0
        rows = np.zeros(deep, DEPTH)
        if deep:
            _walk_depth(state.book, index, rows)
        sides.append(rows)
    return sides[0], sides[1]


@kernel
def _find_order(book: Book, order_id: int) -> int:
    return find_slot(book.ids, order_id)


def order(state: State, order_id: int) -> EngineOrder | None:
    """An open order, or None."""
    slot = _find_order(state.book, order_id) if order_id > 0 else NIL
    if slot == NIL:
        return None
    resting, money = state.book.orders[slot], state.orders[slot]
    return EngineOrder(
        order_id=order_id,
        account=int(resting["account"]),
        instrument=int(resting["side_index"]) >> 1,
        side=Side(int(resting["side_index"]) & 1),
        price_ticks=int(money["price_ticks"]),
        qty_lots=int(money["total_lots"]),
        remaining_lots=int(resting["qty_lots"]) + int(state.terms[slot]["hidden_lots"]),
        held_minor=int(money["held_minor"]),
    )


def withdrawal(state: State, withdrawal_id: int) -> EngineWithdrawal | None:
    """A withdrawal in any state, or None."""
    rows = state.withdrawals[: _count(state, "withdrawal")]
    at = int(np.searchsorted(rows["withdrawal_id"], withdrawal_id))
    if at == len(rows) or int(rows["withdrawal_id"][at]) != withdrawal_id:
        return None
    row = rows[at]
    return EngineWithdrawal(
        withdrawal_id=withdrawal_id,
        account=int(row["account"]),
        asset=int(row["asset"]),
        amount_minor=int(row["amount_minor"]),
        fee_minor=int(row["fee_minor"]),
        payee=read_address(row, "payee"),
        travel=read_digest(row, "travel"),
        status=WithdrawalStatus(int(row["status"])),
        checks_passed=Check(int(row["checks_passed"])),
        batch=int(row["batch"]),
    )


def pending_withdrawals(state: State) -> list[int]:
    """Ids of withdrawals HELD or CLEARED, ascending."""
    rows = state.withdrawals[: _count(state, "withdrawal")]
    status = rows["status"]
    pending = (status == WithdrawalStatus.HELD) | (status == WithdrawalStatus.CLEARED)
    return [int(found) for found in rows["withdrawal_id"][pending]]


def cleared_count(state: State) -> int:
    """Withdrawals that wait for the next batch."""
    status = state.withdrawals["status"][: _count(state, "withdrawal")]
    return int(np.count_nonzero(status == WithdrawalStatus.CLEARED))


def hold(state: State, hold_id: int) -> EngineHold | None:
    """What risk or compliance froze under a number, resolved or not, or None."""
    if not 1 <= hold_id <= _count(state, "hold"):
        return None
    row = state.holds[hold_id - 1]
    return EngineHold(
        hold_id=hold_id,
        placed_seq=int(row["placed_seq"]),
        account=int(row["account"]),
        asset=int(row["asset"]),
        amount_minor=int(row["amount_minor"]),
        left_minor=int(row["left_minor"]),
        reason=read_digest(row, "reason"),
    )


def open_holds(state: State, account: int) -> list[EngineHold]:
    """What is frozen of an account's money, by number."""
    rows = state.holds[: _count(state, "hold")]
    numbers = np.flatnonzero((rows["account"] == account) & (rows["left_minor"] != 0)) + 1
    found = (hold(state, int(number)) for number in numbers)
    return [one for one in found if one is not None]


def batch(state: State, number: int) -> EngineBatch | None:
    """One batch with its payouts in order, or None."""
    if not 1 <= number <= _count(state, "batch"):
        return None
    row = state.batches[number - 1]
    first, count = int(row["payout_first"]), int(row["payout_count"])
    rows = state.payouts["withdrawal"][first : first + count]
    return EngineBatch(
        batch=number,
        status=BatchStatus(int(row["status"])),
        cut_seq=int(row["cut_seq"]),
        deadline_s=int(row["deadline_s"]),
        deposit_index=int(row["deposit_index"]),
        withdrawal_ids=tuple(int(found) for found in state.withdrawals["withdrawal_id"][rows]),
    )


def asset(state: State, number: int) -> EngineAsset | None:
    """A listed asset, or None."""
    if not 0 <= number < _count(state, "asset"):
        return None
    row = state.assets[number]
    return EngineAsset(
        asset=number,
        symbol=_symbol(row, 2),
        token=read_address(row, "token"),
        ledger_decimals=int(row["ledger_decimals"]),
        token_decimals=int(row["token_decimals"]),
        required_checks=Check(int(row["required_checks"])),
        supply_max_minor=int(row["supply_max_minor"]),
        withdrawal_min_minor=int(row["withdrawal_min_minor"]),
        withdrawal_fee_minor=int(row["withdrawal_fee_minor"]),
        unit_wei=int(row["unit_wei"]),
        dust_wei=int(row["dust_wei"]),
    )


def instrument(state: State, number: int) -> EngineInstrument | None:
    """A listed instrument, or None."""
    if not 0 <= number < _count(state, "instrument"):
        return None
    row = state.instruments[number]
    return EngineInstrument(
        instrument=number,
        symbol=_symbol(row, 3),
        base=int(row["base"]),
        quote=int(row["quote"]),
        price_decimals=int(row["price_decimals"]),
        qty_decimals=int(row["qty_decimals"]),
        lot_minor=int(row["lot_minor"]),
        notional_num=int(row["notional_num"]),
        notional_den=int(row["notional_den"]),
        min_notional_minor=int(row["min_notional_minor"]),
        max_price_ticks=int(row["max_price_ticks"]),
        max_qty_lots=int(row["max_qty_lots"]),
        maker_fee_ppm=int(row["maker_fee_ppm"]),
        taker_fee_ppm=int(row["taker_fee_ppm"]),
        trade_count=int(row["trade_count"]),
    )


def standing(state: State, account: int) -> Standing:
    """How an account stands at the marks of the last TICK; nothing for what does not exist."""
    if not 0 <= account < _count(state, "account"):
        return Standing(0, 0, 0)
    equity, maintenance, initial = judge(pin(state), account)
    return Standing(int(equity), int(maintenance), int(initial))


def session(state: State, instrument_: int) -> EngineSession | None:
    """How an instrument trades now; None for what does not exist."""
    if not 0 <= instrument_ < _count(state, "instrument"):
        return None
    row = state.sessions[instrument_]
    halted = bool(state.header["halted"][0])
    low, high, price, lots, surplus = survey(pin(state), instrument_)
    return EngineSession(
        phase=Phase.HALTED if halted else Phase(int(row["phase"])),
        call_until_ns=int(row["call_until_ns"]),
        band_low_ticks=int(low),
        band_high_ticks=int(high),
        price_ticks=int(price),
        lots=int(lots),
        surplus_lots=int(surplus),
    )


def mark_ticks(state: State, instrument_: int) -> int:
    """A perpetual's mark; 0 for what has none."""
    if not 0 <= instrument_ < _count(state, "instrument"):
        return 0
    return int(state.margin.contracts["mark_ticks"][instrument_])
