"""Time passes by commands: what is due happens at the venue's next TICK, and is shown."""

import asyncio

import pytest

from api.venue.trading import TICK_EVERY_MS, Trading
from ledger.journal.errors import Overloaded
from ledger.records.build import command
from ledger.records.codes import CommandKind, Side, TimeInForce
from tests.api.test_orders import query
from tests.api.venue import BTCUSDT

NS = 10**9


@pytest.fixture
def trading(venue):
    return Trading(venue.journal, venue.engine, venue.history, venue.sequencer, 0)


def dated(venue, account, seconds):
    """An order of the ledger's own, good for so many seconds."""
    expire_ns = (venue.clock() // NS + seconds) * NS
    venue.command(
        command(
            CommandKind.NEW_ORDER, account=account, instrument=BTCUSDT, side=Side.BUY,
            time_in_force=TimeInForce.GTD, price_ticks=1_000_000, qty_lots=100_000,
            expire_ns=expire_ns,
        )
    )  # fmt: skip
    return venue.engine.seq


def test_a_dated_order_is_open_until_the_first_tick_that_is_not_before_its_second(venue, trading):
    alice = venue.trader(usdt=100_000)
    order_id = dated(venue, alice.account, 100)
    loop = trading.tick_loop()
    venue.run(loop.work())
    assert query(venue, alice, order_id)["status"] == "NEW"
    venue.ahead_ns = 101 * NS
    assert query(venue, alice, order_id)["status"] == "NEW"
    seq = venue.engine.seq
    venue.run(loop.work())
    shown = query(venue, alice, order_id)
    assert (shown["status"], shown["timeInForce"]) == ("EXPIRED", "GTD")
    assert venue.engine.seq == seq + 1
    assert venue.engine.time_ns >= shown["updateTime"] * 10**6


def test_a_dead_mans_switch_fires_at_a_tick(venue, trading):
    alice = venue.trader(usdt=100_000)
    order_id = dated(venue, alice.account, 1000)
    expire_ns = (venue.clock() // NS + 5) * NS
    venue.command(command(CommandKind.CANCEL_AFTER, account=alice.account, expire_ns=expire_ns))
    venue.ahead_ns = 6 * NS
    venue.run(trading.tick_loop().work())
    assert query(venue, alice, order_id)["status"] == "CANCELED"


def test_ticks_go_on_once_a_second_and_outlive_a_full_queue(venue, trading):
    loop = trading.tick_loop()
    assert (loop.every_ms, TICK_EVERY_MS) == (1_000, 1_000)
    assert loop.survives == (Overloaded,)

    async def some() -> None:
        stop, seq = asyncio.Event(), venue.engine.seq
        running = asyncio.ensure_future(loop.run(stop))
        await asyncio.sleep(0)
        # The next command of anybody comes after the loop's first.
        await venue.sequencer.submit(command(CommandKind.TICK))
        assert venue.engine.seq >= seq + 2
        stop.set()
        await running

    venue.run(some())
    assert loop.alarm is None
