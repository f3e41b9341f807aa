"""Notes and receipts: what verifies, and that nothing else does."""

import pytest

from ledger.audit.bodies import Commit
from ledger.audit.certificate import roots_of
from ledger.audit.errors import (
    AuditError,
    EntryNotInLog,
    GroupRefused,
    NotCertified,
    NoteMalformed,
    NoteSignatureWrong,
    QuorumMissing,
    ReceiptMalformed,
    UnknownEntry,
    WrongLog,
)
from ledger.audit.group import Group
from ledger.audit.ledger import Ledger
from ledger.audit.log import leaf_hash
from ledger.audit.messages import Signed, checkpoint_of
from ledger.audit.note import (
    NOTE_BYTES_MAX,
    checkpoint_text,
    decode_note,
    encode64,
    encode_note,
    key_id,
    key_name,
    verifier_keys,
)
from ledger.audit.receipt import Receipt, decode_receipt, encode_receipt
from ledger.audit.slot import sign_commit
from ledger.audit.store import FrameKind
from ledger.audit.verify import CommandEntry, EventEntry, read_receipt, verify_file, verify_receipt
from ledger.records.codes import CommandKind
from tests.audit.ground import CountingMachine, author_of, make_chain, make_group

GROUP = make_group(4)


def certify(ledger: Ledger[CountingMachine], batch: Signed, signers=(0, 1, 2)) -> None:
    """Bring one block into a ledger, with these members' COMMITs."""
    ledger.persist(FrameKind.PROPOSAL, batch.seq, (batch,))
    roots = ledger.execute(batch)
    commits = tuple(sign_commit(author_of(ledger.group, i), 0, batch, roots) for i in signers)
    ledger.persist_certificate(batch, commits)
    ledger.commit(batch, commits)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "venue", GROUP, "venue", CountingMachine)
    for batch in make_chain(GROUP, 4, count=5):
        certify(ledger, batch)
    yield ledger
    ledger.close()


def test_every_entry_has_a_receipt_that_verifies(ledger):
    indexes = []
    for seq in range(1, 21):
        report = verify_receipt(ledger.receipt_for(seq), GROUP)
        assert isinstance(report.entry, CommandEntry)
        assert report.entry.outcome["seq"] == seq
        assert report.entry.command["kind"] == CommandKind.NEW_ORDER
        assert report.entry.command["qty_lots"] == seq, "decoded in its own layout"
        assert report.signers == ("r0", "r1", "r2")
        assert report.fingerprint == GROUP.fingerprint
        assert report.ignored == ()
        assert report.levels == ("bytes", "hashes", "tree", "quorum")
        assert report.checkpoint.block == (seq + 4) // 5
        indexes.append(report.index)
        for event_index in range(seq % 3):
            report = verify_receipt(ledger.receipt_for(seq, event_index), GROUP)
            assert isinstance(report.entry, EventEntry)
            assert (report.entry.event["seq"], report.entry.event["index"]) == (seq, event_index)
            indexes.append(report.index)
    assert indexes == list(range(ledger.log.size))


@pytest.mark.parametrize("bit", [0, 1, 5])
def test_every_tampered_byte_is_refused(ledger, bit):
    good = ledger.receipt_for(11, 1).encode()
    for at in range(len(good)):
        changed = bytearray(good)
        changed[at] ^= 1 << bit
        with pytest.raises((AuditError, UnicodeDecodeError)):
            verify_receipt(bytes(changed).decode("utf-8"), GROUP)


def test_every_cut_and_every_addition_is_refused(ledger):
    good = ledger.receipt_for(11)
    for size in range(len(good)):
        with pytest.raises(AuditError):
            verify_receipt(good[:size], GROUP)
    for addition in ("\n", " ", "x", "\u2014 x y\n", "\n\n"):
        with pytest.raises(AuditError):
            verify_receipt(good + addition, GROUP)
        with pytest.raises(AuditError):
            verify_receipt(addition + good, GROUP)


