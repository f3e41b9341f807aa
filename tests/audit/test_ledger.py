"""A ledger directory: opened again, undone, read, and audited after every kind of tampering."""

from itertools import pairwise

import numpy as np
import pytest

from ledger.audit import store as store_module
from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.blocks import encode_results
from ledger.audit.certificate import Roots
from ledger.audit.effects import Tip
from ledger.audit.errors import LedgerCorrupt, LedgerFileError, NotCertified, RootsDiffer
from ledger.audit.ledger import Ledger
from ledger.audit.messages import join
from ledger.audit.slot import sign_commit
from ledger.audit.store import FrameKind, FrameStore, segment_paths
from ledger.audit.verify import verify_receipt
from tests.audit.ground import (
    CountingMachine,
    WrongMachine,
    author_of,
    make_batch,
    make_chain,
    make_group,
)
from tests.audit.test_receipt import certify

GROUP = make_group(4)


@pytest.fixture
def directory(tmp_path):
    ledger = Ledger(tmp_path / "r0", GROUP, "r0", CountingMachine)
    for batch in make_chain(GROUP, 6, count=4):
        certify(ledger, batch)
    ledger.close()
    return tmp_path / "r0"


def reopen(directory, machine=CountingMachine):
    return Ledger(directory, GROUP, "r0", machine)


def test_a_ledger_comes_back_as_it_was(directory):
    ledger = reopen(directory)
    chain = make_chain(GROUP, 6, count=4)
    assert ledger.tip == Tip(6, chain[-1].digest, 24)
    assert ledger.engine.seq == 24
    assert ledger.log.root() == ledger.header(6).log_root
    assert ledger.engine.state_root() == ledger.header(6).state_root
    assert [ledger.header(n).last_seq for n in range(1, 7)] == [4, 8, 12, 16, 20, 24]
    assert ledger.header(0) is None
    assert ledger.header(7) is None
    assert [ledger.block_of(seq).number for seq in (1, 4, 5, 24)] == [1, 1, 2, 6]
    assert ledger.block_of(25) is None
    assert ledger.certified(3)[0] == chain[2]
    assert not ledger.is_speculating
    ledger.close()


def test_it_goes_on_after_being_opened(directory):
    chain = make_chain(GROUP, 8, count=4)
    ledger = reopen(directory)
    certify(ledger, chain[6])
    ledger.close()
    ledger = reopen(directory)
    certify(ledger, chain[7], signers=(1, 2, 3))
    assert ledger.tip.number == 8
    ledger.close()


@pytest.mark.parametrize("segment_bytes", [1, 3000, 1 << 28])
def test_proposals_may_run_ahead_of_certificates_and_over_segments(
    tmp_path, monkeypatch, segment_bytes
):
    """As at the venue, which has two batches out: P1 P2 C1 P3 C2 …"""
    monkeypatch.setattr(store_module, "SEGMENT_BYTES", segment_bytes)
    ledger, chain = Ledger(tmp_path / "r0", GROUP, "r0", CountingMachine), make_chain(GROUP, 9)

    def propose(batch):
        ledger.persist(FrameKind.PROPOSAL, batch.seq, (batch,))
        return ledger.execute(batch)

    results = [propose(chain[0])]
    for batch, ahead in pairwise(chain):
        results.append(propose(ahead))
        roots = results[batch.seq - 1]
        commits = tuple(sign_commit(author_of(GROUP, i), 0, batch, roots) for i in range(3))
        ledger.persist_certificate(batch, commits)
        ledger.commit(batch, commits)
    assert verify_receipt(ledger.receipt_for(24), GROUP).checkpoint.block == 8
    ledger.close()

    assert (len(segment_paths(tmp_path / "r0")) > 1) == (segment_bytes < 10_000)
    ledger = reopen(tmp_path / "r0")
    assert ledger.tip.number == 8
    assert ledger.recovered.messages == (chain[8],)
    for seq in range(1, 25):
        verify_receipt(ledger.receipt_for(seq), GROUP)
    certify(ledger, chain[8])
    ledger.close()
    assert verify_ledger(tmp_path / "r0", GROUP, CountingMachine()).blocks == 9


