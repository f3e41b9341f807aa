"""Stages 2 to 4 of one venue: journal, engine and read model, brought to the same command."""

import secrets
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from api.venue.config import VenueConfig
from api.venue.errors import GenesisRefused
from api.venue.loops import Loop
from ledger.engine import Engine
from ledger.journal.errors import Overloaded
from ledger.journal.journal import Journal
from ledger.journal.ports import Projects
from ledger.journal.recovery import Progress, recover
from ledger.journal.sequencer import Sequencer
from ledger.readmodel.model import ReadModel
from ledger.records.build import command
from ledger.records.codes import CommandKind, Reject
from ledger.records.layout import COMMAND

_HASH_SEED_BITS: Final = 63
TICK_EVERY_MS: Final = 1_000
"""How late an order's or a dead-man's second may be noticed, and how often marks move."""


@dataclass(frozen=True, slots=True)
class Trading:
    """What is open; `replayed` says how many commands the start executed again."""

    journal: Journal
    engine: Engine
    history: ReadModel
    sequencer: Sequencer
    replayed: int

    @classmethod
    async def open(
        cls,
        config: VenueConfig,
        journal: Journal,
        listener: Projects,
        progress: Progress | None = None,
    ) -> Self:
        """Recover from the journal, then begin to sequence; on the first start, the genesis.

        Args:
            config: The venue's.
            journal: Open.
            listener: Follows the record beside the read model; at the journal's end already.
            progress: For people who wait.

        Raises:
            JournalCorrupt: The stored bytes changed since the journal was opened.
            GenesisRefused: The engine refused a command of the genesis.
        """
        engine, history = Engine(), ReadModel(secrets.randbits(_HASH_SEED_BITS))
        replayed = recover(journal, engine, [history, listener], progress)
        sequencer = Sequencer(journal, engine, [history, listener], config.now_ns)
        sequencer.start()
        if engine.seq == 0:
            await _begin(sequencer, config.genesis())
        return cls(journal, engine, history, sequencer, replayed)

    def tick_loop(self) -> Loop:
        """The work that lets time pass: a TICK a second, stamped by the clock of all commands.

        What is due by then happens: dated orders and dead-man's switches end, marks move, funding
        is paid. A TICK is a command like any other: journaled, executed again by every replica.
        """
        return Loop("ticks", self._tick, (Overloaded,), TICK_EVERY_MS)

    async def _tick(self) -> None:
        ack = await self.sequencer.submit(command(CommandKind.TICK))
        assert ack.reject is Reject.NONE, f"a TICK asks for nothing that can be refused: {ack}"


def open_journal(config: VenueConfig) -> Journal:
    """The venue's journal, verified.

    Raises:
        JournalError: It is locked, damaged, or of another venue or version.
    """
    return Journal.open(config.folder / "journal", bytes.fromhex(config.group.fingerprint))


async def _begin(sequencer: Sequencer, genesis: list[bytes]) -> None:
    done = await sequencer.submit_many(np.frombuffer(b"".join(genesis), COMMAND))
    for at, outcome in enumerate(done.outcomes):
        if outcome["reject"] != Reject.NONE:
            kind, reject = CommandKind(int(outcome["kind"])), Reject(int(outcome["reject"]))
            raise GenesisRefused(at + 1, kind.name, reject.name)
