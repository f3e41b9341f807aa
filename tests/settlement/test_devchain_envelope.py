"""JSON-RPC itself: what is malformed, batches, notifications: docs/spec/settlement.md, 1."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.settlement.devchain import rpc
from ledger.settlement.devchain.methods import METHODS
from tests.settlement.node import TOPIC


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", rpc.PARSE_ERROR),
        (b"{", rpc.PARSE_ERROR),
        (b"\xff\xfe", rpc.PARSE_ERROR),
        (b"[" * 100_000, rpc.PARSE_ERROR),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, rpc.PARSE_ERROR),
        (b'{"a":' * 99_000 + b"1" + b"}" * 99_000, rpc.PARSE_ERROR),
        (b"[" * rpc.DEPTH_MAX + b"]" * rpc.DEPTH_MAX, rpc.INVALID_REQUEST),
        (b"1", rpc.INVALID_REQUEST),
        (b"[]", rpc.INVALID_REQUEST),
        (b'"eth_chainId"', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1}', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}', rpc.INVALID_REQUEST),
        (b" " * (rpc.BODY_MAX_BYTES + 1), rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_sign"}', rpc.METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[1]}', rpc.INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{}}', rpc.INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance"}', rpc.INVALID_PARAMS),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else str(value),
)
def test_a_malformed_body_has_its_code(shared, body, code):
    answer = msgspec.json.decode(rpc.serve(shared.methods, body))
    assert (answer["error"] if isinstance(answer, dict) else answer[0]["error"])["code"] == code


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("eth_getBalance", ["0x" + "22" * 19]),
        ("eth_getBalance", ["0x" + "22" * 20, "newest"]),
        ("eth_getBalance", ["0x" + "22" * 20, "0x00"]),
        ("eth_getBalance", ["0x" + "22" * 20, "0x" + "f" * 17]),
        ("eth_getStorageAt", ["0x" + "22" * 20, "0x" + "f" * 65]),
        ("eth_call", [{"to": "0x" + "22" * 20, "data": "0x1"}]),
        ("eth_call", [{"to": "0x" + "22" * 20, "data": "0x01", "input": "0x02"}]),
        ("eth_call", [{"to": "0x" + "22" * 20, "blobs": []}]),
        ("eth_call", [{"to": "0x" + "22" * 20}, "latest", {"0x": {"balance": "0x1"}}]),
        ("eth_sendRawTransaction", ["zz"]),
        ("eth_getLogs", [{"topics": [TOPIC] * 5}]),
        ("eth_getLogs", [{"address": ["0x" + "22" * 20] * 101}]),
        ("eth_feeHistory", [0, "latest"]),
        ("eth_feeHistory", ["0x401", "latest"]),
    ],
)
def test_parameters_that_do_not_fit_are_refused(shared, method, parameters):
    assert shared.fault(method, *parameters)["code"] == rpc.INVALID_PARAMS


def test_a_batch_is_answered_in_order_and_skips_notifications(shared):
    body = (
        b'[{"jsonrpc":"2.0","id":"a","method":"eth_chainId"},'
        b'{"jsonrpc":"2.0","method":"eth_chainId"},'
        b'{"jsonrpc":"2.0","id":null,"method":"nothing","params":null},7]'
    )
    answers = msgspec.json.decode(rpc.serve(shared.methods, body))
    assert [answer["id"] for answer in answers] == ["a", None, None]
    assert answers[0]["result"] == hex(31337)
    codes = [answer["error"]["code"] for answer in answers[1:]]
    assert codes == [rpc.METHOD_NOT_FOUND, rpc.INVALID_REQUEST]


def test_notifications_alone_are_not_answered(shared):
    notification = b'{"jsonrpc":"2.0","method":"eth_chainId"}'
    assert rpc.serve(shared.methods, notification) is None
    assert rpc.serve(shared.methods, b"[" + notification + b"]") is None


def test_a_batch_is_bounded(shared):
    one = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
    whole = b"[" + b",".join([one] * rpc.BATCH_MAX) + b"]"
    assert len(msgspec.json.decode(rpc.serve(shared.methods, whole))) == rpc.BATCH_MAX
    more = b"[" + b",".join([one] * (rpc.BATCH_MAX + 1)) + b"]"
    fault = msgspec.json.decode(rpc.serve(shared.methods, more))["error"]
    assert fault["code"] == rpc.INVALID_REQUEST


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(METHODS.keys() - {"evm_mine"})), st.lists(JSON, max_size=4))
def test_any_parameters_get_an_answer_or_a_typed_fault(shared, method, parameters):
    answer = shared.ask(method, *parameters)
    assert ("result" in answer) != ("error" in answer)
    if "error" in answer:
        assert answer["error"]["code"] in {
            rpc.INVALID_PARAMS, rpc.RESOURCE_NOT_FOUND, rpc.TRANSACTION_REFUSED, rpc.REVERTED,
        }  # fmt: skip
