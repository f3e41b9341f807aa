"""JSON-RPC 2.0: one body in, one body out. Every fault of a client has its code and its data."""

from typing import Any, Final

import msgspec

from ledger.settlement.devchain.methods import METHODS, Answer, Methods
from ledger.settlement.devchain.params import InvalidParams
from ledger.settlement.errors import (
    BlockUnknown,
    ExecutionReverted,
    SettlementError,
    TooManyLogs,
    TransactionRefused,
)

BODY_MAX_BYTES: Final = 1_000_000
BATCH_MAX: Final = 1000
DEPTH_MAX: Final = 32
"""Of brackets, before any parsing: py-evm raises Python's recursion limit so far that a deeply
nested body would overflow the C stack instead of raising RecursionError."""
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
LIMIT_EXCEEDED: Final = -32005
TRANSACTION_REFUSED: Final = -32000
RESOURCE_NOT_FOUND: Final = -32001
REVERTED: Final = 3
"""go-ethereum's code for a revert whose data is given; wallets and web3 decode it."""

Id = int | str | None


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `error` member of an answer."""

    code: int
    message: str
    data: str | None = None


class _Request(msgspec.Struct, frozen=True):
    jsonrpc: str
    method: str
    id: Id | msgspec.UnsetType = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"[]")


class _Answered(msgspec.Struct, frozen=True):
    jsonrpc: str
    id: Id
    result: Any


class _Failed(msgspec.Struct, frozen=True):
    jsonrpc: str
    id: Id
    error: Fault


def fault_of(error: SettlementError) -> Fault:
    """The JSON-RPC error that tells a client about an expected error."""
    match error:
        case ExecutionReverted(reason=reason, data=data):
            return Fault(REVERTED, reason, "0x" + data.hex())
        case TransactionRefused(reason=reason):
            return Fault(TRANSACTION_REFUSED, reason)
        case TooManyLogs(limit=limit):
            return Fault(LIMIT_EXCEEDED, f"query returns more than {limit}: narrow the range")
        case BlockUnknown(block=block):
            return Fault(RESOURCE_NOT_FOUND, f"block {block} not found")
        case InvalidParams():
            return Fault(INVALID_PARAMS, f"invalid params: {error.args[0]}")
    raise error


def serve(methods: Methods, body: bytes) -> bytes | None:
    """Answer one HTTP body: a request or a batch. None when only notifications were in it."""
    if len(body) > BODY_MAX_BYTES:
        return _failed(None, Fault(INVALID_REQUEST, f"more than {BODY_MAX_BYTES} bytes"))
    if _depth(body) > DEPTH_MAX:
        return _failed(None, Fault(PARSE_ERROR, f"nested deeper than {DEPTH_MAX}"))
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        return _failed(None, Fault(PARSE_ERROR, "not JSON"))
    batch = _is_list(body)
    parts = msgspec.json.decode(body, type=list[msgspec.Raw]) if batch else [msgspec.Raw(body)]
    if not parts or len(parts) > BATCH_MAX:
        return _failed(None, Fault(INVALID_REQUEST, f"a batch holds 1 to {BATCH_MAX} requests"))
    answers = [answer for part in parts if (answer := _serve_one(methods, part)) is not None]
    if not batch:
        return answers[0] if answers else None
    return b"[" + b",".join(answers) + b"]" if answers else None


def _depth(body: bytes) -> int:
    """How deep brackets nest at most; those inside strings count too, which only errs to safety."""
    depth = deepest = 0
    for bracket in body.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _is_list(body: bytes) -> bool:
    return body.lstrip()[:1] == b"["


def _serve_one(methods: Methods, part: msgspec.Raw) -> bytes | None:
    try:
        request = msgspec.json.decode(part, type=_Request)
    except msgspec.ValidationError as error:
        return _failed(None, Fault(INVALID_REQUEST, str(error)))
    known = request.id if request.id is not msgspec.UNSET else None
    try:
        result = _execute(methods, request)
    except SettlementError as error:
        answer = _failed(known, fault_of(error))
    except _NoSuchMethod:
        answer = _failed(known, Fault(METHOD_NOT_FOUND, f"{request.method} is not served"))
    else:
        answer = msgspec.json.encode(_Answered("2.0", known, result))
    return None if request.id is msgspec.UNSET else answer


class _NoSuchMethod(Exception):
    """Inner signal: the table has no such name."""


def _execute(methods: Methods, request: _Request) -> Answer:
    entry = METHODS.get(request.method)
    if entry is None:
        raise _NoSuchMethod
    shape, handler = entry
    raw = request.params if bytes(request.params) != b"null" else b"[]"
    try:
        parameters = msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise InvalidParams(str(error)) from error
    return handler(methods, parameters)


def _failed(known: Id, fault: Fault) -> bytes:
    return msgspec.json.encode(_Failed("2.0", known, fault))
