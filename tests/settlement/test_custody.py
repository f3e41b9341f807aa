"""The contracts' words in Python: calls, answers, events and errors, against web3's own codec."""

import asyncio

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from web3 import Web3
from web3.logs import DISCARD

from ledger.settlement.artifacts import load
from ledger.settlement.chain import ChainLog, ChainReceipt
from ledger.settlement.contract_abi import ContractAbi
from ledger.settlement.custody import (
    Custody,
    anchor_call,
    deposit_call,
    execute_call,
    named_revert,
)
from ledger.settlement.errors import ChainInconsistent, ExecutionReverted, RevertedWith
from tests.settlement.test_wire import ANCHORS, BATCHES
from tests.settlement.world import CUSTOMER, USDC

SAMPLES = {"uint64": 7, "uint256": 2**200, "address": "0x" + "ab" * 20, "bytes32": b"\x05" * 32}
SAMPLES |= {"string": "GS026", "uint128": 9, "bool": True}
ERRORS = [
    (name, entry["name"], [one["type"] for one in entry["inputs"]])
    for name in ("HotVault", "AnchorRegistry")
    for entry in load(name).abi
    if entry["type"] == "error"
]


def contract(name: str):
    return Web3().eth.contract(abi=load(name).abi)


@given(BATCHES, st.binary(max_size=195))
def test_the_call_of_execute_is_the_one_that_web3_encodes(batch, signatures):
    row = (
        batch.seq, batch.epoch, batch.deposit_cursor, batch.deadline_s, batch.previous_head,
        batch.state_root, batch.liabilities_root, batch.data_hash,
        [(one.withdrawal_id, one.token, one.payee, one.amount_wei) for one in batch.payouts], [],
    )  # fmt: skip
    theirs = contract("HotVault").encode_abi("execute", [row, signatures])
    assert execute_call(batch, signatures) == bytes.fromhex(theirs[2:])


@given(ANCHORS, st.binary(max_size=195))
def test_the_call_of_anchor_is_the_one_that_web3_encodes(anchor, signatures):
    row = (
        anchor.index, anchor.epoch, anchor.block_number, anchor.last_seq, anchor.log_size,
        anchor.log_root, anchor.state_root, anchor.previous,
        [(one.kind, one.from_seq, one.to_seq, one.digest, one.pack) for one in anchor.reports],
    )  # fmt: skip
    theirs = contract("AnchorRegistry").encode_abi("anchor", [row, signatures])
    assert anchor_call(anchor, signatures) == bytes.fromhex(theirs[2:])


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**256 - 1), st.integers(0, 2**64 - 1))
def test_the_call_of_deposit_is_the_one_that_web3_encodes(token, amount_wei, number):
    theirs = contract("HotVault").encode_abi("deposit", [token, amount_wei, number])
    assert deposit_call(token, amount_wei, number) == bytes.fromhex(theirs[2:])


@pytest.mark.parametrize(
    ("owner", "name", "types"), ERRORS, ids=[f"{owner}.{name}" for owner, name, _ in ERRORS]
)
def test_every_custom_error_is_told_by_name_and_arguments(owner, name, types):
    arguments = [SAMPLES[kind] for kind in types]
    selector = keccak(f"{name}({','.join(types)})".encode())[:4]
    found = named_revert(ExecutionReverted("reverted", selector + encode(types, arguments)))
    assert isinstance(found, RevertedWith)
    assert found.name == name
    shown = tuple("0x" + one.hex() if isinstance(one, bytes) else str(one) for one in arguments)
    assert found.args_text == shown


def test_solidity_s_own_errors_are_told_and_unknown_ones_stay():
    error = keccak(b"Error(string)")[:4] + encode(["string"], ["out of money"])
    assert named_revert(ExecutionReverted("", error)).args_text == ("out of money",)
    panic = keccak(b"Panic(uint256)")[:4] + encode(["uint256"], [0x11])
    found = named_revert(ExecutionReverted("", panic))
    assert (found.name, found.args_text) == ("Panic", ("17",))
    for data in (b"", b"\x01", b"\xde\xad\xbe\xef", b"\xde\xad\xbe\xef" + b"\0" * 64):
        unknown = ExecutionReverted("reverted", data)
        assert named_revert(unknown) is unknown


@given(st.binary(max_size=100))
def test_a_known_selector_with_garbage_behind_it_never_escapes_untyped(body):
    """A hostile token can revert with anything, our own selectors included."""
    for _, name, types in ERRORS:
        selector = keccak(f"{name}({','.join(types)})".encode())[:4]
        found = named_revert(ExecutionReverted("reverted", selector + body))
        assert isinstance(found, RevertedWith | ExecutionReverted)
    for selector in (keccak(b"Error(string)")[:4], keccak(b"Panic(uint256)")[:4]):
        found = named_revert(ExecutionReverted("reverted", selector + body))
        assert isinstance(found, RevertedWith | ExecutionReverted)


