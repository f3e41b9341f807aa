"""Logs of the embedded chain against a plain model: docs/spec/settlement.md, 1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.devchain import rpc
from ledger.settlement.devchain.methods import LOG_BLOCKS_MAX
from tests.settlement.ground import ALICE, ECHO_INIT, signed
from tests.settlement.node import TOPIC, Chain


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """Two echo contracts with five logs in blocks 3 to 7; every log of the chain beside them."""
    chain = Chain(tmp_path_factory.mktemp("logs"))
    contracts = [
        chain("eth_getTransactionReceipt", chain.send(signed(ALICE, nonce, to="", data=ECHO_INIT)))[
            "contractAddress"
        ]
        for nonce in (0, 1)
    ]
    logs = []
    for nonce, which in enumerate((0, 1, 1, 0, 1), start=2):
        word = nonce.to_bytes(32, "big")
        hash_ = chain.send(signed(ALICE, nonce, to=contracts[which], data=word))
        logs += chain("eth_getTransactionReceipt", hash_)["logs"]
    yield chain, contracts, logs
    chain.evm.close()


OTHER = "0x" + "99" * 20
ABSENT = "0x" + "00" * 32


@given(
    first=st.integers(0, 9),
    last=st.integers(0, 9),
    emitters=st.sampled_from([None, [0], [1], [0, 1], [], "other", "single"]),
    topics=st.sampled_from(
        [None, [], [None], [TOPIC], [[TOPIC, ABSENT]], [ABSENT], [TOPIC, None], [None, TOPIC], [[]]]
    ),
)
def test_logs_equal_a_plain_filter_over_all_logs(logged, first, last, emitters, topics):
    chain, contracts, logs = logged
    first = min(first, 7)
    wanted = {"fromBlock": hex(first), "toBlock": hex(last)}
    if emitters is not None:
        named = {"other": [OTHER], "single": contracts[:1]}.get(str(emitters))
        named = [contracts[one] for one in emitters] if named is None else named
        wanted["address"] = named[0] if emitters == "single" else named
    if topics is not None:
        wanted["topics"] = topics
    expected = [
        log
        for log in logs
        if first <= int(log["blockNumber"], 16) <= last
        and (not wanted.get("address") or log["address"] in wanted["address"])
        and topics_match(log["topics"], topics or [])
    ]
    assert chain("eth_getLogs", wanted) == expected


def topics_match(found, wanted) -> bool:
    """The specification's words: null is anything, a list is any of it, more than there is none."""
    if len(wanted) > len(found):
        return False
    pairs = zip(wanted, found, strict=False)
    return all(one in (None, [], topic) or topic in (one or []) for one, topic in pairs)


def test_logs_of_one_block_by_its_hash(logged):
    chain, _, logs = logged
    assert chain("eth_getLogs", {"blockHash": logs[2]["blockHash"]}) == [logs[2]]
    both = {"blockHash": logs[2]["blockHash"], "fromBlock": "0x0"}
    assert chain.fault("eth_getLogs", both)["code"] == rpc.INVALID_PARAMS
    unknown = {"blockHash": "0x" + "77" * 32}
    assert chain.fault("eth_getLogs", unknown)["code"] == rpc.RESOURCE_NOT_FOUND


def test_a_log_query_over_too_many_blocks_is_refused(shared, monkeypatch):
    monkeypatch.setattr("ledger.settlement.devchain.methods.LOG_BLOCKS_MAX", 0)
    fault = shared.fault("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    assert fault["code"] == rpc.LIMIT_EXCEEDED
    assert LOG_BLOCKS_MAX == 10_000


def test_more_logs_than_an_answer_holds_are_refused(logged, monkeypatch):
    chain, _, logs = logged
    monkeypatch.setattr("ledger.settlement.devchain.methods.LOGS_MAX", len(logs) - 1)
    fault = chain.fault("eth_getLogs", {"fromBlock": "0x0"})
    assert fault["code"] == rpc.LIMIT_EXCEEDED
