"""The reference engine's state as canonical tables, so that its root can be compared."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine import layout
from ledger.engine.reference.credit_tables import credit_tables
from ledger.engine.reference.margin_tables import margin_tables
from ledger.engine.reference.rows import table_of
from ledger.engine.reference.state import Instrument, Order, Pending, State
from ledger.engine.reference.timers import Slots
from ledger.engine.root import Table, TableId
from ledger.records.build import address_fields, digest_fields
from ledger.records.codes import Side
from matching.layout import NIL, RESTING

POOL_HEAD: Final = np.dtype([(name, "<i8") for name in ("order_high", "order_free", "order_open")])


def canonical_tables(state: State) -> list[Table]:
    """Every canonical table, in order, built afresh."""
    resting = _resting(state)
    resting_by, pending_by = _by_account(state.orders.values()), _by_account(state.pending.values())
    trailing_by: dict[int, list[int]] = {}
    for order in state.pending.values():
        if order.terms.trail_ticks:
            trailing_by.setdefault(order.terms.instrument, []).append(order.slot)
    tables = {
        TableId.HEADER: _header(state),
        TableId.POOL: _pool(state.slots, len(state.orders)),
        TableId.ACCOUNTS: _accounts(state),
        TableId.ASSETS: _assets(state),
        TableId.INSTRUMENTS: _instruments(state),
        TableId.RESTING: resting,
        TableId.ORDERS: _orders(state),
        TableId.WITHDRAWALS: _withdrawals(state),
        TableId.BATCHES: _batches(state),
        TableId.PAYOUTS: table_of(
            layout.PAYOUT_ROW, [{"withdrawal": r} for b in state.batches for r in b.rows]
        ),
        TableId.TERMS: _terms(state),
        TableId.ORDER_LINKS: _links(state.slots.high, resting_by),
        TableId.ORDER_OWNERS: _owners(len(state.accounts), resting_by),
        TableId.SEATS: table_of(
            layout.SEAT_ROW, [vars(state.seats[account]) for account in range(len(state.accounts))]
        ),
        TableId.TIMER_POOL: _pool(state.timers.slots, len(state.timers.timers)),
        TableId.TIMERS: _timers(state),
        TableId.HOLDS: _holds(state),
        **margin_tables(state),
        TableId.MARKETS: _markets(state),
        TableId.SESSIONS: _sessions(state),
        TableId.SWINGS: _swings(state),
        TableId.TRAIL_OWNERS: _owners(len(state.instruments), trailing_by),
        TableId.TRAIL_LINKS: _links(state.pending_slots.high, trailing_by),
        TableId.TRIGGER_POOL: _pool(state.pending_slots, len(state.pending)),
        TableId.TRIGGERS: _triggers(state),
        TableId.PENDING: _pending(state),
        TableId.PENDING_LINKS: _links(state.pending_slots.high, pending_by),
        TableId.PENDING_OWNERS: _owners(len(state.accounts), pending_by),
        **credit_tables(state),
    }
    balances = [
        Table(TableId.BALANCES + asset, _balances(state, asset))
        for asset in range(len(state.assets))
    ]
    return [Table(table, tables[table]) for table in sorted(tables)] + balances


def _text(name: str, raw: bytes) -> dict[str, int]:
    words = np.frombuffer(raw, "<i8")
    return {f"{name}_{i}": int(word) for i, word in enumerate(words)}


def _header(state: State) -> NDArray[Any]:
    cleared = state.cleared or [NIL]
    return table_of(
        layout.HEADER,
        [
            {
                "seq": state.seq,
                "time_ns": state.time_ns,
                "accounts_max": state.capacity.accounts,
                "assets_max": state.capacity.assets,
                "instruments_max": state.capacity.instruments,
                "orders_max": state.capacity.orders,
                "withdrawals_max": state.capacity.withdrawals,
                "account_count": len(state.accounts),
                "asset_count": len(state.assets),
                "instrument_count": len(state.instruments),
                "deposit_index": state.deposit_index,
                "withdrawal_count": len(state.withdrawals),
                "cleared_head": cleared[0],
                "cleared_tail": cleared[-1],
                "batch_count": len(state.batches),
                "payout_count": sum(len(batch.rows) for batch in state.batches),
                "report_count": state.report_count,
                "anchor_index": state.anchor_index,
                "anchored_block": state.anchored_block,
                **digest_fields("report_chain", state.report_chain),
                **digest_fields("anchor_chain", state.anchor_chain),
                "positions_max": state.capacity.positions,
                "position_count": len(state.positions),
                "holds_max": state.capacity.holds,
                "hold_count": len(state.risk_holds),
                "oracle_count": len(state.oracles),
                "collateral_end": max(state.collateral, default=-1) + 1,
                "isolated_count": sum(p.isolated for p in state.positions),
                "halted": state.halted,
                "trailing_count": sum(o.terms.trail_ticks > 0 for o in state.pending.values()),
                "borrower_count": len(state.borrowers),
            }
        ],
    )


def _accounts(state: State) -> NDArray[Any]:
    return table_of(
        layout.ACCOUNT_ROW,
        [
            {"opened_seq": a.opened_seq, "master": a.master, "tier": a.tier}
            | digest_fields("subject", a.subject)
            for a in state.accounts
        ],
    )


def _assets(state: State) -> NDArray[Any]:
    return table_of(
        layout.ASSET_ROW,
        [
            {
                "supply_max_minor": a.supply_max,
                "withdrawal_min_minor": a.withdrawal_min,
                "withdrawal_fee_minor": a.withdrawal_fee,
                "dust_wei": a.dust_wei,
                "unit_wei": a.unit_wei,
                "ledger_decimals": a.ledger_decimals,
                "token_decimals": a.token_decimals,
                "required_checks": a.required_checks,
            }
            | address_fields("token", a.token)
            | _text("symbol", a.symbol)
            for a in state.assets
        ],
    )


def _instruments(state: State) -> NDArray[Any]:
    return table_of(
        layout.INSTRUMENT_ROW,
        [
            {
                "base": i.base,
                "quote": i.quote,
                "lot_minor": i.lot_minor,
                "notional_num": i.num,
                "notional_den": i.den,
                "min_notional_minor": i.min_notional,
                "max_price_ticks": i.max_price,
                "max_qty_lots": i.max_qty,
                "maker_fee_ppm": i.maker_fee_ppm,
                "taker_fee_ppm": i.taker_fee_ppm,
                "trade_count": i.trades,
                "price_decimals": i.price_decimals,
                "qty_decimals": i.qty_decimals,
                "product": i.product,
                "fee_schedule": i.schedule,
            }
            | _text("symbol", i.symbol)
            for i in state.instruments
        ],
    )


def _resting(state: State) -> NDArray[Any]:
    rows: list[dict[str, int]] = [{} for _ in range(state.slots.high)]
    for instrument in state.instruments:
        for level in (orders for side in instrument.levels.values() for orders in side.values()):
            slots = [NIL, *(order.slot for order in level), NIL]
            for place, order in enumerate(level, start=1):
                rows[order.slot] = {
                    "order_id": order.order_id,
                    "qty_lots": order.shown,
                    "account": order.account,
                    "side_index": 2 * order.instrument + order.side,
                    "prev": slots[place - 1],
                    "next": slots[place + 1],
                }
    return _with_free(table_of(RESTING, rows), state.slots)


def _orders(state: State) -> NDArray[Any]:
    rows: list[dict[str, int]] = [{} for _ in range(state.slots.high)]
    for order in state.orders.values():
        rows[order.slot] = {
            "total_lots": order.total,
            "held_minor": order.held,
            "carry": order.carry if order.side == Side.BUY else 0,
            "price_ticks": order.price,
            "traits": (
                (layout.TIMED if order.expire_s else 0)
                | (layout.ICEBERG if order.iceberg else 0)
                | (layout.LINKED if order.partner else 0)
                | (layout.PLEDGED if order.pledge else 0)
                | (layout.CLOSER if order.closes else 0)
                | order.leg << layout.LEG_SHIFT
                | (layout.ISOLATED if _is_isolated(state, order) else 0)
            ),
        }
    return table_of(layout.ORDER_ROW, rows)


def _is_isolated(state: State, order: Order) -> bool:
    p = state.position(order.account, order.instrument, order.leg)
    return p is not None and p.isolated


def _terms(state: State) -> NDArray[Any]:
    rows: list[dict[str, int]] = [{} for _ in range(state.slots.high)]
    for order in state.orders.values():
        rows[order.slot] = {
            "expire_s": order.expire_s,
            "display_lots": order.display if order.iceberg else 0,
            "hidden_lots": order.remaining - order.shown,
            "partner_id": order.partner,
            "pledge_minor": order.pledge,
        }
    return table_of(layout.TERMS_ROW, rows)


def _links(high: int, slots_of: dict[int, list[int]]) -> NDArray[Any]:
    table = np.zeros(high, layout.LINK)
    for slots in slots_of.values():
        places = [0, *(slot + 1 for slot in slots), 0]
        for before, place, after in zip(places, places[1:], places[2:], strict=False):
            table[place - 1] = (after, before)
    return table


def _owners(accounts: int, slots_of: dict[int, list[int]]) -> NDArray[Any]:
    table = np.zeros(accounts, layout.OWNER_ROW)
    for account, slots in slots_of.items():
        table[account] = (slots[0] + 1, slots[-1] + 1, len(slots), 0)
    return table


def _by_account(orders: Iterable[Order | Pending]) -> dict[int, list[int]]:
    """Each account's slots, in order of arrival."""
    found: dict[int, list[int]] = {}
    for order in orders:
        found.setdefault(order.account, []).append(order.slot)
    return found


