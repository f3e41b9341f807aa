"""The read model's figure: commands folded per second, beside a copy of the same bytes."""

from time import perf_counter_ns
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.journal.bench import Figure
from ledger.journal.ports import Batch
from ledger.readmodel.model import ReadModel
from ledger.records.codes import CommandKind, EventKind, OrderStatus
from ledger.records.layout import COMMAND, EVENT, INSTRUMENT, ORDER, OUTCOME

_SECOND_NS: Final = 1_000_000_000
_ROUND: Final = 10
"""Commands of one round: five orders rest, one takes the first of them, four are canceled."""
_TAKER: Final = 5
ACCOUNTS: Final = 10_000
INSTRUMENTS: Final = 20
_TIME_NS: Final = 1_700_000_000_000_000_000


def listings() -> Batch:
    """The instruments of the rounds: the first commands."""
    seqs = np.arange(1, INSTRUMENTS + 1)
    commands, outcomes = np.zeros(INSTRUMENTS, INSTRUMENT), np.zeros(INSTRUMENTS, OUTCOME)
    commands["kind"] = outcomes["kind"] = int(CommandKind.LIST_INSTRUMENT)
    commands["instrument"], outcomes["seq"] = seqs - 1, seqs
    commands["lot_minor"] = commands["notional_num"] = commands["notional_den"] = 1
    return Batch(1, commands.view(COMMAND), outcomes, np.zeros(0, EVENT))


def rounds(first_seq: int, count: int, seed: int) -> Batch:
    """A batch of `count` rounds over many accounts and instruments, results included."""
    random = np.random.default_rng(seed)
    seqs = np.arange(first_seq, first_seq + count * _ROUND).reshape(count, _ROUND)
    commands = np.zeros((count, _ROUND), ORDER)
    commands["time_ns"] = _TIME_NS + seqs
    commands["account"] = random.integers(16, 16 + ACCOUNTS, (count, _ROUND))
    commands["instrument"] = random.integers(0, INSTRUMENTS, (count, 1))
    commands["qty_lots"], commands["price_ticks"] = 10, random.integers(1, 10_000, (count, 1))
    commands["client_id"] = np.char.zfill(seqs.astype("S20"), 20)
    outcomes = np.zeros((count, _ROUND), OUTCOME)
    outcomes["seq"] = outcomes["subject_id"] = seqs
    commands["kind"] = outcomes["kind"] = int(CommandKind.NEW_ORDER)
    outcomes["status"] = int(OrderStatus.OPEN)
    outcomes["status"][:, _TAKER] = int(OrderStatus.FILLED)
    outcomes["events"][:, _TAKER] = 1
    cancels = slice(_TAKER + 1, _ROUND)
    commands["kind"][:, cancels] = outcomes["kind"][:, cancels] = int(CommandKind.CANCEL_ORDER)
    outcomes["status"][:, cancels] = int(OrderStatus.CANCELED)
    outcomes["subject_id"][:, cancels] = seqs[:, 1:_TAKER]
    events = _trades(commands, seqs)
    return Batch(first_seq, commands.reshape(-1).view(COMMAND), outcomes.reshape(-1), events)


def _trades(commands: NDArray[Any], seqs: NDArray[Any]) -> NDArray[Any]:
    """One trade a round: the taker's whole size with the first order of the round."""
    events = np.zeros(len(seqs), EVENT)
    events["kind"] = int(EventKind.TRADE)
    events["seq"] = events["order_id"] = events["trade_id"] = seqs[:, _TAKER]
    events["counter_order_id"] = seqs[:, 0]
    for field in ("time_ns", "account", "instrument", "price_ticks", "qty_lots"):
        events[field] = commands[field][:, _TAKER]
    events["counter_account"] = commands["account"][:, 0]
    events["quote_minor"] = events["price_ticks"] * events["qty_lots"]
    return events


def folded_per_s(batches: int, batch_rounds: int) -> Figure:
    """Commands per second through `ReadModel.apply`, the kernels warm."""
    warm, model, size = ReadModel(1), ReadModel(1), batch_rounds * _ROUND
    for fresh in (warm, model):
        fresh.apply(listings())
    first_seq = model.seq + 1
    warm.apply(rounds(first_seq, 1, 1))
    parts = [rounds(first_seq + n * size, batch_rounds, n) for n in range(batches)]
    start_ns = perf_counter_ns()
    for part in parts:
        model.apply(part)
    value = batches * size * _SECOND_NS // (perf_counter_ns() - start_ns)
    start_ns = perf_counter_ns()
    for part in parts:
        for array in (part.commands, part.outcomes, part.events):
            array.copy()
    yardstick = batches * size * _SECOND_NS // (perf_counter_ns() - start_ns)
    return Figure("readmodel.folded_per_s", value, "commands/s", yardstick)
