"""A small deterministic state machine: what the sequencer needs of an engine, and nothing else."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.journal.ports import Batch
from ledger.records.build import command
from ledger.records.codes import CommandKind
from ledger.records.layout import COMMAND, EVENT, ORDER, OUTCOME

VENUE = bytes(range(32))
OTHER_VENUE = bytes(32)


@dataclass
class Result:
    first_seq: int
    outcomes: NDArray[Any]
    events: NDArray[Any]


@dataclass
class Machine:
    """Every command has seq % 3 events; the root covers every byte of every command."""

    seq: int = 0
    root: bytes = bytes(32)
    calls: list[int] = field(default_factory=list)

    def execute(self, commands: NDArray[Any]) -> Result:
        first_seq, count = self.seq + 1, len(commands)
        self.calls.append(count)
        self.seq += count
        for row in commands:
            self.root = sha256(self.root + row.tobytes()).digest()
        seqs = np.arange(first_seq, first_seq + count)
        outcomes = np.zeros(count, OUTCOME)
        outcomes["seq"], outcomes["kind"] = seqs, commands["kind"]
        outcomes["subject_id"], outcomes["filled_lots"] = seqs, seqs * 2
        outcomes["remaining_lots"], outcomes["status"] = seqs * 3, 1
        outcomes["events"] = seqs % 3
        events = np.zeros(int(outcomes["events"].sum()), EVENT)
        events["seq"] = np.repeat(seqs, seqs % 3)
        return Result(first_seq, outcomes, events)


@dataclass
class Diary:
    """A projection that remembers what it was told."""

    seq: int = 0
    batches: list[Batch] = field(default_factory=list)

    def apply(self, batch: Batch) -> None:
        assert batch.first_seq == self.seq + 1
        self.seq = batch.last_seq
        self.batches.append(batch)

    def commands(self) -> NDArray[Any]:
        return np.concatenate([batch.commands for batch in self.batches])


@dataclass
class Ticker:
    """A clock that moves by one each time it is read, from where it is set."""

    now_ns: int = 1_000

    def __call__(self) -> int:
        self.now_ns += 1
        return self.now_ns


def order(number: int) -> bytes:
    """An order that can be told from all others by its price."""
    return command(CommandKind.NEW_ORDER, account=16, price_ticks=number, qty_lots=1)


def orders(numbers: range, time_ns: int = 0) -> NDArray[Any]:
    """COMMAND rows of such orders, all with one time."""
    rows = np.zeros(len(numbers), ORDER)
    rows["kind"], rows["version"], rows["account"] = int(CommandKind.NEW_ORDER), 1, 16
    rows["price_ticks"], rows["qty_lots"], rows["time_ns"] = numbers, 1, time_ns
    return rows.view(COMMAND)


def prices(commands: NDArray[Any]) -> list[int]:
    """What tells orders apart."""
    return commands.view(ORDER)["price_ticks"].tolist()