def test_a_changed_entry_is_named_with_who_signed_the_true_one(ledger):
    receipt = decode_receipt(ledger.receipt_for(7))
    forged = bytearray(receipt.entry)
    forged[40] ^= 1
    text = encode_receipt(Receipt(bytes(forged), receipt.index, receipt.proof, receipt.note))
    with pytest.raises(EntryNotInLog) as caught:
        verify_receipt(text, GROUP)
    assert caught.value.signers == ("r0", "r1", "r2")
    assert caught.value.index == receipt.index


def test_an_entry_moved_to_anothers_place_is_refused(ledger):
    here, there = (decode_receipt(ledger.receipt_for(seq)) for seq in (7, 8))
    for swapped in (
        Receipt(here.entry, there.index, there.proof, there.note),
        Receipt(here.entry, there.index, here.proof, here.note),
    ):
        with pytest.raises(EntryNotInLog):
            verify_receipt(encode_receipt(swapped), GROUP)


def renoted(ledger, signers, group=GROUP):
    """Block 1's note with these signers, over a receipt of block 1."""
    receipt = decode_receipt(ledger.receipt_for(2))
    body = ledger.certified(1)[1].body
    assert isinstance(body, Commit)
    batch, roots = ledger.certified(1)[0], roots_of(body)
    signatures = {}
    for i in signers:
        vote = sign_commit(author_of(GROUP, i), 0, batch, roots).body
        assert isinstance(vote, Commit)
        signatures[i] = vote.note_signature
    checkpoint = checkpoint_of(group, 1, 0, body)
    note = encode_note(GROUP, checkpoint, roots.time_s, signatures)
    return encode_receipt(Receipt(receipt.entry, receipt.index, receipt.proof, note))


def test_fewer_than_a_quorum_is_named(ledger):
    assert verify_receipt(renoted(ledger, (1, 2, 3)), GROUP).signers == ("r1", "r2", "r3")
    assert len(verify_receipt(renoted(ledger, (0, 1, 2, 3)), GROUP).signers) == 4
    with pytest.raises(QuorumMissing) as caught:
        verify_receipt(renoted(ledger, (1, 2)), GROUP)
    assert (caught.value.needed, caught.value.signers) == (3, ("r1", "r2"))


def test_one_member_cannot_be_the_quorum(ledger):
    text = renoted(ledger, (1,))
    line = text.splitlines(keepends=True)[-1]
    with pytest.raises(NoteMalformed):
        verify_receipt(text + line * 2, GROUP)


def test_lines_under_unknown_keys_are_ignored_and_said(ledger):
    text = renoted(ledger, (0, 1, 2))
    foreign = f"\u2014 witness.example {encode64(bytes(4) + bytes(8) + bytes(64))}\n"
    report = verify_receipt(text + foreign, GROUP)
    assert report.ignored == ("witness.example",)


def test_a_wrong_signature_under_a_members_key_is_refused_by_name(ledger):
    lines = renoted(ledger, (0, 1, 2)).splitlines(keepends=True)
    name = key_name(GROUP, 3)
    forged = encode64(key_id(name, GROUP.members[3].key) + bytes(8) + bytes(64))
    with pytest.raises(NoteSignatureWrong, match="r3"):
        verify_receipt("".join(lines) + f"\u2014 {name} {forged}\n", GROUP)


def test_another_groups_receipt_is_refused(ledger):
    text = ledger.receipt_for(3)
    stranger = Group("other.test/log", GROUP.chain_id, 0, GROUP.venue, GROUP.members)
    with pytest.raises(WrongLog):
        verify_receipt(text, stranger)
    later = make_group(4, epoch=1)
    with pytest.raises(WrongLog):
        verify_receipt(text, later)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (1, "c2sp.org/tlog-proof@v2"),
        (2, "extra !!!"),
        (2, "index 3"),
        (2, "extra " + encode64(b"\x03" + bytes(192))),
        (3, "index 03"),
        (3, "index -1"),
        (4, "AAAA"),
    ],
)
def test_malformed_lines_are_named(ledger, line, text):
    lines = ledger.receipt_for(3).split("\n")
    lines[line - 1] = text
    with pytest.raises(ReceiptMalformed) as caught:
        verify_receipt("\n".join(lines), GROUP)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (1, "01"),
        (1, str(2**64)),
        (2, encode64(bytes(31))),
        (3, "chain x"),
        (4, "view 0"),
        (6, "block 1 "),
        (8, "batch AAAA"),
    ],
)
def test_malformed_notes_are_named_by_line(ledger, at, text):
    receipt = decode_receipt(ledger.receipt_for(3))
    lines = receipt.note.split("\n")
    lines[at] = text
    with pytest.raises(NoteMalformed) as caught:
        decode_note("\n".join(lines), receipt.note_line)
    assert caught.value.line == receipt.note_line + at


