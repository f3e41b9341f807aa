"""The encoding: one way to write a message, and every other way refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit import bodies
from ledger.audit.bodies import (
    BLOCK_COMMANDS_MAX,
    FETCH_BLOCKS_MAX,
    REQUEST_BYTES_MAX,
    Commit,
    Fetch,
    Hello,
    Kind,
    Outcome,
    Prepare,
    PrePrepare,
    Reply,
    Request,
    SlotFlag,
    Status,
    Submit,
)
from ledger.audit.certificate import Roots
from ledger.audit.errors import (
    BadSignature,
    FrameTooLarge,
    MalformedMessage,
    MessageError,
    UnknownSender,
    WrongChain,
    WrongEpoch,
)
from ledger.audit.group import VENUE, Group
from ledger.audit.inbound import event_of
from ledger.audit.messages import (
    FRAME_BYTES_MAX,
    HEADER_BYTES,
    MESSAGE_BYTES_MAX,
    TAG,
    Author,
    join,
    open_frame,
    open_message,
    split_messages,
)
from ledger.audit.slot import sign_commit
from tests.audit.ground import author_of, make_batch, make_commands, make_group

GROUP = make_group(4)
HASH = st.binary(min_size=32, max_size=32)
U63 = st.integers(0, 2**63 - 1)
BATCH = make_batch(GROUP, 1, first_seq=1)
ROOTS = Roots(b"s" * 32, 3, 5, b"l" * 32, 1_700_000_000)

BODIES = st.one_of(
    st.builds(PrePrepare, HASH),
    st.builds(Prepare, HASH),
    st.builds(Status, HASH, st.sampled_from([SlotFlag(i) for i in range(4)])),
    st.builds(Fetch, st.integers(1, FETCH_BLOCKS_MAX)),
    st.builds(Hello, HASH, st.integers(0, 2**16 - 1)),
    st.builds(
        Request,
        HASH,
        st.from_regex(r"\A[a-z0-9.-]{1,40}\Z"),
        st.binary(max_size=300),
    ),
    st.builds(Reply, HASH, st.sampled_from(Outcome), st.binary(max_size=300)),
)


@given(st.integers(0, 3), U63, U63, BODIES)
def test_what_is_signed_comes_back_the_same(sender, view, seq, body):
    message = author_of(GROUP, sender).sign(view, seq, body)
    assert open_message(GROUP, message.raw) == message
    assert (message.sender, message.view, message.seq, message.body) == (sender, view, seq, body)


@given(st.integers(1, 20), U63, HASH)
def test_batches_come_back_the_same(count, number, previous):
    commands = make_commands(1, count).tobytes()
    message = author_of(GROUP, VENUE).sign(0, number, Submit(previous, 1, commands))
    opened = open_message(GROUP, message.raw)
    assert opened == message
    assert (opened.body.count, opened.body.last_seq) == (count, count)


def test_commits_come_back_the_same():
    message = sign_commit(author_of(GROUP, 2), 0, BATCH, ROOTS)
    assert open_message(GROUP, message.raw) == message
    assert message.body.last_seq == 3


def each_kind():
    author = author_of(GROUP, 1)
    yield BATCH
    yield sign_commit(author, 0, BATCH, ROOTS)
    for body in (
        PrePrepare(bytes(32)),
        Prepare(bytes(32)),
        Status(bytes(32), SlotFlag.PROPOSED),
        Fetch(3),
        Hello(bytes(32), 2),
        Request(bytes(32), "echo", b"payload"),
        Reply(bytes(32), Outcome.ANSWERED, b"payload"),
    ):
        yield author.sign(0, 7, body)


@pytest.mark.parametrize("message", each_kind(), ids=lambda m: type(m.body).__name__)
def test_every_flipped_byte_is_refused(message):
    for at in range(len(message.raw)):
        changed = bytearray(message.raw)
        changed[at] ^= 1 << at % 8
        with pytest.raises(MessageError):
            open_message(GROUP, bytes(changed))


@pytest.mark.parametrize("message", each_kind(), ids=lambda m: type(m.body).__name__)
def test_every_cut_and_every_addition_is_refused(message):
    for size in (0, 1, HEADER_BYTES, len(message.raw) - 65, len(message.raw) - 1):
        with pytest.raises(MessageError):
            open_message(GROUP, message.raw[:size])
    with pytest.raises(MessageError):
        open_message(GROUP, message.raw + b"\0")


def test_other_chains_epochs_and_senders_are_told_apart():
    raw = author_of(GROUP, 1).sign(0, 1, Prepare(bytes(32))).raw
    other = Group(GROUP.origin, GROUP.chain_id + 1, GROUP.epoch, GROUP.venue, GROUP.members)
    with pytest.raises(WrongChain):
        open_message(other, raw)
    with pytest.raises(WrongEpoch):
        open_message(make_group(4, epoch=1), raw)
    with pytest.raises(BadSignature):
        open_message(GROUP, raw[:18] + struct.pack("<H", 2) + raw[20:])
    for sender in (4, VENUE - 1):
        with pytest.raises(UnknownSender):
            open_message(GROUP, raw[:18] + struct.pack("<H", sender) + raw[20:])


def test_only_the_venue_submits_and_the_venue_never_votes():
    body = Submit(bytes(32), 1, make_commands(1, 1).tobytes())
    with pytest.raises(UnknownSender):
        open_message(GROUP, author_of(GROUP, 0).sign(0, 1, body).raw)
    for vote in (PrePrepare(bytes(32)), Prepare(bytes(32)), Status(bytes(32), SlotFlag(0))):
        with pytest.raises(UnknownSender):
            open_message(GROUP, author_of(GROUP, VENUE).sign(0, 1, vote).raw)


def test_a_commit_whose_checkpoint_is_not_signed_is_refused():
    good = sign_commit(author_of(GROUP, 1), 0, BATCH, ROOTS).body
    other = sign_commit(author_of(GROUP, 2), 0, BATCH, ROOTS).body
    forged = Commit(
        good.digest,
        good.state_root,
        good.last_seq,
        good.log_size,
        good.log_root,
        good.time_s,
        other.note_signature,
    )
    with pytest.raises(BadSignature):
        open_message(GROUP, author_of(GROUP, 1).sign(0, 1, forged).raw)


class Raw:
    """A body of any bytes, to sign what no honest party would."""

    def __init__(self, payload):
        self.payload = payload

    def pack(self):
        return self.payload


HASHES = bytes(32)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (Kind.SUBMIT, HASHES + struct.pack("<Q", 1)),
        (Kind.SUBMIT, HASHES + struct.pack("<Q", 1) + bytes(127)),
        (Kind.SUBMIT, HASHES + struct.pack("<Q", 0) + bytes(128)),
        (Kind.SUBMIT, HASHES + struct.pack("<Q", 2**63) + bytes(128)),
        (Kind.PREPARE, bytes(31)),
        (Kind.PRE_PREPARE, bytes(33)),
        (Kind.COMMIT, bytes(100)),
        (Kind.STATUS, HASHES + b"\x04"),
        (Kind.FETCH, struct.pack("<H", 0)),
        (Kind.FETCH, struct.pack("<H", FETCH_BLOCKS_MAX + 1)),
        (Kind.HELLO, HASHES),
        (Kind.REQUEST, HASHES),
        (Kind.REQUEST, HASHES + b"\x05echo"),
        (Kind.REQUEST, HASHES + b"\x00"),
        (Kind.REQUEST, HASHES + b"\x02E!"),
        (Kind.REQUEST, HASHES + b"\x01e" + bytes(REQUEST_BYTES_MAX + 1)),
        (Kind.REPLY, HASHES),
        (Kind.REPLY, HASHES + b"\x05"),
        (Kind.REPLY, HASHES + b"\x00" + bytes(REQUEST_BYTES_MAX + 1)),
    ],
)
def test_signed_nonsense_is_still_refused(monkeypatch, kind, payload):
    monkeypatch.setitem(bodies.KIND_OF, Raw, kind)
    sender = VENUE if kind == Kind.SUBMIT else 1
    message = author_of(GROUP, sender).sign(0, 1, Raw(payload))
    with pytest.raises(MalformedMessage):
        open_message(GROUP, message.raw)


def test_the_largest_batch_fits_and_one_command_more_does_not():
    commands = make_commands(1, BLOCK_COMMANDS_MAX).tobytes()
    author = author_of(GROUP, VENUE)
    message = author.sign(0, 1, Submit(HASHES, 1, commands))
    assert len(message.raw) == MESSAGE_BYTES_MAX
    commits = [sign_commit(author_of(GROUP, i), 0, message, ROOTS) for i in range(4)]
    frame = join(message, *commits)
    assert len(frame) < FRAME_BYTES_MAX
    assert open_frame(GROUP, frame) == (message, *commits)
    with pytest.raises(AssertionError, match="bound"):
        author.sign(0, 1, Submit(HASHES, 1, commands + bytes(128)))


def test_batches_carry_no_view():
    body = Submit(HASHES, 1, make_commands(1, 1).tobytes())
    with pytest.raises(MalformedMessage):
        open_message(GROUP, author_of(GROUP, VENUE).sign(1, 1, body).raw)


@given(st.binary(max_size=400))
def test_garbage_is_refused_and_never_crashes(garbage):
    with pytest.raises(MessageError):
        open_frame(GROUP, garbage)
    with pytest.raises(MessageError):
        open_frame(GROUP, TAG + garbage)


def test_oversized_frames_are_refused_before_they_are_read():
    with pytest.raises(FrameTooLarge):
        split_messages(bytes(FRAME_BYTES_MAX + 1))
    small = author_of(GROUP, 1).sign(0, 1, Prepare(HASHES)).raw
    with pytest.raises(MalformedMessage):
        split_messages(small * 70)


def test_frames_of_another_shape_are_no_events():
    author = author_of(GROUP, 1)
    prepare, fetch = author.sign(0, 1, Prepare(HASHES)), author.sign(0, 1, Fetch(1))
    pre_prepare = author.sign(0, 1, PrePrepare(BATCH.digest))
    for frame in ((prepare, prepare), (fetch,), (pre_prepare,), (pre_prepare, prepare)):
        with pytest.raises(MalformedMessage):
            event_of(frame)


def test_nobody_signs_with_anothers_key():
    with pytest.raises(AssertionError):
        Author(GROUP, 0, author_of(GROUP, 1).key)
