"""Audit a whole ledger directory offline: every frame, link, certificate, root; and re-execution.

It trusts only the group file. Errors name whose ledger it is, the file, the offset and the block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ledger.audit.blocks import BlockScanner, StoredBlock
from ledger.audit.errors import LedgerCorrupt, RootsDiffer
from ledger.audit.group import Group
from ledger.audit.leaves import leaf_hashes
from ledger.audit.log import MerkleLog, check_consistency
from ledger.audit.ports import BlockHeader, StateMachine
from ledger.audit.store import (
    NO_CHECK,
    Frame,
    SegmentReader,
    TornTail,
    check_meta,
    owner_of,
    segment_paths,
)


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What an audit found to hold.

    Attributes:
        owner: Whose ledger it is.
        header: The last certified block; None for an empty ledger.
        blocks, entries: How many were checked.
        executed: Whether every block was executed again.
        torn: An unfinished frame at the end, which backs nothing; None when there is none.
    """

    owner: str
    header: BlockHeader | None
    blocks: int
    entries: int
    executed: bool
    torn: TornTail | None


@dataclass(slots=True)
class _Reading:
    owner: str
    torn: TornTail | None = None

    def frames(self, directory: Path, group: Group) -> Iterator[Frame]:
        """Every frame of every segment. A broken frame is an error here, wherever it stands."""
        check, block, paths = NO_CHECK, 1, segment_paths(directory)
        for i, path in enumerate(paths):
            reader = SegmentReader(path, self.owner, check, block)
            for j, frame in enumerate(reader.frames()):
                if j == 0:
                    check_meta(group, self.owner, frame)
                yield frame
            tail = reader.tail
            if tail is not None and (tail.lost is not None or i + 1 < len(paths)):
                lost = "segment" if tail.lost is None else tail.lost.name
                raise reader.corrupt(tail.offset, f"the last frame, a {lost}, is damaged")
            self.torn, check, block = tail, reader.check, reader.block


def verify_ledger(
    directory: Path, group: Group, machine: StateMachine | None = None
) -> LedgerReport:
    """Check a ledger directory from its first byte.

    Args:
        directory: A replica's or the venue's; it may be in use.
        group: Who may certify.
        machine: An empty state machine, to execute every block again; None to check hashes only.

    Raises:
        LedgerFileError: What does not hold, with owner, file, offset and block.
        RootsDiffer: Executing again gave other results; it names who signed the others.
    """
    owner = owner_of(directory)
    reading, scanner = _Reading(owner), BlockScanner(group, owner)
    log = MerkleLog()
    header: BlockHeader | None = None
    for frame in reading.frames(directory, group):
        stored = scanner.take(frame)
        if stored is None:
            continue
        _check_log(log, stored, header, owner)
        if machine is not None:
            _execute_again(machine, stored, group)
        header = stored.header
    return LedgerReport(
        owner, header, scanner.tip.number, log.size, machine is not None, reading.torn
    )


def _check_log(log: MerkleLog, stored: StoredBlock, before: BlockHeader | None, owner: str) -> None:
    """The entries on disk lead to the signed root, and that root extends the one before."""
    log.append(leaf_hashes(stored.commands, stored.outcomes, stored.events))
    header = stored.header
    where = stored.results.file, stored.results.offset, header.number
    if (log.size, log.root()) != (header.log_size, header.log_root):
        raise LedgerCorrupt(owner, *where, "outcomes or events are not those that were certified")
    if before is not None:
        proof = log.consistency(before.log_size, header.log_size)
        sizes, roots = (before.log_size, header.log_size), (before.log_root, header.log_root)
        check_consistency(*sizes, *roots, proof)


def _execute_again(machine: StateMachine, stored: StoredBlock, group: Group) -> None:
    header = stored.header
    done = machine.execute(stored.commands)
    outcomes_equal = np.asarray(done.outcomes).tobytes() == stored.outcomes.tobytes()
    events_equal = np.asarray(done.events).tobytes() == stored.events.tobytes()
    root = machine.state_root()
    if outcomes_equal and events_equal and root == header.state_root:
        return
    names = tuple(group.name_of(message.sender) for message in stored.commits)
    what = f"state_root={root.hex()} outcomes equal: {outcomes_equal} events equal: {events_equal}"
    raise RootsDiffer(header.number, names, what, f"state_root={header.state_root.hex()}")