def test_notes_without_form_are_refused(ledger):
    note = decode_receipt(ledger.receipt_for(3)).note
    for text in ("", "\n\n", note.replace("\n\n", "\n"), note + "\r", "x" * (NOTE_BYTES_MAX + 1)):
        with pytest.raises(NoteMalformed):
            decode_note(text)
    with pytest.raises(NoteMalformed):
        decode_note(note + f"\u2014 x {encode64(bytes(8))}\n" * 70)
    with pytest.raises(NoteMalformed):
        decode_note(note.split("\n\n")[0] + "\n\n- no dash\n")


def test_the_checkpoint_is_text_that_other_tools_read(ledger):
    """Origin, size, root: the three lines of every C2SP checkpoint, then our own."""
    body = ledger.certified(4)[1].body
    text = checkpoint_text(checkpoint_of(GROUP, 4, 0, body))
    lines = text.splitlines()
    assert lines[:3] == [GROUP.origin, str(ledger.log.size), encode64(ledger.log.root())]
    assert all(lines)
    assert len(verifier_keys(GROUP)) == 4
    name, hexadecimal, encoded = verifier_keys(GROUP)[1].split("+", 2)
    assert name == f"{GROUP.origin}/r1"
    assert hexadecimal == key_id(name, GROUP.members[1].key).hex()
    assert encoded == encode64(b"\x04" + GROUP.members[1].key)


def test_what_is_not_there_has_no_receipt(ledger):
    for seq in (0, 21, -1):
        with pytest.raises(NotCertified):
            ledger.receipt_for(seq)
    for event_index in (-1, 1):
        with pytest.raises(UnknownEntry):
            ledger.receipt_for(7, event_index)


def test_receipt_files_that_cannot_be_text_are_typed(tmp_path, ledger):
    path = tmp_path / "a.tlog-proof"
    path.write_text(ledger.receipt_for(1), "utf-8")
    assert read_receipt(path) == ledger.receipt_for(1)
    path.write_bytes(b"c2sp.org/tlog-proof@v1\nextra \xff\n")
    with pytest.raises(ReceiptMalformed) as caught:
        read_receipt(path)
    assert caught.value.line == 2
    path.write_bytes(bytes(200_000))
    with pytest.raises(ReceiptMalformed):
        read_receipt(path)
    with pytest.raises(ReceiptMalformed):
        read_receipt(tmp_path / "absent")


def test_a_file_is_checked_against_the_group_beside_it_or_another(tmp_path, ledger):
    path = tmp_path / "a.tlog-proof"
    path.write_text(ledger.receipt_for(1), "utf-8")
    with pytest.raises(GroupRefused):
        verify_file(path)
    (tmp_path / "group.json").write_bytes(GROUP.encode())
    assert verify_file(path).fingerprint == GROUP.fingerprint
    other = tmp_path / "other.json"
    other.write_bytes(make_group(4, epoch=1).encode())
    with pytest.raises(WrongLog):
        verify_file(path, other)


def test_a_receipt_of_a_tree_of_one_has_no_hashes(tmp_path):
    class Quiet(CountingMachine):
        def execute(self, commands):
            done = super().execute(commands)
            done.outcomes["events"] = 0
            return type(done)(done.first_seq, done.outcomes, done.events[:0])

    ledger = Ledger(tmp_path / "one", GROUP, "venue", Quiet)
    certify(ledger, make_chain(GROUP, 1, count=1)[0])
    receipt = decode_receipt(ledger.receipt_for(1))
    assert receipt.proof == ()
    assert leaf_hash(receipt.entry) == ledger.log.root()
    verify_receipt(ledger.receipt_for(1), GROUP)
    ledger.close()