def test_undo_forgets_exactly_what_is_not_certified(directory):
    ledger = reopen(directory)
    root, log_root = ledger.engine.state_root(), ledger.log.root()
    batch = make_batch(GROUP, 7, first_seq=25, previous=ledger.tip.digest)
    first = ledger.execute(batch)
    assert ledger.is_speculating
    ledger.undo()
    assert (ledger.engine.state_root(), ledger.log.root()) == (root, log_root)
    assert ledger.engine.seq == 24
    assert ledger.execute(batch) == first
    ledger.close()


def test_records_cut_to_any_range_equal_a_fresh_run(directory):
    ledger, fresh = reopen(directory), CountingMachine()
    commands = np.concatenate([r.commands for r in ledger.records(1, 24)])
    done = fresh.execute(commands)
    for first, last in ((1, 24), (1, 1), (3, 6), (4, 5), (24, 24), (9, 20)):
        parts = list(ledger.records(first, last))
        rows = np.concatenate([part.outcomes for part in parts])
        events = np.concatenate([part.events for part in parts])
        assert rows["seq"].tolist() == list(range(first, last + 1))
        assert parts[0].first_seq == first
        assert rows.tobytes() == done.outcomes[first - 1 : last].tobytes()
        inside = (done.events["seq"] >= first) & (done.events["seq"] <= last)
        assert events.tobytes() == done.events[inside].tobytes()
    with pytest.raises(NotCertified):
        list(ledger.records(20, 25))
    ledger.close()


def test_votes_after_the_last_block_are_recovered(directory):
    ledger = reopen(directory)
    batch = make_batch(GROUP, 7, first_seq=25, previous=ledger.tip.digest)
    ledger.persist(FrameKind.PROPOSAL, 7, (batch,))
    vote = sign_commit(author_of(GROUP, 0), 0, batch, ledger.execute(batch))
    ledger.persist(FrameKind.PREPARED, 7, (vote,))
    ledger.close()
    ledger = reopen(directory)
    assert ledger.recovered.messages == (batch, vote)
    assert ledger.recovered.abstain == 0
    ledger.close()


@pytest.mark.parametrize(
    ("kind", "abstain"),
    [(FrameKind.PROPOSAL, 7), (FrameKind.PREPARED, 0), (FrameKind.EVIDENCE, 0)],
)
def test_only_a_damaged_proposal_makes_the_replica_abstain(directory, kind, abstain):
    """A COMMIT can be signed again, the same bytes: what it says follows from the proposal."""
    ledger = reopen(directory)
    batch = make_batch(GROUP, 7, first_seq=25, previous=ledger.tip.digest)
    ledger.persist(kind, 7, (batch,))
    ledger.close()
    (path,) = segment_paths(directory)
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    ledger = reopen(directory)
    assert ledger.torn.lost == kind
    assert ledger.recovered.abstain == abstain
    ledger.close()


def test_an_engine_that_now_gives_other_results_is_not_opened(directory):
    class Late(WrongMachine):
        wrong_from = 17

    with pytest.raises(RootsDiffer) as caught:
        reopen(directory, Late)
    assert caught.value.block == 5
    assert caught.value.differing == ("r0", "r1", "r2")

    class Silent(CountingMachine):
        def state_root(self):
            return b"\xff" * 32

    with pytest.raises(RootsDiffer):
        reopen(directory, Silent)
    reopen(directory).close()


def test_a_whole_audit_reports_what_holds(directory):
    report = verify_ledger(directory, GROUP, CountingMachine())
    assert (report.owner, report.blocks, report.executed) == ("r0", 6, True)
    assert report.header.last_seq == 24
    assert report.entries == report.header.log_size
    assert report.torn is None
    assert not verify_ledger(directory, GROUP).executed
    empty = verify_ledger(directory / "none", GROUP)
    assert (empty.blocks, empty.header, empty.entries) == (0, None, 0)


def test_a_flipped_byte_anywhere_is_caught_with_name_and_place(directory):
    (path,) = segment_paths(directory)
    whole = path.read_bytes()
    for at in range(0, len(whole), 97):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        with pytest.raises(LedgerFileError) as caught:
            verify_ledger(directory, GROUP)
        if isinstance(caught.value, LedgerCorrupt) and at > 200:
            assert caught.value.owner == "r0"
            assert caught.value.file == path.name
            assert caught.value.offset <= at
            assert 1 <= caught.value.block <= 6