def _trigger_side(order: Pending) -> int:
    return 2 * (layout.SOURCES * int(order.terms.instrument) + order.source) + order.rising


def _triggers(state: State) -> NDArray[Any]:
    rows: list[dict[str, int]] = [{} for _ in range(state.pending_slots.high)]
    queues: dict[tuple[int, int], list[int]] = {}
    for order in sorted(state.pending.values(), key=lambda found: found.rank):
        key = _trigger_side(order), order.terms.trigger_ticks
        queues.setdefault(key, []).append(order.slot)
    for order in state.pending.values():
        side_index = _trigger_side(order)
        queue = [NIL, *queues[side_index, order.terms.trigger_ticks], NIL]
        place = queue.index(order.slot)
        rows[order.slot] = {
            "order_id": order.order_id,
            "qty_lots": 1,
            "account": order.account,
            "side_index": side_index,
            "prev": queue[place - 1],
            "next": queue[place + 1],
        }
    return _with_free(table_of(RESTING, rows), state.pending_slots)


def _pending(state: State) -> NDArray[Any]:
    rows: list[dict[str, int]] = [{} for _ in range(state.pending_slots.high)]
    same = [
        name for name in layout.PENDING_ROW.names or () if name not in {"expire_s", "partner_id"}
    ]
    for order in state.pending.values():
        rows[order.slot] = {name: int(getattr(order.terms, name)) for name in same} | {
            "expire_s": order.terms.expire_ns // 10**9,
            "partner_id": order.partner,
        }
    return table_of(layout.PENDING_ROW, rows)


