"""One road for every operation of the dialect: limit, read, authenticate, parse, answer, encode.

An operation is a row: method, path, what it demands, and one function from a typed request to a
typed answer. The order of the checks is the order of `serve`; docs/api.md states it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response

from api.binance.kinds import DECIMAL, LONG
from api.binance.params import SIGNATURE, Sent, Shape, read_sent
from api.gate.auth import (
    WINDOW_DEFAULT_US,
    Credential,
    Scope,
    check_limits,
    check_signature,
    check_time,
)
from api.gate.errors import answer_dialect
from api.gate.ratelimit import OrderCounts
from api.gate.refusals import (
    ApiError,
    BodyTooLarge,
    ParameterEmpty,
    ParameterMissing,
    PrecisionTooHigh,
    QueryTooLarge,
)
from api.gate.services import Services
from ledger.journal.errors import JournalError

BODY_BYTES_MAX: Final = 65_536
QUERY_BYTES_MAX: Final = 16_384
TIMESTAMP: Final = "timestamp"
RECV_WINDOW: Final = "recvWindow"
_MICROSECONDS_FROM: Final = 10**14
"""Timestamps this large are microseconds: as milliseconds they would be in the year 5138."""
_WINDOW_DECIMALS: Final = 3

P = TypeVar("P")


class Security(Enum):
    """What an operation demands of its caller."""

    NONE = None
    USER_DATA = Scope.READ
    TRADE = Scope.TRADE
    WITHDRAW = Scope.WITHDRAW


@dataclass(slots=True)
class Call(Generic[P]):
    """One authenticated request on its way: what it asks, for whom, and when."""

    services: Services
    request: P
    address: str
    now_ns: int
    credential: Credential | None = None
    orders: OrderCounts | None = None

    @property
    def caller(self) -> Credential:
        """Who asks; only operations that demand a key have one."""
        assert self.credential is not None, "a public operation has no caller"
        return self.credential

    @property
    def now_ms(self) -> int:
        return self.now_ns // 1_000_000

    def charge(self, weight: int) -> None:
        """Charge weight that only the parsed request tells.

        Raises:
            WeightExceeded, AddressBanned: As `RateLimits.charge`.
        """
        self.services.limits.charge(self.address, weight, self.now_ns // 1_000_000_000)

    def count_order(self) -> None:
        """Count one new order of the caller's account.

        Raises:
            OrdersExceeded: It is over its limit.
        """
        now_s = self.now_ns // 1_000_000_000
        self.orders = self.services.limits.count_order(self.caller.account, now_s)


@dataclass(frozen=True, slots=True)
class Operation(Generic[P]):
    """One row of the dialect. `answer` returns anything that msgspec encodes."""

    method: str
    path: str
    security: Security
    weight: int
    shape: Shape[P]
    answer: Callable[[Call[P]], Awaitable[object]]
    encoder: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder)


def mount(router: APIRouter, services: Services, operation: Operation[Any]) -> None:
    """Give an operation its route, with its parameters in the OpenAPI document."""

    async def endpoint(request: Request) -> Response:
        return await serve(services, operation, request)

    router.add_api_route(
        operation.path,
        endpoint,
        methods=[operation.method],
        summary=(operation.answer.__doc__ or "").partition("\n")[0],
        operation_id=f"{operation.method} {operation.path}",
        openapi_extra={"parameters": [*_documented(operation)]},
    )


async def serve(services: Services, operation: Operation[P], request: Request) -> Response:
    """Take one request down the road, and turn a refusal into the dialect's answer."""
    now_ns = services.now_ns()
    address = request.client.host if request.client else ""
    call: Call[Any] | None = None
    try:
        services.limits.charge(address, operation.weight, now_ns // 1_000_000_000)
        sent = read_sent(_query(request), await _body(request))
        credential, aside = _authenticated(services, operation.security, request, sent, now_ns)
        wish = operation.shape.read(sent, aside)
        call = Call(services, wish, address, now_ns, credential)
        content = operation.encoder.encode(await operation.answer(call))
        response = Response(content, media_type="application/json")
    except (ApiError, JournalError) as refusal:
        response = answer_dialect(refusal)
    used = services.limits.used(address, now_ns // 1_000_000_000)
    response.headers["X-MBX-USED-WEIGHT"] = str(used)
    response.headers["X-MBX-USED-WEIGHT-1M"] = str(used)
    if call is not None and call.orders is not None:
        response.headers["X-MBX-ORDER-COUNT-10S"] = str(call.orders.in_10s)
        response.headers["X-MBX-ORDER-COUNT-1D"] = str(call.orders.in_day)
    return response


def _query(request: Request) -> bytes:
    query: bytes = request.scope["query_string"]
    if len(query) > QUERY_BYTES_MAX:
        raise QueryTooLarge(QUERY_BYTES_MAX)
    return query


async def _body(request: Request) -> bytes:
    """The body, never more of it than the limit. GET has its parameters in the query alone."""
    if request.method == "GET":
        return b""
    if int(request.headers.get("content-length", "0")) > BODY_BYTES_MAX:
        raise BodyTooLarge(BODY_BYTES_MAX)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge(BODY_BYTES_MAX)
    return body


def _authenticated(
    services: Services, security: Security, request: Request, sent: Sent, now_ns: int
) -> tuple[Credential | None, int]:
    """The caller, and how many parameters said who it is.

    Raises:
        ApiError: Any refusal of `api.gate.auth`, or a parameter that is missing or malformed.
    """
    if security is Security.NONE:
        return None, 0
    credential = services.keys.find(request.headers.get("x-mbx-apikey"))
    timestamp, signature = (_mandatory(sent, name) for name in (TIMESTAMP, SIGNATURE))
    sent_us = LONG.read(TIMESTAMP, timestamp)
    if sent_us < _MICROSECONDS_FROM:
        sent_us *= 1000
    window_us = WINDOW_DEFAULT_US
    window = sent.texts.get(RECV_WINDOW)
    if window is not None:
        if not window:
            raise ParameterEmpty(RECV_WINDOW)
        exact = DECIMAL.read(RECV_WINDOW, window).at(_WINDOW_DECIMALS)
        if exact is None:
            raise PrecisionTooHigh(RECV_WINDOW)
        window_us = exact
    check_signature(credential, sent.payload, signature)
    check_time(sent_us, window_us, now_ns // 1000)
    scope: Scope = security.value
    address = request.client.host if request.client else ""
    check_limits(credential, scope, address, now_ns // 1000)
    return credential, 2 if window is None else 3


def _mandatory(sent: Sent, parameter: str) -> str:
    text = sent.texts.get(parameter)
    if not text:
        raise ParameterMissing(parameter)
    return text


def _documented(operation: Operation[Any]) -> list[dict[str, object]]:
    """The parameters as OpenAPI describes them."""
    fields = [(item.parameter, item.mandatory, item.kind.name) for item in operation.shape.fields]
    if operation.security is not Security.NONE:
        fields += [
            (RECV_WINDOW, False, "DECIMAL"),
            (TIMESTAMP, True, "LONG"),
            (SIGNATURE, True, "STRING"),
        ]
    return [
        {
            "name": name,
            "in": "query",
            "required": mandatory,
            "description": kind,
            "schema": {"type": "string"},
        }
        for name, mandatory, kind in fields
    ]
