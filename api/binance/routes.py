"""The dialect's table of operations, in one place, and its router."""

from typing import Any, Final

from fastapi import APIRouter

from api.binance import account, capital, market, order_lists, orders, others
from api.binance.operation import Operation, mount
from api.gate.services import Services

OPERATIONS: Final[tuple[Operation[Any], ...]] = (
    *market.OPERATIONS,
    *orders.OPERATIONS,
    *order_lists.OPERATIONS,
    *account.OPERATIONS,
    *capital.OPERATIONS,
    *others.OPERATIONS,
)


def router(services: Services) -> APIRouter:
    """Every operation of the dialect as a route."""
    routes = APIRouter(tags=["Binance dialect"])
    for operation in OPERATIONS:
        mount(routes, services, operation)
    return routes
