"""The real engine behind the sequencer, the real read model behind the engine."""

import asyncio
from random import Random

import numpy as np
import pytest

from ledger.engine import Engine
from ledger.journal.journal import Journal
from ledger.journal.recovery import recover
from ledger.journal.sequencer import Sequencer
from ledger.readmodel.model import ReadModel
from ledger.readmodel.tables import Retention
from ledger.records.codes import CommandKind, EventKind
from ledger.records.layout import COMMAND
from tests.engine.streams import Stream, as_commands
from tests.journal.machine import VENUE, Diary, Ticker
from tests.readmodel.oracle import Oracle
from tests.readmodel.test_model import assert_same

KINDS = {int(kind) for kind in CommandKind}
KEPT = Retention(closed_orders=100, trades=256)
QUESTIONED = {"accounts": (16, 17, 18, 19), "instruments": (0, 1, 2), "client_ids": (b"client-7",)}


async def drive(sequencer, raw, random):
    """Submit everything in order, alone or together, some of it without waiting."""
    waiting, at = [], 0
    while at < len(raw):
        size = random.choice([1, 1, 2, 40])
        part, at = raw[at : at + size], at + size
        if size == 1 and part[0][8] in KINDS:
            waiting.append(asyncio.ensure_future(sequencer.submit(part[0])))
        else:
            waiting.append(asyncio.ensure_future(sequencer.submit_many(as_commands(part))))
        await asyncio.sleep(0)
        if random.random() < 0.2:
            await asyncio.gather(*waiting)
            waiting.clear()
    return await asyncio.gather(*waiting)


def live(directory, seed, length):
    """A day of a venue: its engine, read model, and the batches that it projected."""

    async def day():
        journal, engine, diary = Journal.open(directory, VENUE), Engine(), Diary()
        model = ReadModel(seed, KEPT)
        sequencer = Sequencer(journal, engine, [diary, model], Ticker())
        sequencer.start()
        await drive(sequencer, Stream(seed).take(length), Random(seed))
        await sequencer.close()
        journal.close()
        return engine, model, diary

    return asyncio.run(day())


@pytest.mark.parametrize("seed", range(4))
def test_a_live_day_its_replay_and_a_plain_execution_end_equal(tmp_path, seed):
    engine, model, diary = live(tmp_path / "j", seed, 500)
    plain = Engine()
    plain.execute(diary.commands())
    assert plain.state_root() == engine.state_root()

    oracle = Oracle(KEPT.closed_orders, KEPT.trades)
    for batch in diary.batches:
        oracle.apply(batch)
    assert_same(model, oracle, **QUESTIONED)

    journal = Journal.open(tmp_path / "j", VENUE)
    replayed, again = Engine(), ReadModel(seed + 1, KEPT)
    recover(journal, replayed, [again])
    assert replayed.state_root() == engine.state_root()
    assert_same(again, oracle, **QUESTIONED)
    journal.close()


@pytest.mark.parametrize("seed", range(4, 8))
def test_the_read_model_says_of_orders_and_withdrawals_what_the_engine_does(tmp_path, seed):
    engine, model, _ = live(tmp_path / "j", seed, 500)
    seen_open = 0
    for seq in range(1, engine.seq + 1):
        held, viewed = engine.order(seq), model.order(seq)
        if held is not None:
            seen_open += 1
            assert viewed is not None
            assert (held.account, held.instrument, held.side) == (
                viewed.account,
                viewed.instrument,
                viewed.side,
            )
            assert (held.price_ticks, held.qty_lots) == (viewed.price_ticks, viewed.qty_lots)
            assert held.remaining_lots == viewed.qty_lots - viewed.filled_lots
            assert viewed in model.open_orders(held.account, held.instrument)
        elif viewed is not None:
            assert viewed not in model.open_orders(viewed.account)
        withdrawal = engine.withdrawal(seq)
        shown = model.withdrawal(seq)
        assert (withdrawal is None) == (shown is None)
        if withdrawal is not None:
            for field in ("account", "asset", "amount_minor", "fee_minor", "payee", "travel"):
                assert getattr(withdrawal, field) == getattr(shown, field)
            assert withdrawal.status == shown.status
            assert (withdrawal.checks_passed, withdrawal.batch) == (
                shown.checks_passed,
                shown.batch,
            )
    assert seen_open == engine.open_order_count > 0


def test_the_streams_reach_every_event_that_the_read_model_folds(tmp_path):
    kinds = set()
    for seed in range(3):
        _, _, diary = live(tmp_path / f"j{seed}", seed, 500)
        for batch in diary.batches:
            kinds |= set(batch.events["kind"].tolist())
    folded = {kind for kind in EventKind if kind.name.startswith(("WITHDRAWAL", "HOLD"))}
    assert kinds == folded | {EventKind.TRADE, EventKind.ORDER_EXPIRED}


@pytest.mark.parametrize("snapshot_seq", [1, 60, 200])
def test_an_engine_snapshot_and_the_rest_of_the_journal_give_the_same_root(tmp_path, snapshot_seq):
    engine, _, diary = live(tmp_path / "j", 11, 300)
    early = Engine()
    early.execute(np.ascontiguousarray(diary.commands()[:snapshot_seq]).view(COMMAND))
    restored = Engine.restore(early.snapshot())
    journal = Journal.open(tmp_path / "j", VENUE)
    recover(journal, restored, [])
    assert restored.state_root() == engine.state_root()
    journal.close()
