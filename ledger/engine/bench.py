"""How fast the engine is: figures beside a yardstick taken in the same run.

Nothing is asserted here: the machine is shared, and only the ratio to the yardstick travels.
All figures are integers; rates are per second.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.engine.engine import Engine
from ledger.engine.layout import CUSTOMER_FIRST
from ledger.records import layout
from ledger.records.build import address_fields, command
from ledger.records.codes import CommandKind, Side, TimeInForce
from matching.jit import i64, kernel

NS: Final = 1_000_000_000
ACCOUNTS: Final = 10_000
INSTRUMENTS: Final = 20
FLOW_COMMANDS: Final = 1_000_000
BATCHES: Final = (512, 4096)
SINGLES: Final = 20_000
FUNDS_MINOR: Final = 10**15
MID_TICKS: Final = 100_000
SEED: Final = 20261120


@dataclass(frozen=True, slots=True)
class Figure:
    """One benchmark result; `yardstick` is `measure_yardstick` of the same run."""

    name: str
    value: int
    unit: str
    yardstick: int


@kernel
def _scatter(table: NDArray[np.int64], steps: int) -> int:
    """Dependent updates of pseudo-random places: integer work and cache misses."""
    place = i64(1)
    last = table.shape[0] - 1
    for _ in range(steps):
        place = (place * 48271) % 2147483647
        table[place & last] += place
    return i64(table[0])


def measure_yardstick() -> int:
    """Steps per second of a fixed compiled loop: what this machine gives us just now."""
    table, steps = np.zeros(1 << 20, np.int64), 20_000_000
    _scatter(table, 1)
    started = time.perf_counter_ns()
    _scatter(table, steps)
    return steps * NS // (time.perf_counter_ns() - started)


def listings(instruments: int) -> NDArray[Any]:
    """Two assets an instrument would share are enough: base 0 and quote 1 for all of them."""
    raw = [
        command(
            CommandKind.LIST_ASSET,
            asset=asset,
            supply_max_minor=2**61,
            symbol=b"ASSET",
            **address_fields("token", bytes([asset + 1]) * 20),
        )
        for asset in range(instruments + 1)
    ]
    raw += [
        command(
            CommandKind.LIST_INSTRUMENT,
            instrument=instrument,
            base=instrument + 1,
            quote=0,
            lot_minor=100,
            notional_num=1,
            notional_den=10,
            max_price_ticks=10**7,
            max_qty_lots=10**9,
            maker_fee_ppm=-100,
            taker_fee_ppm=500,
            symbol=b"PAIR",
        )
        for instrument in range(instruments)
    ]
    return np.frombuffer(b"".join(raw), layout.COMMAND)


def funding(accounts: int, assets: int) -> NDArray[Any]:
    """Open the accounts and give each enough of every asset."""
    opened = np.zeros(accounts, layout.ACCOUNT)
    opened["version"] = 1
    opened["kind"] = CommandKind.OPEN_ACCOUNT
    opened["account"] = np.arange(CUSTOMER_FIRST, CUSTOMER_FIRST + accounts)
    deposits = np.zeros(accounts * assets, layout.DEPOSIT)
    deposits["version"] = 1
    deposits["kind"] = CommandKind.CREDIT_DEPOSIT
    deposits["account"] = np.repeat(opened["account"], assets)
    deposits["asset"] = np.tile(np.arange(assets), accounts)
    deposits["deposit_index"] = np.arange(1, len(deposits) + 1)
    deposits["amount_minor"] = 2**61 // accounts // 2
    return np.concatenate([opened.view(layout.COMMAND), deposits.view(layout.COMMAND)])


def order_flow(first_seq: int, commands: int, accounts: int, instruments: int) -> NDArray[Any]:
    """New, cancel and amend about 50 : 41 : 9; 15 % of new orders are IOC; a wandering middle.

    Every order is followed up once, by a cancel or an amend; some have been filled by then.
    """
    rng = np.random.default_rng(SEED)
    fresh = commands // 2
    born = np.sort(rng.integers(0, commands * 16, fresh))
    amends = rng.integers(0, 100, fresh) < 18
    lived = rng.integers(1, 16 * 4000, fresh)
    orders = np.zeros(fresh, layout.ORDER)
    orders["version"] = 1
    orders["kind"] = CommandKind.NEW_ORDER
    orders["account"] = rng.integers(CUSTOMER_FIRST, CUSTOMER_FIRST + accounts, fresh)
    orders["instrument"] = rng.integers(0, instruments, fresh)
    orders["side"] = rng.integers(0, 2, fresh)
    middle = MID_TICKS + np.cumsum(rng.integers(-1, 2, fresh)) // instruments
    # Most rest within 50 ticks of the middle, the nearer the likelier; some cross it.
    away = rng.integers(0, 1000, fresh) ** 2 // 20_000
    away[rng.integers(0, 100, fresh) < 15] -= 4
    orders["price_ticks"] = middle + np.where(orders["side"] == Side.BUY, -away, away)
    orders["qty_lots"] = rng.integers(2, 1000, fresh)
    orders["time_in_force"] = np.where(
        rng.integers(0, 100, fresh) < 15, TimeInForce.IOC, TimeInForce.GTC
    )
    later = np.zeros(fresh, layout.ORDER)
    for name in ("version", "account", "instrument"):
        later[name] = orders[name]
    later["kind"] = np.where(amends, CommandKind.AMEND_ORDER, CommandKind.CANCEL_ORDER)
    later["qty_lots"] = np.where(amends, 1, 0)
    moments = np.concatenate([born, born + lived])
    order = np.argsort(moments, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    later["target_id"] = first_seq + place[:fresh]
    return np.concatenate([orders, later])[order].view(layout.COMMAND)


def prepared(accounts: int, instruments: int) -> Engine:
    """An engine with accounts, assets, instruments and money."""
    engine = Engine()
    for commands in (listings(instruments), funding(accounts, instruments + 1)):
        outcomes = engine.execute(commands).outcomes
        assert not outcomes["reject"].any(), "the set-up is well-formed"
    return engine


def _rate(engine: Engine, flow: NDArray[Any], batch: int) -> int:
    started = time.perf_counter_ns()
    for first in range(0, len(flow), batch):
        engine.execute(flow[first : first + batch])
    return len(flow) * NS // (time.perf_counter_ns() - started)


def engine_figures() -> Iterator[Figure]:
    """Whole-engine rates by batch size, and the time of a lone command."""
    yardstick = measure_yardstick()
    for batch in BATCHES:
        engine = prepared(ACCOUNTS, INSTRUMENTS)
        flow = order_flow(engine.seq + 1, FLOW_COMMANDS, ACCOUNTS, INSTRUMENTS)
        rate = _rate(engine, flow, batch)
        yield Figure(f"engine.batch{batch}", rate, "commands/s", yardstick)
    engine = prepared(ACCOUNTS, INSTRUMENTS)
    flow = order_flow(engine.seq + 1, SINGLES, ACCOUNTS, INSTRUMENTS)
    taken = np.zeros(SINGLES, np.int64)
    for at in range(SINGLES):
        started = time.perf_counter_ns()
        engine.execute(flow[at : at + 1])
        taken[at] = time.perf_counter_ns() - started
    taken.sort()
    for share in (50, 99):
        nanoseconds = int(taken[SINGLES * share // 100])
        yield Figure(f"engine.single_p{share}_ns", nanoseconds, "ns", yardstick)
    started = time.perf_counter_ns()
    engine.state_root()
    yield Figure("engine.root_us", (time.perf_counter_ns() - started) // 1000, "us", yardstick)


if __name__ == "__main__":
    for figure in engine_figures():
        sys.stdout.write(f"{figure}\n")
