"""Digests three ways: ours, eth-account's generic encoder, and the contracts' own `digest`."""

from dataclasses import replace

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.settlement.eip712 import (
    PAYOUTS_MAX,
    REPORTS_MAX,
    ZERO_DIGEST,
    Anchor,
    Batch,
    FieldUnencodable,
    ListTooLong,
    Payout,
    Report,
    anchor_argument,
    anchor_digest,
    batch_argument,
    batch_digest,
)
from tests.contracts.ground import Ground

UINT64 = st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1))
UINT256 = st.one_of(st.integers(0, 3), st.integers(0, 2**256 - 1))
DIGEST = st.binary(min_size=32, max_size=32)
ADDRESS = st.binary(min_size=20, max_size=20)
PAYOUT = st.builds(Payout, UINT64, ADDRESS, ADDRESS, UINT256)
REPORT = st.builds(Report, UINT64, UINT64, UINT64, DIGEST, DIGEST)
BATCH = st.builds(
    Batch,
    *[UINT64] * 4,
    *[DIGEST] * 4,
    st.lists(PAYOUT, max_size=4).map(tuple),
    st.lists(UINT64, max_size=3).map(tuple),
)
ANCHOR = st.builds(Anchor, *[UINT64] * 5, *[DIGEST] * 3, st.lists(REPORT, max_size=4).map(tuple))

EXAMPLE_BATCH = Batch(1, 1, 0, 9, *[ZERO_DIGEST] * 4, (Payout(1, bytes(20), bytes(20), 5),))
EXAMPLE_ANCHOR = Anchor(1, 1, 1, 1, 1, *[ZERO_DIGEST] * 3, (Report(1, 1, 1, *[ZERO_DIGEST] * 2),))


def fields(text: str) -> list[dict[str, str]]:
    """`uint64 seq, bytes32 head` as EIP-712's type description."""
    pairs = (one.split() for one in text.split(","))
    return [{"type": kind, "name": name} for kind, name in pairs]


TYPES = {
    "EIP712Domain": fields("string name,string version,uint256 chainId,address verifyingContract"),
    "Payout": fields("uint64 withdrawalId,address token,address payee,uint256 amount"),
    "Batch": fields(
        "uint64 seq,uint64 epoch,uint64 depositCursor,uint64 deadline,bytes32 previousHead,"
        "bytes32 stateRoot,bytes32 liabilitiesRoot,bytes32 dataHash,Payout[] payouts,"
        "uint64[] servedExits"
    ),
    "Report": fields("uint64 kind,uint64 fromSeq,uint64 toSeq,bytes32 digest,bytes32 pack"),
    "Anchor": fields(
        "uint64 index,uint64 epoch,uint64 blockNumber,uint64 lastSeq,uint64 logSize,"
        "bytes32 logRoot,bytes32 stateRoot,bytes32 previous,Report[] reports"
    ),
}


def generic(kind: str, inner: str, name: str, where: tuple[int, bytes], row: tuple) -> bytes:
    """The digest by eth-account's encoder, from the same row that goes to the contract."""
    chain_id, contract = where

    def named(kind: str, values: tuple) -> dict[str, object]:
        return dict(zip((field["name"] for field in TYPES[kind]), values, strict=True))

    message = named(kind, row)
    for field in TYPES[kind]:
        if field["type"] == f"{inner}[]":
            message[field["name"]] = [named(inner, one) for one in message[field["name"]]]
    document = {
        "types": {key: TYPES[key] for key in ("EIP712Domain", kind, inner)},
        "primaryType": kind,
        "domain": {
            "name": name,
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": "0x" + contract.hex(),
        },
        "message": message,
    }
    return bytes(_hash_eip191_message(encode_typed_data(full_message=document)))


@given(BATCH, UINT64, ADDRESS)
def test_a_batchs_digest_is_the_generic_encoders(batch, chain_id, vault):
    row = batch_argument(batch)
    expected = generic("Batch", "Payout", "Provenue HotVault", (chain_id, vault), row)
    assert batch_digest(batch, chain_id, vault) == expected


@given(ANCHOR, UINT64, ADDRESS)
def test_an_anchors_digest_is_the_generic_encoders(anchor, chain_id, registry):
    row = anchor_argument(anchor)
    expected = generic("Anchor", "Report", "Provenue AnchorRegistry", (chain_id, registry), row)
    assert anchor_digest(anchor, chain_id, registry) == expected


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=BATCH)
def test_a_batchs_digest_is_the_vaults(shared_ground: Ground, batch):
    found = bytes(shared_ground.vault.functions.digest(batch_argument(batch)).call())
    assert shared_ground.digest(batch) == found


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anchor=ANCHOR)
def test_an_anchors_digest_is_the_registrys(shared_ground: Ground, anchor):
    stands = shared_ground.stands
    found = bytes(shared_ground.anchors.functions.digest(anchor_argument(anchor)).call())
    assert anchor_digest(anchor, stands.chain_id, stands.anchors) == found


def test_the_largest_batch_and_anchor_have_the_contracts_digest(shared_ground: Ground):
    ground = shared_ground
    payouts = tuple(Payout(i, b"\x01" * 20, b"\x02" * 20, 2**256 - 1) for i in range(PAYOUTS_MAX))
    batch = replace(EXAMPLE_BATCH, payouts=payouts)
    assert ground.vault.functions.MAX_PAYOUTS().call() == PAYOUTS_MAX
    assert bytes(ground.vault.functions.digest(batch_argument(batch)).call()) == ground.digest(
        batch
    )
    reports = tuple(Report(i, i, i, b"\x01" * 32, b"\x02" * 32) for i in range(REPORTS_MAX))
    anchor = replace(EXAMPLE_ANCHOR, reports=reports)
    assert ground.anchors.functions.MAX_REPORTS().call() == REPORTS_MAX
    assert bytes(ground.anchors.functions.digest(anchor_argument(anchor)).call()) == anchor_digest(
        anchor, ground.stands.chain_id, ground.stands.anchors
    )