def test_cursor_tip_and_quorum_are_the_contracts(world):
    cursor = asyncio.run(world.chain.vault_cursor())
    theirs = world.vault.functions.cursor().call()
    assert (cursor.seq, cursor.epoch, cursor.deposits, cursor.deposit_cursor) == theirs[:4]
    assert (cursor.head, cursor.paused) == (bytes(theirs[4]), theirs[5])
    tip = asyncio.run(world.chain.anchor_tip())
    assert (tip.index, tip.block_number, tip.last_seq, tip.log_size) == (0, 0, 0, 0)
    assert tip.epoch == world.registry.functions.epoch().call() == 1
    world.send(world.vault.functions.pause())
    paused = asyncio.run(world.chain.vault_cursor())
    assert (paused.paused, paused.epoch) == (True, cursor.epoch + 1)


def test_a_deposit_s_log_is_read_as_web3_reads_it(world):
    receipt = world.deposit(123, 2**64 - 1)
    (theirs,) = world.vault.events.Deposited().process_receipt(receipt, errors=DISCARD)
    *_, mine = asyncio.run(world.chain.deposits(0, receipt["blockNumber"]))
    arguments = theirs["args"]
    assert (mine.index, mine.account) == (arguments["index"], arguments["account"])
    assert mine.received_wei == arguments["received"] == 123
    assert "0x" + mine.token.hex() == arguments["token"].lower()
    assert "0x" + mine.sender.hex() == arguments["from"].lower()
    assert (mine.block_number, mine.log_index) == (theirs["blockNumber"], theirs["logIndex"])
    assert mine.tx_hash == bytes(theirs["transactionHash"])


def test_what_never_happened_is_found_nowhere(world):
    assert asyncio.run(world.chain.find_batch(1)) is None
    assert asyncio.run(world.chain.find_anchor(1)) is None


def test_a_search_goes_back_window_by_window_to_the_deployment(funded, monkeypatch):
    for amount in (1, 2, 3):
        funded.withdraw(amount)
        asyncio.run(funded.batches.settle())
    monkeypatch.setattr("ledger.settlement.custody.LOG_WINDOW", 2)
    for number in (1, 2, 3):
        found = asyncio.run(funded.chain.find_batch(number))
        assert (found.seq, found.deferred) == (number, 0)


def test_a_log_of_another_contract_in_the_receipt_is_not_ours(funded):
    """A token may log whatever it likes while it is paid out."""
    funded.withdraw(5, USDC)
    (done,) = asyncio.run(funded.batches.settle())
    receipt = asyncio.run(funded.chain.client.receipt(done.tx_hash))
    ours = funded.chain.executed_in(receipt)
    assert (ours.seq, ours.head) == (1, done.digest)
    forged = tuple(
        ChainLog(b"\x66" * 20, log.topics, log.data, log.block_number, log.tx_hash, log.log_index)
        for log in receipt.logs
    )
    elsewhere = ChainReceipt(done.tx_hash, 1, succeeded=True, gas_used=1, logs=forged)
    assert funded.chain.executed_in(elsewhere) is None
    assert funded.chain.anchored_in(receipt) is None


VAULT = ContractAbi("HotVault")


@pytest.mark.parametrize("topics", [0, 1, 3])
def test_an_event_with_missing_topics_is_inconsistent(topics):
    log = ChainLog(b"", (VAULT.topic("Deposited"),) + (b"\0" * 32,) * topics, b"", 1, b"", 0)
    with pytest.raises(ChainInconsistent):
        VAULT.fields("Deposited", log)


@given(data=st.binary(max_size=96), topic=st.binary(min_size=32, max_size=32))
def test_an_event_of_any_bytes_is_read_or_inconsistent(data, topic):
    log = ChainLog(b"", (VAULT.topic("Deposited"), topic, topic, topic), data, 1, b"", 0)
    try:
        fields = VAULT.fields("Deposited", log)
    except ChainInconsistent:
        return
    assert 0 <= fields["index"] < 2**64
    assert 0 <= fields["account"] < 2**64


class Mute(Custody):
    """A node that answers every call with the same bytes."""

    def __init__(self, world, answer: bytes) -> None:
        self.deployment = world.deployment
        self.client = self
        self.answer = answer

    async def call(self, _, __):
        return self.answer


@pytest.mark.parametrize("answer", [b"", b"\0" * 31, b"\xff" * 192, b"\0" * 32])
def test_an_answer_of_another_shape_is_inconsistent(world, answer):
    for ask in ("vault_cursor", "anchor_tip", "quorum"):
        custody = Mute(world, answer)
        if answer == b"\0" * 32 and ask == "quorum":
            continue
        with pytest.raises(ChainInconsistent):
            asyncio.run(getattr(custody, ask)())


def test_the_account_of_the_fixture_is_the_first_customer():
    assert CUSTOMER == 16
