"""The messages between venue and operators: docs/spec/settlement.md, section 5."""

from dataclasses import fields, is_dataclass, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.eip712 import Anchor, Batch, Payout, Report
from ledger.settlement.wire import (
    MESSAGE_MAX_BYTES,
    Malformed,
    Proposal,
    Refusal,
    RefusedAnswer,
    SignedAnswer,
    decode_anchor,
    decode_answer,
    decode_batch,
    decode_proposal,
    encode,
    first_difference,
)

UINT64 = st.integers(0, 2**64 - 1)
DIGEST = st.binary(min_size=32, max_size=32)
ADDRESS = st.binary(min_size=20, max_size=20)
PAYOUTS = st.builds(Payout, UINT64, ADDRESS, ADDRESS, st.integers(0, 2**64 - 1))
REPORTS = st.builds(Report, UINT64, UINT64, UINT64, DIGEST, DIGEST)
BATCHES = st.builds(
    Batch, UINT64, UINT64, UINT64, UINT64, DIGEST, DIGEST, DIGEST, DIGEST,
    st.lists(PAYOUTS, max_size=4).map(tuple), st.just(()),
)  # fmt: skip
ANCHORS = st.builds(
    Anchor, UINT64, UINT64, UINT64, UINT64, UINT64, DIGEST, DIGEST, DIGEST,
    st.lists(REPORTS, max_size=4).map(tuple),
)  # fmt: skip
DECODERS = {Batch: decode_batch, Anchor: decode_anchor}


@given(BATCHES | ANCHORS)
def test_a_message_reads_back_as_it_was(message):
    assert DECODERS[type(message)](encode(message)) == message


@given(BATCHES, DIGEST, st.binary(max_size=65))
def test_proposals_and_answers_read_back_as_they_were(batch, digest, signature):
    proposal = Proposal(encode(batch), digest)
    assert decode_proposal(encode(proposal)) == proposal
    for answer in (
        SignedAnswer(encode(batch), digest, signature),
        RefusedAnswer(Refusal.DIFFERS, "payouts[0].payee", "a", "b"),
    ):
        assert decode_answer(encode(answer)) == answer


@given(st.binary(max_size=80))
def test_garbage_is_malformed_everywhere(raw):
    for decode in (decode_proposal, decode_answer, decode_batch, decode_anchor):
        with pytest.raises(Malformed):
            decode(raw)


@given(BATCHES, st.data())
def test_a_cut_or_lengthened_message_is_malformed(batch, data):
    raw = encode(batch)
    with pytest.raises(Malformed):
        decode_batch(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(Malformed):
        decode_batch(raw + b"\x00")


def test_messages_are_bounded():
    with pytest.raises(Malformed, match=f"{MESSAGE_MAX_BYTES + 1} bytes"):
        decode_answer(b"\x00" * (MESSAGE_MAX_BYTES + 1))
    deep = b"\x91" * 20_000
    with pytest.raises(Malformed):
        decode_proposal(deep)
    payout = Payout(1, b"\x01" * 20, b"\x02" * 20, 1)
    batch = Batch(1, 1, 0, 1, b"\0" * 32, b"\0" * 32, b"\0" * 32, b"\0" * 32, (payout,) * 201)
    with pytest.raises(Malformed, match="201 payouts"):
        decode_batch(encode(batch))
    report = Report(1, 1, 1, b"\1" * 32, b"\1" * 32)
    anchor = Anchor(1, 1, 1, 1, 1, b"\0" * 32, b"\0" * 32, b"\0" * 32, (report,) * 65)
    with pytest.raises(Malformed, match="65 reports"):
        decode_anchor(encode(anchor))
    largest = replace(batch, payouts=(payout,) * 200)
    assert len(encode(Proposal(encode(largest), b"\0" * 32))) < MESSAGE_MAX_BYTES


@pytest.mark.parametrize("field", ["payload", "digest", "signature", "type"])
def test_an_answer_without_a_field_is_malformed(field):
    whole = msgspec.msgpack.decode(encode(SignedAnswer(b"p", b"d", b"s")))
    del whole[field]
    with pytest.raises(Malformed):
        decode_answer(msgspec.msgpack.encode(whole))


def test_an_answer_with_another_field_is_malformed():
    whole = msgspec.msgpack.decode(encode(RefusedAnswer(Refusal.CHAIN)))
    with pytest.raises(Malformed):
        decode_answer(msgspec.msgpack.encode(whole | {"more": 1}))


def model_difference(mine, theirs):
    """Every leaf of both as (path, value) in order; the first pair that differs."""

    def leaves(value, path):
        if is_dataclass(value):
            for field in fields(value):
                dot = f"{path}." if path else ""
                yield from leaves(getattr(value, field.name), f"{dot}{field.name}")
        elif isinstance(value, tuple):
            for at, one in enumerate(value):
                yield from leaves(one, f"{path}[{at}]")
        else:
            yield path, value

    ours = dict(leaves(mine, ""))
    others = dict(leaves(theirs, ""))
    common = [path for path in ours if path in others]
    return next((path for path in common if ours[path] != others[path]), None)


@given(BATCHES, st.data())
def test_the_first_difference_is_named_with_both_values(batch, data):
    changed = batch
    for name in data.draw(st.sets(st.sampled_from(["seq", "epoch", "state_root", "payouts"]))):
        other = data.draw(BATCHES)
        changed = replace(changed, **{name: getattr(other, name)})
    found = first_difference(batch, changed)
    if batch == changed:
        assert found is None
        return
    field, mine, theirs = found
    assert mine != theirs
    if field == "payouts.length":
        assert (mine, theirs) == (str(len(batch.payouts)), str(len(changed.payouts)))
    else:
        assert field == model_difference(batch, changed)


def test_a_difference_deep_inside_has_its_path():
    payouts = tuple(Payout(at, b"\x01" * 20, b"\x02" * 20, 5) for at in range(3))
    batch = Batch(1, 1, 0, 1, b"\0" * 32, b"\0" * 32, b"\0" * 32, b"\0" * 32, payouts)
    swapped = (*payouts[:2], replace(payouts[2], payee=b"\x03" * 20))
    field, mine, theirs = first_difference(batch, replace(batch, payouts=swapped))
    assert (field, mine, theirs) == ("payouts[2].payee", "0x" + "02" * 20, "0x" + "03" * 20)