def _hidden(instrument: Instrument, side: Side) -> int:
    orders = [order for level in instrument.levels[side].values() for order in level]
    return sum(order.remaining - order.shown for order in orders)


def _sessions(state: State) -> NDArray[Any]:
    return table_of(
        layout.SESSION_ROW,
        [
            {
                "band_ppm": session.band_ppm,
                "halt_ppm": session.halt_ppm,
                "window_s": session.window_s,
                "reopen_s": session.reopen_s,
                "opening_ticks": session.opening,
                "call_until_ns": session.call_until_ns,
                "low_ticks": min(session.prices, default=0),
                "high_ticks": max(session.prices, default=0),
                "reference": session.reference,
                "phase": session.phase,
            }
            for session in (instrument.session for instrument in state.instruments)
        ],
    )


def _swings(state: State) -> NDArray[Any]:
    rows: list[dict[str, int]] = []
    for instrument in state.instruments:
        own: list[dict[str, int]] = [{} for _ in range(layout.BUCKETS)]
        for part, prices in sorted(instrument.session.swings.items()):
            own[part % layout.BUCKETS] = {
                "bucket": part,
                "low_ticks": min(prices, default=0),
                "high_ticks": max(prices, default=0),
            }
        rows += own
    return table_of(layout.SWING_ROW, rows)


