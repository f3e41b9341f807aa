"""The embedded chain's JSON-RPC, method by method, in this process: docs/spec/settlement.md, 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.devchain import rpc
from ledger.settlement.devchain.evm import RAW_TRANSACTION_MAX_BYTES
from tests.settlement.ground import (
    ALICE,
    BOB,
    ECHO_INIT,
    ECHO_RUNTIME,
    GENESIS_S,
    GWEI,
    STRANGER,
    address_of,
    signed,
)
from tests.settlement.node import TOPIC


@pytest.fixture
def echo(chain):
    """The echo contract's address; it is Alice's transaction 0, in block 1."""
    receipt = chain(
        "eth_getTransactionReceipt", chain.send(signed(ALICE, 0, to="", data=ECHO_INIT))
    )
    assert receipt["status"] == "0x1"
    return receipt["contractAddress"]


def test_a_new_chain_has_a_genesis_block_with_the_configured_balances(chain):
    assert chain("eth_blockNumber") == "0x0"
    assert chain("eth_chainId") == hex(31337)
    assert chain("net_version") == "31337"
    assert int(chain("eth_getBalance", ALICE.address), 16) == 10_000 * 10**18
    assert chain("eth_getBalance", STRANGER.address, "latest") == "0x0"
    genesis = chain("eth_getBlockByNumber", "earliest")
    assert int(genesis["timestamp"], 16) == GENESIS_S
    assert genesis["transactions"] == []
    assert genesis["parentHash"] == "0x" + "00" * 32


def test_the_node_unlocks_no_account_and_names_itself(chain):
    assert chain("eth_accounts") == []
    assert chain("eth_syncing") is False
    assert chain("eth_mining") is True
    assert chain("net_listening") is True
    assert chain("web3_clientVersion").startswith("provenue-devchain/")


def test_each_transaction_is_sealed_into_a_block_of_its_own(chain):
    first = chain.send(signed(ALICE, 0, value=5))
    second = chain.send(signed(BOB, 0, value=6))
    assert chain("eth_blockNumber") == "0x2"
    assert chain("eth_getBlockByNumber", "0x1")["transactions"] == [first]
    assert chain("eth_getBlockByNumber", "latest")["transactions"] == [second]
    assert chain("eth_getBalance", "0x" + "22" * 20) == hex(11)
    assert chain("eth_getBalance", "0x" + "22" * 20, "0x1") == hex(5)
    assert chain("eth_getTransactionCount", ALICE.address, "pending") == "0x1"


def test_a_transaction_reads_back_as_it_was_signed(chain):
    raw = signed(ALICE, 0, value=7, data=b"\x01\x02", gas=50_000)
    seen = chain("eth_getTransactionByHash", chain.send(raw))
    assert seen["from"] == ALICE.address
    assert seen["value"] == "0x7"
    assert seen["input"] == "0x0102"
    assert seen["type"] == "0x2"
    assert seen["maxFeePerGas"] == hex(10 * GWEI)
    block = chain("eth_getBlockByHash", *[seen["blockHash"], True])
    assert block["transactions"] == [seen]
    assert block["number"] == seen["blockNumber"] == "0x1"


@pytest.mark.parametrize(
    ("fields", "kind", "v"),
    [
        ({"type": None, "gasPrice": 3 * GWEI}, "0x0", {hex(31337 * 2 + 35), hex(31337 * 2 + 36)}),
        ({"type": 1, "gasPrice": 3 * GWEI, "accessList": []}, "0x1", {"0x0", "0x1"}),
        (
            {"type": 2, "maxFeePerGas": 3 * GWEI, "maxPriorityFeePerGas": GWEI},
            "0x2",
            {"0x0", "0x1"},
        ),
    ],
)
def test_legacy_access_list_and_dynamic_fee_transactions_execute(chain, fields, kind, v):
    transaction = {
        "nonce": 0, "to": "0x" + "22" * 20, "value": 1, "gas": 30_000, "chainId": 31337,
        **{name: value for name, value in fields.items() if value is not None},
    }  # fmt: skip
    raw = bytes(ALICE.sign_transaction(transaction).raw_transaction)
    seen = chain("eth_getTransactionByHash", chain.send(raw))
    assert seen["type"] == kind
    assert seen["v"] in v
    receipt = chain("eth_getTransactionReceipt", seen["hash"])
    assert receipt["status"] == "0x1"
    base = int(chain("eth_getBlockByNumber", "0x1")["baseFeePerGas"], 16)
    price = min(3 * GWEI, base + GWEI) if kind == "0x2" else 3 * GWEI
    assert int(receipt["effectiveGasPrice"], 16) == price


def test_a_contract_is_created_called_and_read(chain, echo):
    assert chain("eth_getCode", echo) == "0x" + ECHO_RUNTIME.hex()
    word = "0x" + "11" * 32
    assert chain("eth_call", {"to": echo, "data": word}) == word
    assert chain("eth_getStorageAt", echo, "0x0") == "0x" + "00" * 32
    hash_ = chain.send(signed(ALICE, 1, to=echo, data=bytes.fromhex(word[2:])))
    assert chain("eth_getStorageAt", echo, "0x0") == word
    (log,) = chain("eth_getTransactionReceipt", hash_)["logs"]
    assert log["address"] == echo
    assert log["topics"] == [TOPIC]
    assert log["data"] == word
    assert (log["logIndex"], log["removed"]) == ("0x0", False)
    assert chain("eth_getBlockReceipts", "0x2") == [chain("eth_getTransactionReceipt", hash_)]


def test_a_call_sees_the_state_of_the_block_that_it_names(chain, echo):
    chain.send(signed(ALICE, 1, to=echo, data=b"\x07".rjust(32)))
    chain.send(signed(ALICE, 2, to=echo, data=b"\x08".rjust(32)))
    stored = [chain("eth_getStorageAt", echo, "0x0", hex(block))[-2:] for block in (1, 2, 3)]
    assert stored == ["00", "07", "08"]


def test_a_call_changes_nothing(chain, echo):
    before = chain("eth_getBlockByNumber", "latest")
    chain("eth_call", {"from": ALICE.address, "to": echo, "data": "0x" + "11" * 32, "value": "0x1"})
    chain("eth_estimateGas", {"from": ALICE.address, "to": echo, "data": "0x" + "11" * 32})
    assert chain("eth_getBlockByNumber", "latest") == before
    assert chain("eth_getStorageAt", echo, "0x0") == "0x" + "00" * 32


def test_a_revert_carries_the_contracts_data(chain, echo):
    for method in ("eth_call", "eth_estimateGas"):
        fault = chain.fault(method, {"from": ALICE.address, "to": echo})
        assert fault == {"code": 3, "message": "execution reverted", "data": "0xdeadbeef"}


def test_a_reverting_transaction_is_mined_with_status_zero(chain, echo):
    receipt = chain("eth_getTransactionReceipt", chain.send(signed(ALICE, 1, to=echo)))
    assert receipt["status"] == "0x0"
    assert receipt["logs"] == []


def test_the_estimate_is_enough_and_close(chain, echo):
    call = {"from": ALICE.address, "to": echo, "data": "0x" + "11" * 32}
    estimate = int(chain("eth_estimateGas", call), 16)
    hash_ = chain.send(signed(ALICE, 1, to=echo, data=b"\x11" * 32, gas=estimate))
    receipt = chain("eth_getTransactionReceipt", hash_)
    assert receipt["status"] == "0x1"
    assert int(receipt["gasUsed"], 16) <= estimate <= int(receipt["gasUsed"], 16) * 9 // 8


def test_the_estimate_of_a_plain_transfer_is_enough(chain):
    call = {"from": ALICE.address, "to": BOB.address, "value": "0x1"}
    estimate = int(chain("eth_estimateGas", call), 16)
    assert 21_000 <= estimate <= 21_400
    assert chain("eth_getTransactionReceipt", chain.send(signed(ALICE, 0, gas=estimate)))


def test_an_estimate_that_the_sender_cannot_pay_for_says_so(chain):
    fault = chain.fault(
        "eth_estimateGas", {"from": STRANGER.address, "to": BOB.address, "value": "0x1"}
    )
    assert fault["code"] == 3
    assert "balance" in fault["message"]


def test_fee_history_counts_back_from_the_newest_block(chain):
    for nonce in range(3):
        chain.send(signed(ALICE, nonce))
    history = chain("eth_feeHistory", "0x2", "latest", [25, 75.5])
    blocks = [chain("eth_getBlockByNumber", hex(number)) for number in (2, 3)]
    assert history["oldestBlock"] == "0x2"
    assert history["baseFeePerGas"][:2] == [block["baseFeePerGas"] for block in blocks]
    assert len(history["baseFeePerGas"]) == 3
    assert history["gasUsedRatio"] == [21_000 * 10**6 // 60_000_000 / 10**6] * 2
    assert history["reward"] == [[hex(GWEI)] * 2] * 2
    assert chain("eth_feeHistory", 1000, "latest")["oldestBlock"] == "0x0"
    assert int(chain("eth_gasPrice"), 16) > int(chain("eth_maxPriorityFeePerGas"), 16)


def test_timestamps_follow_the_clock_and_never_go_back(chain):
    def mined() -> int:
        chain("evm_mine")
        return int(chain("eth_getBlockByNumber", "latest")["timestamp"], 16)

    assert mined() == GENESIS_S
    assert mined() == GENESIS_S
    chain.clock.now_s += 100
    assert mined() == GENESIS_S + 100
    chain.clock.now_s -= 50
    assert mined() == GENESIS_S + 100


def test_the_pending_block_has_the_time_of_now(chain):
    chain.clock.now_s += 3600
    pending = chain("eth_getBlockByNumber", "pending")
    assert (pending["number"], int(pending["timestamp"], 16)) == ("0x1", GENESIS_S + 3600)
    assert chain("eth_blockNumber") == "0x0"


def test_blocks_and_transactions_that_are_not_there_are_null(shared):
    nothing = "0x" + "77" * 32
    assert shared("eth_getTransactionByHash", nothing) is None
    assert shared("eth_getTransactionReceipt", nothing) is None
    assert shared("eth_getBlockByHash", nothing) is None
    assert shared("eth_getBlockByNumber", "0x99") is None
    assert shared.fault("eth_getBalance", ALICE.address, "0x99")["code"] == rpc.RESOURCE_NOT_FOUND


def test_mining_many_blocks_is_bounded(chain):
    chain("evm_mine", 3)
    assert chain("eth_blockNumber") == "0x3"
    assert chain.fault("evm_mine", "0x0")["code"] == rpc.INVALID_PARAMS
    assert chain.fault("evm_mine", 1001)["code"] == rpc.INVALID_PARAMS


REFUSED = {
    "nonce too high": signed(ALICE, 1),
    "for chain 1,": signed(ALICE, 0, chainId=1),
    "cannot afford": signed(STRANGER, 0),
    "enough balance": signed(ALICE, 0, value=10_000 * 10**18),
    "exceeds gas limit": signed(ALICE, 0, gas=60_000_001, maxFeePerGas=2 * GWEI),
    "base fee": signed(ALICE, 0, maxFeePerGas=1, maxPriorityFeePerGas=1),
    "intrinsic gas too low": signed(ALICE, 0, gas=20_999),
    "type 3 is not supported": b"\x03" + signed(ALICE, 0)[1:],
    "type 5 is not supported": b"\x05" + signed(ALICE, 0)[1:],
    "not a transaction": signed(ALICE, 0)[:-1],
    f"{RAW_TRANSACTION_MAX_BYTES + 1} bytes": b"\xff" * (RAW_TRANSACTION_MAX_BYTES + 1),
    "0 bytes": b"",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_transaction_that_cannot_execute_is_refused_and_changes_nothing(shared, reason):
    before = shared("eth_getBlockByNumber", "latest")
    fault = shared.fault("eth_sendRawTransaction", "0x" + REFUSED[reason].hex())
    assert fault["code"] == rpc.TRANSACTION_REFUSED
    assert reason in fault["message"]
    assert shared("eth_getBlockByNumber", "latest") == before
    assert shared("eth_getTransactionCount", ALICE.address) == "0x0"


def test_a_transaction_is_taken_once(chain):
    raw = signed(ALICE, 0)
    chain.send(raw)
    fault = chain.fault("eth_sendRawTransaction", "0x" + raw.hex())
    assert fault == {"code": -32000, "message": "nonce too low: next is 1, got 0"}


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"\x02\xf8" + tail))
def test_garbage_is_refused_as_a_transaction(shared, raw):
    fault = shared.fault("eth_sendRawTransaction", "0x" + raw.hex())
    assert fault["code"] == rpc.TRANSACTION_REFUSED
    assert shared("eth_blockNumber") == "0x0"


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_never_spends_alices_money(shared, position, bit):
    raw = bytearray(signed(ALICE, 0, value=1))
    raw[position % len(raw)] ^= 1 << bit
    fault = shared.fault("eth_sendRawTransaction", "0x" + raw.hex())
    assert fault["code"] == rpc.TRANSACTION_REFUSED
    assert shared("eth_blockNumber") == "0x0"


def test_addresses_are_returned_with_their_checksum(shared):
    assert address_of(ALICE).hex() == ALICE.address[2:].lower()
    assert shared("eth_getBlockByNumber", "latest")["miner"] == "0x" + "0" * 40
