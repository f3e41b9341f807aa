"""One party's copy of the ledger: certified blocks on disk, their log, and an engine that ran them.

Replicas and the venue use the same. A block is executed before it is certified (`execute`), made
final by its certificate (`persist_certificate`, then `commit`), or forgotten (`undo`, which builds
the engine afresh from the certified blocks). Not safe for threads, but `persist` and
`persist_certificate` only touch the store, so a driver may run them in a thread while it waits.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic

import numpy as np

from ledger.audit.blocks import (
    BlockScanner,
    StoredBlock,
    batch_of,
    commands_of,
    decode_results,
    encode_results,
)
from ledger.audit.bodies import Commit
from ledger.audit.certificate import Roots, header_of
from ledger.audit.effects import Recovered, Tip
from ledger.audit.errors import LedgerCorrupt, NotCertified, RootsDiffer, UnknownEntry
from ledger.audit.group import Group
from ledger.audit.leaves import command_entry, event_entry, leaf_hashes
from ledger.audit.log import MerkleLog
from ledger.audit.messages import Signed, checkpoint_of, join, open_message, split_messages
from ledger.audit.note import encode_note
from ledger.audit.ports import BlockHeader, M, MachineFactory, Records
from ledger.audit.receipt import Receipt, encode_receipt
from ledger.audit.store import FrameKind, FrameStore, Place
from ledger.records.layout import COMMAND

NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Block:
    header: BlockHeader
    proposal: Place
    results: Place


@dataclass(frozen=True, slots=True)
class _Executed:
    batch: Signed
    roots: Roots
    outcomes: bytes
    events: bytes


class Ledger(Generic[M]):
    """Opens, extends and reads one ledger directory."""

    def __init__(
        self, directory: Path, group: Group, owner: str, machine: MachineFactory[M]
    ) -> None:
        """Lock the directory, read it, and execute every certified block again.

        Raises:
            LedgerFileError: The files are locked, corrupt, or somebody else's.
            RootsDiffer: Executing again gave other results than were certified.
        """
        self.group, self.owner = group, owner
        self._factory = machine
        self._blocks: list[_Block] = []
        self._last_seqs: list[int] = []
        self._speculative: list[_Executed] = []
        self._proposals: dict[bytes, Place] = {}
        self._certificates: dict[int, Place] = {}
        self._reset()
        self._store = FrameStore(directory, group, owner)
        try:
            scanner = self._replay()
        except BaseException:
            self._store.close()
            raise
        torn = self._store.torn
        lost_vote = torn is not None and torn.lost == FrameKind.PROPOSAL
        self.torn = torn
        self.recovered = Recovered(
            tuple(scanner.pending), abstain=self.tip.number + 1 if lost_vote else 0
        )

    def _reset(self) -> None:
        self.engine: M = self._factory()
        assert self.engine.seq == 0, "the factory builds an empty state machine"
        self.log = MerkleLog()

    def _replay(self) -> BlockScanner:
        scanner = BlockScanner(self.group, self.owner)
        last: StoredBlock | None = None
        for frame in self._store.load():
            stored = scanner.take(frame)
            if stored is not None:
                last = stored
                self._rerun(stored)
                self._append(_Block(stored.header, stored.proposal, stored.results))
        for message in scanner.pending:
            place = scanner.place_of(message.digest)
            if place is not None:
                self._proposals[message.digest] = place
        if last is not None:
            self._check_state(last)
        # Kernels compile on their first call: better here, on an engine that is thrown away, than
        # while a quorum waits. Any bytes are a command; this one is rejected.
        rehearsal = self._factory()
        rehearsal.execute(np.zeros(1, COMMAND))
        rehearsal.state_root()
        return scanner

    def _rerun(self, stored: StoredBlock) -> None:
        """Execute a certified block again. The log commits to every outcome and event."""
        done = self.engine.execute(stored.commands)
        self.log.append(leaf_hashes(stored.commands, done.outcomes, done.events))
        header = stored.header
        if (self.log.size, self.log.root()) != (header.log_size, header.log_root):
            raise self._difference(stored)
        outcomes, events = np.asarray(done.outcomes), np.asarray(done.events)
        kept = stored.outcomes.tobytes(), stored.events.tobytes()
        if (outcomes.tobytes(), events.tobytes()) != kept:
            what = "outcomes or events are not those that were certified"
            place = stored.results
            raise LedgerCorrupt(self.owner, place.file, place.offset, header.number, what)

    def _check_state(self, stored: StoredBlock) -> None:
        """The state is compared once, after the last block: it follows from all before."""
        if self.engine.state_root() != stored.header.state_root:
            raise self._difference(stored)

    def _difference(self, stored: StoredBlock) -> RootsDiffer:
        header = stored.header
        ours = Roots(
            self.engine.state_root(),
            self.engine.seq,
            self.log.size,
            self.log.root(),
            header.time_s,
        )
        theirs = Roots(
            header.state_root, header.last_seq, header.log_size, header.log_root, header.time_s
        )
        names = tuple(self.group.name_of(message.sender) for message in stored.commits)
        return RootsDiffer(header.number, names, ours.describe(), theirs.describe())

    # Extending.

    @property
    def tip(self) -> Tip:
        """The last certified block."""
        if not self._blocks:
            return Tip()
        header = self._blocks[-1].header
        return Tip(header.number, header.digest, header.last_seq)

    @property
    def is_speculating(self) -> bool:
        """Whether the engine stands beyond the last certified block."""
        return bool(self._speculative)

    def persist(self, kind: FrameKind, number: int, messages: tuple[Signed, ...]) -> None:
        """Write a frame of messages; durable on return.

        Raises:
            LedgerWriteFailed: The disk refused.
        """
        if kind == FrameKind.PROPOSAL:
            self._store.roll_if_full(number)
        place = self._store.append(kind, join(*messages))
        if kind == FrameKind.PROPOSAL:
            for message in messages:
                self._proposals[message.digest] = place

    def execute(self, batch: Signed) -> Roots:
        """Execute the next batch, ahead of its certificate."""
        body = batch_of(batch)
        assert body.first_seq == self.engine.seq + 1, "batches execute in order"
        commands = commands_of(batch)
        done = self.engine.execute(commands)
        assert self.engine.seq == body.last_seq, "the engine takes every command"
        self.log.append(leaf_hashes(commands, done.outcomes, done.events))
        time_ns = int(commands["time_ns"][-1])
        roots = Roots(
            state_root=self.engine.state_root(),
            last_seq=body.last_seq,
            log_size=self.log.size,
            log_root=self.log.root(),
            time_s=max(0, time_ns) // NS_PER_S,
        )
        outcomes, events = np.asarray(done.outcomes), np.asarray(done.events)
        self._speculative.append(_Executed(batch, roots, outcomes.tobytes(), events.tobytes()))
        return roots

    def persist_certificate(self, batch: Signed, certificate: tuple[Signed, ...]) -> None:
        """Write the oldest executed batch's certificate and results; durable on return.

        Raises:
            LedgerWriteFailed: The disk refused.
        """
        done = self._speculative[0]
        assert done.batch.digest == batch.digest, "blocks are certified in order"
        payload = encode_results(certificate, done.outcomes, done.events)
        self._certificates[batch.seq] = self._store.append(FrameKind.COMMITTED, payload)

    def commit(self, batch: Signed, certificate: tuple[Signed, ...]) -> BlockHeader:
        """The block is final from here on: reads see it."""
        done = self._speculative.pop(0)
        assert done.batch.digest == batch.digest, "blocks are certified in order"
        header = header_of(batch, certificate)
        place = self._proposals[batch.digest]
        self._append(_Block(header, place, self._certificates.pop(batch.seq)))
        kept = {waiting.batch.digest for waiting in self._speculative}
        self._proposals = {digest: at for digest, at in self._proposals.items() if digest in kept}
        return header

    def _append(self, block: _Block) -> None:
        assert block.header.number == len(self._blocks) + 1, "block numbers have no gaps"
        self._blocks.append(block)
        self._last_seqs.append(block.header.last_seq)

    def undo(self) -> None:
        """Forget what is not certified: build the engine and the log afresh."""
        self._speculative.clear()
        self._reset()
        for number in range(1, self.tip.number + 1):
            self._rerun(self._stored(number))

    # Reading.

    def header(self, number: int) -> BlockHeader | None:
        """A certified block's header; None when there is no such block."""
        return self._blocks[number - 1].header if 1 <= number <= len(self._blocks) else None

    def block_of(self, seq: int) -> BlockHeader | None:
        """The certified block that holds a command; None when it is not certified."""
        if seq < 1 or seq > self.tip.last_seq:
            return None
        return self._blocks[bisect.bisect_left(self._last_seqs, seq)].header

    def certified(self, number: int) -> tuple[Signed, ...]:
        """A certified block as sent to a peer: SUBMIT, then the COMMITs of its certificate."""
        stored = self._stored(number)
        return (stored.batch, *stored.commits)

    def records(self, first_seq: int, last_seq: int) -> Iterator[Records]:
        """The certified entries of a range, block by block, cut to the range.

        Raises:
            NotCertified: The range goes beyond what is certified.
        """
        if last_seq > self.tip.last_seq:
            raise NotCertified(last_seq, self.tip.last_seq)
        seq = max(1, first_seq)
        while seq <= last_seq:
            header = self.block_of(seq)
            assert header is not None, "certified seqs have blocks"
            stored = self._stored(header.number)
            start, stop = seq - header.first_seq, min(last_seq, header.last_seq) + 1
            stop -= header.first_seq
            ends = np.cumsum(stored.outcomes["events"].astype(np.int64))
            first_event = int(ends[start - 1]) if start else 0
            yield Records(
                seq,
                stored.commands[start:stop],
                stored.outcomes[start:stop],
                stored.events[first_event : int(ends[stop - 1])],
            )
            seq = header.last_seq + 1

    def receipt_for(self, seq: int, event_index: int | None = None) -> str:
        """The receipt of a command's entry, or of one of its events'.

        Raises:
            NotCertified: No certified block holds the command.
            UnknownEntry: The command has no event of this index.
        """
        header = self.block_of(seq)
        if header is None:
            raise NotCertified(seq, self.tip.last_seq)
        stored = self._stored(header.number)
        at = seq - header.first_seq
        before = int(stored.outcomes["events"][:at].sum())
        events = int(stored.outcomes["events"][at])
        if event_index is not None and not 0 <= event_index < events:
            raise UnknownEntry(seq, event_index, events)
        start = self._blocks[header.number - 2].header.log_size if header.number > 1 else 0
        index = start + at + before
        entry = command_entry(stored.commands[at].tobytes(), stored.outcomes[at].tobytes())
        if event_index is not None:
            index += 1 + event_index
            entry = event_entry(stored.events[before + event_index].tobytes())
        proof = self.log.inclusion(index, header.log_size)
        return encode_receipt(Receipt(entry, index, proof, self.note(header.number)))

    def note(self, number: int) -> str:
        """A block's checkpoint as a signed note with exactly the certificate's signatures."""
        commits = self._stored(number).commits
        bodies = {m.sender: m.body for m in commits if isinstance(m.body, Commit)}
        first = commits[0]
        assert isinstance(first.body, Commit), "a certificate is COMMITs"
        checkpoint = checkpoint_of(self.group, number, first.view, first.body)
        signatures = {sender: body.note_signature for sender, body in bodies.items()}
        return encode_note(self.group, checkpoint, first.body.time_s, signatures)

    def _stored(self, number: int) -> StoredBlock:
        """Read a certified block back; its signatures are checked again."""
        block = self._blocks[number - 1]
        raws, outcomes, events = decode_results(self._store.read(block.results).payload)
        commits = tuple(open_message(self.group, raw) for raw in raws)
        proposal = self._store.read(block.proposal).payload
        batch = next(
            message
            for message in (open_message(self.group, raw) for raw in split_messages(proposal))
            if message.digest == block.header.digest
        )
        return StoredBlock(
            block.header,
            batch,
            commits,
            commands_of(batch),
            outcomes,
            events,
            block.proposal,
            block.results,
        )

    def close(self) -> None:
        """Let go of the directory."""
        self._store.close()