def _markets(state: State) -> NDArray[Any]:
    icebergs = [order.instrument for order in state.orders.values() if order.iceberg]
    return table_of(
        layout.MARKET_ROW,
        [
            {
                "last_ticks": instrument.last,
                "icebergs": icebergs.count(number),
                "hidden_buys": _hidden(instrument, Side.BUY),
                "hidden_sells": _hidden(instrument, Side.SELL),
            }
            for number, instrument in enumerate(state.instruments)
        ],
    )


def _timers(state: State) -> NDArray[Any]:
    rows: list[dict[str, int]] = [{} for _ in range(state.timers.slots.high)]
    for timer in state.timers.timers:
        queue = [NIL, *(other.slot for other in state.timers.queue(timer.second)), NIL]
        place = queue.index(timer.slot)
        rows[timer.slot] = {
            "order_id": timer.timer_id,
            "qty_lots": timer.second - layout.TIMER_EPOCH_S,
            "account": timer.account,
            "prev": queue[place - 1],
            "next": queue[place + 1],
        }
    return _with_free(table_of(RESTING, rows), state.timers.slots)


def _pool(slots: Slots, taken: int) -> NDArray[Any]:
    free = slots.free[-1] if slots.free else NIL
    return table_of(
        POOL_HEAD, [{"order_high": slots.high, "order_free": free, "order_open": taken}]
    )


def _with_free(rows: NDArray[Any], slots: Slots) -> NDArray[Any]:
    """Chain the free slots: each leads to the one that was freed before it."""
    for below, slot in enumerate(slots.free):
        rows["next"][slot] = slots.free[below - 1] if below else NIL
    return rows


def _withdrawals(state: State) -> NDArray[Any]:
    after = (
        dict(zip(state.cleared, [*state.cleared[1:], NIL], strict=True)) if state.cleared else {}
    )
    return table_of(
        layout.WITHDRAWAL_ROW,
        [
            {
                "withdrawal_id": w.withdrawal_id,
                "account": w.account,
                "asset": w.asset,
                "amount_minor": w.amount,
                "fee_minor": w.fee,
                "next": after.get(row, NIL),
                "batch": w.batch,
                "status": w.status,
                "checks_passed": w.passed,
            }
            | address_fields("payee", w.payee)
            | digest_fields("travel", w.travel)
            for row, w in enumerate(state.withdrawals)
        ],
    )


def _holds(state: State) -> NDArray[Any]:
    rows = []
    for own in state.risk_holds:
        account, asset, amount, reason = own.said
        row = {"placed_seq": own.seq, "account": account, "asset": asset}
        row |= {"amount_minor": amount, "left_minor": own.left}
        rows.append(row | digest_fields("reason", reason))
    return table_of(layout.HOLD_ROW, rows)


def _batches(state: State) -> NDArray[Any]:
    first, rows = 0, []
    for batch in state.batches:
        rows.append(
            {
                "status": batch.status,
                "cut_seq": batch.cut_seq,
                "deadline_s": batch.deadline_s,
                "deposit_index": batch.deposit_index,
                "payout_first": first,
                "payout_count": len(batch.rows),
            }
        )
        first += len(batch.rows)
    return table_of(layout.BATCH_ROW, rows)


def _balances(state: State, asset: int) -> NDArray[Any]:
    table = np.zeros(len(state.accounts), layout.BALANCE)
    for (of, account), amount in state.available.items():
        if of == asset:
            table["available_minor"][account] = amount
    for (of, account), amount in state.held.items():
        if of == asset:
            table["held_minor"][account] = amount
    return table