@given(BATCH, BATCH)
def test_different_batches_have_different_digests(one, other):
    same = one == other
    assert (batch_digest(one, 1, bytes(20)) == batch_digest(other, 1, bytes(20))) == same


def test_a_digest_is_bound_to_its_chain_contract_and_kind():
    digests = {
        batch_digest(EXAMPLE_BATCH, 1, bytes(20)),
        batch_digest(EXAMPLE_BATCH, 2, bytes(20)),
        batch_digest(EXAMPLE_BATCH, 1, b"\x01" * 20),
        anchor_digest(EXAMPLE_ANCHOR, 1, bytes(20)),
        anchor_digest(EXAMPLE_ANCHOR, 2, bytes(20)),
        anchor_digest(EXAMPLE_ANCHOR, 1, b"\x01" * 20),
    }
    assert len(digests) == 6


UNENCODABLE_BATCHES = {
    "seq": replace(EXAMPLE_BATCH, seq=2**64),
    "epoch": replace(EXAMPLE_BATCH, epoch=-1),
    "depositCursor": replace(EXAMPLE_BATCH, deposit_cursor=2**64),
    "deadline": replace(EXAMPLE_BATCH, deadline_s=2**64),
    "previousHead": replace(EXAMPLE_BATCH, previous_head=bytes(31)),
    "stateRoot": replace(EXAMPLE_BATCH, state_root=bytes(33)),
    "liabilitiesRoot": replace(EXAMPLE_BATCH, liabilities_root=b""),
    "dataHash": replace(EXAMPLE_BATCH, data_hash=bytes(64)),
    "servedExits": replace(EXAMPLE_BATCH, served_exits=(0, -1)),
    "withdrawalId": replace(EXAMPLE_BATCH, payouts=(Payout(2**64, bytes(20), bytes(20), 1),)),
    "token": replace(EXAMPLE_BATCH, payouts=(Payout(1, bytes(32), bytes(20), 1),)),
    "payee": replace(EXAMPLE_BATCH, payouts=(Payout(1, bytes(20), bytes(19), 1),)),
    "amount": replace(EXAMPLE_BATCH, payouts=(Payout(1, bytes(20), bytes(20), 2**256),)),
}


@pytest.mark.parametrize("field", UNENCODABLE_BATCHES)
def test_a_batch_that_solidity_cannot_hold_is_refused_by_field(field):
    with pytest.raises(FieldUnencodable) as caught:
        batch_digest(UNENCODABLE_BATCHES[field], 1, bytes(20))
    assert caught.value.field == field


UNENCODABLE_ANCHORS = {
    "index": replace(EXAMPLE_ANCHOR, index=2**64),
    "epoch": replace(EXAMPLE_ANCHOR, epoch=-1),
    "blockNumber": replace(EXAMPLE_ANCHOR, block_number=2**64),
    "lastSeq": replace(EXAMPLE_ANCHOR, last_seq=-5),
    "logSize": replace(EXAMPLE_ANCHOR, log_size=2**70),
    "logRoot": replace(EXAMPLE_ANCHOR, log_root=b""),
    "stateRoot": replace(EXAMPLE_ANCHOR, state_root=bytes(20)),
    "previous": replace(EXAMPLE_ANCHOR, previous=bytes(31)),
    "kind": replace(EXAMPLE_ANCHOR, reports=(Report(-1, 1, 1, *[ZERO_DIGEST] * 2),)),
    "fromSeq": replace(EXAMPLE_ANCHOR, reports=(Report(1, -1, 1, *[ZERO_DIGEST] * 2),)),
    "toSeq": replace(EXAMPLE_ANCHOR, reports=(Report(1, 1, 2**64, *[ZERO_DIGEST] * 2),)),
    "digest": replace(EXAMPLE_ANCHOR, reports=(Report(1, 1, 1, b"", ZERO_DIGEST),)),
    "pack": replace(EXAMPLE_ANCHOR, reports=(Report(1, 1, 1, ZERO_DIGEST, b""),)),
}


@pytest.mark.parametrize("field", UNENCODABLE_ANCHORS)
def test_an_anchor_that_solidity_cannot_hold_is_refused_by_field(field):
    with pytest.raises(FieldUnencodable) as caught:
        anchor_digest(UNENCODABLE_ANCHORS[field], 1, bytes(20))
    assert caught.value.field == field


def test_lists_beyond_the_contracts_bounds_are_refused():
    (payout,), (report,) = EXAMPLE_BATCH.payouts, EXAMPLE_ANCHOR.reports
    with pytest.raises(ListTooLong) as caught:
        batch_digest(replace(EXAMPLE_BATCH, payouts=(payout,) * 201), 1, bytes(20))
    assert (caught.value.field, caught.value.limit, caught.value.found) == ("payouts", 200, 201)
    with pytest.raises(ListTooLong) as caught:
        anchor_digest(replace(EXAMPLE_ANCHOR, reports=(report,) * 65), 1, bytes(20))
    assert (caught.value.field, caught.value.limit, caught.value.found) == ("reports", 64, 65)
