"""The chain client against a real node, and against what is no node."""

import asyncio
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import rlp
from eth_hash.auto import keccak

from ledger.settlement.chain import ChainClient
from ledger.settlement.errors import (
    ChainDown,
    ChainInconsistent,
    ChainRefused,
    ExecutionReverted,
    WrongChain,
)
from tests.settlement.ground import ALICE, ECHO_INIT, STRANGER, account, address_of, signed

CHAIN = 31337


def ask(url, method, *arguments, chain_id=CHAIN, timeout_s=10):
    """One call of a client of its own."""

    async def run():
        async with ChainClient(url, chain_id, timeout_s) as client:
            return await getattr(client, method)(*arguments)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def echo(chain_url):
    """The echo contract, and the block of its one log."""
    nonce = ask(chain_url, "nonce", address_of(ALICE))
    created = ask(chain_url, "broadcast", signed(ALICE, nonce, to="", data=ECHO_INIT))
    receipt = ask(chain_url, "receipt", created)
    assert receipt.succeeded
    contract = keccak(rlp.encode([address_of(ALICE), nonce]))[12:]
    word = b"\x2b".rjust(32, b"\0")
    call = signed(ALICE, nonce + 1, to=contract, data=word)
    called = ask(chain_url, "receipt", ask(chain_url, "broadcast", call))
    return contract, called


def test_the_configured_chain_is_told_from_another(chain_url):
    ask(chain_url, "ensure_chain")
    with pytest.raises(WrongChain) as caught:
        ask(chain_url, "ensure_chain", chain_id=1)
    assert (caught.value.expected, caught.value.found) == (1, CHAIN)


def test_head_nonce_and_fees_are_the_nodes(chain_url):
    head = ask(chain_url, "head")
    assert head.number >= 0
    assert len(head.hash) == 32
    assert ask(chain_url, "nonce", address_of(STRANGER)) == 0
    fees = ask(chain_url, "fees")
    assert fees.cap_wei >= fees.tip_wei > 0


def test_logs_come_with_their_place(chain_url, echo):
    contract, receipt = echo
    (log,) = receipt.logs
    topic = b"\x2a".rjust(32, b"\0")
    found = ask(chain_url, "logs", contract, [topic], 0, receipt.block_number)
    assert found == (log,)
    assert (log.address, log.tx_hash) == (contract, receipt.tx_hash)
    assert ask(chain_url, "logs", contract, [b"\x01" * 32], 0, receipt.block_number) == ()


def test_a_call_answers_or_reverts_with_its_data(chain_url, echo):
    contract, _ = echo
    assert ask(chain_url, "call", contract, b"\x01" * 32) == b"\x01" * 32
    with pytest.raises(ExecutionReverted) as caught:
        ask(chain_url, "call", contract, b"")
    assert caught.value.data == bytes.fromhex("deadbeef")
    with pytest.raises(ExecutionReverted):
        ask(chain_url, "estimate_gas", contract, b"", address_of(ALICE))
    assert ask(chain_url, "estimate_gas", contract, b"\x01" * 32, address_of(ALICE)) > 21_000


def test_a_transaction_that_the_node_refuses_says_why(chain_url):
    poor = account(0x9007)
    with pytest.raises(ChainRefused) as caught:
        ask(chain_url, "broadcast", signed(poor, 0, value=1))
    assert caught.value.code == -32000
    assert "afford" in caught.value.reason
    assert ask(chain_url, "receipt", b"\x77" * 32) is None


def test_a_node_that_is_not_there_is_down():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    for method, arguments in (("head", ()), ("broadcast", (b"\x02",)), ("receipt", (b"\1" * 32,))):
        with pytest.raises(ChainDown) as caught:
            ask(url, method, *arguments)
        assert caught.value.url == url


def test_a_node_that_never_answers_is_down_after_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ChainDown, match="Timeout"):
            ask(url, "head", timeout_s=1)


class _Liar(BaseHTTPRequestHandler):
    """Answers every request with the bytes that the test set."""

    answer = b""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def liar():
    server = HTTPServer(("127.0.0.1", 0), _Liar)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b'"text"', b"null", b"{}", b'{"jsonrpc":"2.0","id":1}', b"\xff\xfe"],
)
def test_an_answer_that_is_no_json_rpc_is_noticed(liar, answer):
    _Liar.answer = answer
    with pytest.raises((ChainDown, ChainInconsistent)):
        ask(liar, "head")


@pytest.mark.parametrize(
    "result", [b"null", b"7", b'"0x"', b"[]", b'{"number":"0x1"}', b'{"number":"zz","hash":1}']
)
def test_a_result_of_another_shape_is_noticed(liar, result):
    _Liar.answer = b'{"jsonrpc":"2.0","id":0,"result":' + result + b"}"
    with pytest.raises(ChainInconsistent):
        ask(liar, "head")


def test_logs_that_were_not_asked_for_are_noticed(liar):
    log = (
        b'[{"address":"0x' + b"22" * 20 + b'","topics":["0x' + b"2a" * 32 + b'"],"data":"0x",'
        b'"blockNumber":"0x5","blockHash":"0x' + b"11" * 32 + b'","transactionHash":"0x'
        + b"33" * 32 + b'","transactionIndex":"0x0","logIndex":"0x0","removed":false}]'
    )  # fmt: skip
    _Liar.answer = b'{"jsonrpc":"2.0","id":0,"result":' + log + b"}"
    topic = b"\x2a" * 32
    assert len(ask(liar, "logs", b"\x22" * 20, [topic], 5, 5)) == 1
    for asked in (
        (b"\x23" * 20, [topic], 5, 5),
        (b"\x22" * 20, [b"\x2b" * 32], 5, 5),
        (b"\x22" * 20, [topic], 6, 7),
    ):
        with pytest.raises(ChainInconsistent):
            ask(liar, "logs", *asked)
