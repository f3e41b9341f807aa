"""Stages 2 to 4 of one venue: journal, engine and read model, brought to the same command."""

import secrets
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from api.venue.config import VenueConfig
from api.venue.errors import GenesisRefused
from ledger.engine import Engine
from ledger.journal.journal import Journal
from ledger.journal.ports import Projects
from ledger.journal.recovery import Progress, recover
from ledger.journal.sequencer import Sequencer
from ledger.readmodel.model import ReadModel
from ledger.records.codes import CommandKind, Reject
from ledger.records.layout import COMMAND

_HASH_SEED_BITS: Final = 63


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
