"""The whole road, measured: from the gate's command path to a quorum's certificate."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.bench.harness import Figure, Suite
from api.demo import work
from api.demo.board import Board, percentile
from api.demo.flow import SeededFlow
from api.demo.stream import Streamed
from api.devnet.devnet import Devnet, DevnetConfig
from api.devnet.genesis import FIRST_CUSTOMER
from api.gate.desk import NewOrder
from ledger.records.codes import OrderType, Side

ORDERS: Final = 20_000
LONE_ORDERS: Final = 500
SEED: Final = 1
NAMES: Final = (
    "road.orders_per_s", "road.submit_to_ack_p50_us", "road.ack_to_certified_p99_ms"
)  # fmt: skip
NS_PER_S, NS_PER_MS, NS_PER_US = 1_000_000_000, 1_000_000, 1_000


@dataclass(frozen=True, slots=True)
class _Measured:
    streamed: Streamed
    lone_ns: list[int]


def measure_road() -> Iterator[Figure]:
    """One devnet in a temporary folder: lone orders one by one, then a pipelined flow."""
    with tempfile.TemporaryDirectory(prefix="provenue-bench-") as folder:
        done = asyncio.run(_measure(Path(folder) / "devnet"))
    streamed = done.streamed
    values = (
        streamed.commands * NS_PER_S / streamed.elapsed_ns,
        percentile(done.lone_ns, 500) / NS_PER_US,
        percentile(streamed.ack_to_certified_ns, 990) / NS_PER_MS,
    )
    for name, value, unit in zip(NAMES, values, ("1/s", "µs", "ms"), strict=True):
        yield Figure(name, value, unit)


async def _measure(folder: Path) -> _Measured:
    board, taken = Board(quiet=True), work.Taken()
    devnet = await Devnet.open(DevnetConfig(folder))
    try:
        async with devnet.venue.running():
            await work.fund(devnet, board, taken)
            lone_ns = await _lone(devnet)
            flow = SeededFlow(SEED, ORDERS)
            streamed = await work.trade(devnet, board, flow, ORDERS)
    finally:
        await devnet.close()
    assert board.all_held, "a figure of something that went wrong is none"
    return _Measured(streamed, lone_ns)


async def _lone(devnet: Devnet) -> list[int]:
    """Submit-to-acknowledgement times of orders that nothing else waits beside."""
    desk, times_ns = devnet.venue.door.services.desk, []
    for number in range(LONE_ORDERS):
        order = NewOrder(
            instrument=work.BTCUSDC,
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            client_id=b"lone%d" % number,
            price_ticks=1_000_000 + number,
            qty_lots=1_000_000,
        )
        began_ns = time.perf_counter_ns()
        await desk.place(FIRST_CUSTOMER, order)
        times_ns.append(time.perf_counter_ns() - began_ns)
    return times_ns


ROAD: Final = Suite(NAMES, measure_road)
