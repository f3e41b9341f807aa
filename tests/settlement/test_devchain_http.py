"""The embedded chain as a process, spoken to by real clients: docs/spec/settlement.md, 1."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from web3 import Web3
from web3.exceptions import ContractCustomError, TimeExhausted, TransactionNotFound, Web3RPCError
from web3.middleware import SignAndSendRawMiddlewareBuilder

from ledger.settlement.devchain.rpc import BODY_MAX_BYTES
from tests.settlement.ground import ALICE, BOB, ECHO_INIT, chain_process, rpc_body, signed

JSON = {"content-type": "application/json"}
ECHO_ABI = [{"type": "error", "name": "Refused", "inputs": []}]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with chain_process(tmp_path_factory.mktemp("chain")) as url:
        yield url


@pytest.fixture
def web3(url):
    web3 = Web3(Web3.HTTPProvider(url))
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(BOB), layer=0)
    return web3


def test_web3_fills_signs_sends_and_waits(web3):
    """Nonce, gas, fees and chain id all come from the node."""
    before = web3.eth.get_balance(ALICE.address)
    hash_ = web3.eth.send_transaction({"from": BOB.address, "to": ALICE.address, "value": 12})
    receipt = web3.eth.wait_for_transaction_receipt(hash_)
    assert receipt["status"] == 1
    assert web3.eth.get_balance(ALICE.address) == before + 12
    assert web3.eth.get_transaction(hash_)["from"] == BOB.address


def test_web3_deploys_a_contract_and_decodes_its_revert(web3):
    hash_ = web3.eth.send_transaction({"from": BOB.address, "data": ECHO_INIT})
    echo = web3.eth.wait_for_transaction_receipt(hash_)["contractAddress"]
    answer = web3.eth.call({"to": echo, "data": "0x" + "07".rjust(64, "0")})
    assert int.from_bytes(answer) == 7
    with pytest.raises(ContractCustomError) as caught:
        web3.eth.call({"to": echo})
    assert caught.value.data == "0xdeadbeef"


def test_web3_batches_requests(web3):
    with web3.batch_requests() as batch:
        batch.add(web3.eth.get_balance(ALICE.address))
        batch.add(web3.eth.get_block(0))
        balance, block = batch.execute()
    assert balance == web3.eth.get_balance(ALICE.address)
    assert block["hash"] == web3.eth.get_block(0)["hash"]


def test_web3_says_what_is_not_there(web3):
    with pytest.raises(TransactionNotFound):
        web3.eth.get_transaction("0x" + "77" * 32)
    with pytest.raises(TimeExhausted):
        web3.eth.wait_for_transaction_receipt("0x" + "77" * 32, timeout=0.05, poll_latency=0.01)
    with pytest.raises(Web3RPCError, match="not served"):
        web3.eth.sign(BOB.address, data=b"x")


def test_many_clients_at_once_are_all_answered(url):
    """Sixteen senders at a time; the chain orders them, and each waits for its own block."""

    def ask(_):
        return httpx.post(url, content=rpc_body("eth_blockNumber"), headers=JSON).json()["result"]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(64)))
    assert len(set(answers)) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (JSON, 200),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
        (JSON | {"host": "localhost:1"}, 200),
        (JSON | {"host": "evil.example"}, 403),
        (JSON | {"host": "127.0.0.1.evil.example"}, 403),
    ],
)
def test_only_json_posted_to_a_loopback_name_is_read(url, headers, status):
    answer = httpx.post(url, content=rpc_body("eth_chainId"), headers=headers)
    assert answer.status_code == status


def test_other_methods_of_http_are_refused(url):
    assert httpx.get(url).status_code == 405
    assert httpx.options(url).status_code == 405


def test_a_body_is_bounded_before_it_is_read_whole(url):
    assert httpx.post(url, content=b" " * (BODY_MAX_BYTES + 1), headers=JSON).status_code == 413

    def endless():
        for _ in range(64):
            yield b" " * 65_536

    assert httpx.post(url, content=endless(), headers=JSON).status_code == 413


def test_a_notification_gets_no_content(url):
    body = b'{"jsonrpc":"2.0","method":"eth_chainId"}'
    answer = httpx.post(url, content=body, headers=JSON)
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_raw_transaction_twice_over_http_is_refused_once(url):
    raw = "0x" + signed(ALICE, 0).hex()
    answers = [
        httpx.post(url, content=rpc_body("eth_sendRawTransaction", raw), headers=JSON).json()
        for _ in range(2)
    ]
    assert "result" in answers[0]
    assert answers[1]["error"]["code"] == -32000
