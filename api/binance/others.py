"""Faces that list nothing yet, answered truthfully: no margin pair, no future.

Clients that load every market at once ask for these; empty is the fact, and no error.
"""

from typing import Final

from api.binance import answers
from api.binance.market import Nothing, ping, rate_limit_rules, server_time
from api.binance.operation import Call, Operation, Security
from api.binance.params import shape


async def system_status(_: Call[Nothing]) -> answers.SystemStatus:
    """Normal whenever there is an answer."""
    return answers.SystemStatus(0, "normal")


async def margin_pairs(_: Call[Nothing]) -> tuple[answers.Empty, ...]:
    """No pair is on margin."""
    return ()


async def derivatives_info(call: Call[Nothing]) -> answers.DerivativesInfo:
    """No contract is listed."""
    return answers.DerivativesInfo(
        timezone="UTC",
        server_time=call.now_ms,
        rate_limits=rate_limit_rules(call.services.limits.limits),
        exchange_filters=(),
        symbols=(),
    )


_FACES: Final = ("/fapi/v1", "/dapi/v1")
_READ: Final = Security.USER_DATA
OPERATIONS: Final = (
    *(
        operation
        for face in _FACES
        for operation in (
            Operation("GET", f"{face}/ping", Security.NONE, 1, shape(Nothing), ping),
            Operation("GET", f"{face}/time", Security.NONE, 1, shape(Nothing), server_time),
            Operation(
                "GET", f"{face}/exchangeInfo", Security.NONE, 1, shape(Nothing), derivatives_info
            ),
        )
    ),
    Operation("GET", "/sapi/v1/system/status", Security.NONE, 1, shape(Nothing), system_status),
    Operation("GET", "/sapi/v1/margin/allPairs", _READ, 1, shape(Nothing), margin_pairs),
    Operation("GET", "/sapi/v1/margin/isolated/allPairs", _READ, 10, shape(Nothing), margin_pairs),
)