def rewrite(directory, change):
    """An attacker with the disk: change frames, and make every checksum right again."""
    store = FrameStore(directory, GROUP, "r0")
    frames = list(store.load())
    store.close()
    (path,) = segment_paths(directory)
    path.unlink()
    store = FrameStore(directory, GROUP, "r0")
    assert list(store.load()) == []
    store.roll_if_full(1)
    for kind, payload in change([(frame.kind, frame.payload) for frame in frames]):
        store.append(kind, payload)
    store.close()


def flip(payload, at):
    changed = bytearray(payload)
    changed[at] ^= 1
    return bytes(changed)


def forged_commit(frames):
    """The last block again, with one vote by somebody outside the quorum twice."""
    kind = frames[-1][0]
    batch = make_chain(GROUP, 6, count=4)[5]
    machine = CountingMachine()
    assert kind == FrameKind.COMMITTED
    vote = sign_commit(author_of(GROUP, 1), 0, batch, _roots(machine))
    return [*frames[:-1], (kind, encode_results((vote, vote, vote), b"", b""))]


def _roots(machine):
    return Roots(machine.state_root(), 24, 1, bytes(32), 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda frames: [(k, flip(p, 120)) if i == 2 else (k, p) for i, (k, p) in enumerate(frames)],
        lambda frames: [(k, flip(p, -1)) if i == 3 else (k, p) for i, (k, p) in enumerate(frames)],
        lambda frames: [(k, flip(p, 20)) if i == 3 else (k, p) for i, (k, p) in enumerate(frames)],
        lambda frames: frames[2:],
        lambda frames: frames[:4] + frames[6:],
        lambda frames: frames[:2] + frames[0:2] + frames[2:],
        lambda frames: frames[1:],
        lambda frames: [*frames[:-1], (frames[-1][0], b"")],
        forged_commit,
    ],
    ids=[
        "command",
        "event",
        "vote",
        "first block gone",
        "middle block gone",
        "block twice",
        "batch gone",
        "empty results",
        "one member thrice",
    ],
)
def test_tampering_with_right_checksums_is_caught_with_the_block(directory, change):
    rewrite(directory, change)
    with pytest.raises(LedgerCorrupt) as caught:
        verify_ledger(directory, GROUP)
    assert caught.value.owner == "r0"
    with pytest.raises((LedgerCorrupt, RootsDiffer)):
        reopen(directory)


def test_forged_outcomes_are_caught_by_the_signed_root(directory):
    def change(frames):
        kind, payload = frames[5]
        return [*frames[:5], (kind, flip(payload, -200)), *frames[6:]]

    rewrite(directory, change)
    with pytest.raises(LedgerCorrupt, match="not those that were certified") as caught:
        verify_ledger(directory, GROUP)
    assert caught.value.block == 3


def test_an_audit_by_re_execution_names_who_signed_other_results(directory):
    with pytest.raises(RootsDiffer) as caught:
        verify_ledger(directory, GROUP, WrongMachine())
    assert caught.value.block == 1
    assert caught.value.differing == ("r0", "r1", "r2")


def test_a_collusion_of_a_quorum_is_caught_by_re_execution_alone(tmp_path):
    """Three liars can certify anything: hashes hold, and only executing again shows it."""
    ledger = Ledger(tmp_path / "r0", GROUP, "r0", WrongMachine)
    certify(ledger, make_chain(GROUP, 1)[0])
    ledger.close()
    assert verify_ledger(tmp_path / "r0", GROUP).blocks == 1
    with pytest.raises(RootsDiffer):
        verify_ledger(tmp_path / "r0", GROUP, CountingMachine())


def test_join_is_the_frame_that_peers_get(directory):
    ledger = reopen(directory)
    messages = ledger.certified(2)
    assert join(*messages) == b"".join(message.raw for message in messages)
    assert len(messages) == 1 + GROUP.quorum
    ledger.close()
