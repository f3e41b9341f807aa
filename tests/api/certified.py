"""A certified ledger over a test venue's journal: real blocks, real signatures of four replicas.

Certification itself is tested where it lives; here the regulator's routes need its receipts.
"""

from pathlib import Path

import numpy as np

from compliance.ports import AnchorFacts, CertifiedChunk
from ledger.audit.bodies import BLOCK_COMMANDS_MAX, Submit
from ledger.audit.certificate import NO_DIGEST
from ledger.audit.core import sign_commit
from ledger.audit.group import VENUE
from ledger.audit.ledger import Ledger
from ledger.audit.store import FrameKind
from ledger.engine import Engine
from ledger.journal.journal import Journal
from tests.audit.ground import author_of, make_group


class Certified:
    """The venue's copy of the ledger. Implements `Receipts` and `CertifiedRecords`."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        self.group = make_group(4)
        self._journal = journal
        self._ledger: Ledger[Engine] = Ledger(directory, self.group, "venue", Engine)

    def certify(self) -> None:
        """One block after the other, up to the journal's end."""
        ledger = self._ledger
        first_seq = ledger.tip.last_seq + 1
        if first_seq > self._journal.last_seq:
            return
        rows = np.concatenate(
            [
                frame.commands[max(0, first_seq - frame.first_seq) :]
                for frame in self._journal.read(first_seq)
            ]
        )
        assert len(rows) <= BLOCK_COMMANDS_MAX
        number = ledger.tip.number + 1
        previous = ledger.tip.digest if number > 1 else NO_DIGEST
        body = Submit(previous, first_seq, rows.tobytes())
        batch = author_of(self.group, VENUE).sign(0, number, body)
        ledger.persist(FrameKind.PROPOSAL, number, (batch,))
        roots = ledger.execute(batch)
        commits = tuple(
            sign_commit(author_of(self.group, replica), 0, batch, roots)
            for replica in range(self.group.size)
        )
        ledger.persist_certificate(batch, commits)
        ledger.commit(batch, commits)

    def receipt_for(self, seq: int, event_index: int | None) -> str:
        return self._ledger.receipt_for(seq, event_index)

    def certified_seq(self) -> int:
        return self._ledger.tip.last_seq

    def read(self, first_seq: int, last_seq: int) -> CertifiedChunk:
        parts = list(self._ledger.records(first_seq, last_seq))
        return CertifiedChunk(
            first_seq,
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("commands", "outcomes", "events")
            ),
        )

    def close(self) -> None:
        self._ledger.close()


class Anchored:
    """Anchors by digest, set by the test: the chain has no part here."""

    def __init__(self) -> None:
        self.facts: dict[bytes, AnchorFacts] = {}

    def anchor_of_report(self, report_digest: bytes) -> AnchorFacts | None:
        return self.facts.get(report_digest)
