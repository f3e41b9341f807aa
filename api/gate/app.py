"""The application: every route of the venue over one set of services."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from api.binance import routes as binance
from api.gate.boundary import AnswersBugs
from api.gate.errors import answer_dialect
from api.gate.refusals import OperationUnsupported
from api.gate.services import Services
from api.regulator.routes import RegulatorRoutes

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_NOT_FOUND: Final = 404
_NOT_ALLOWED: Final = 405


def create_app(
    services: Services, regulator: RegulatorRoutes | None = None, lifespan: Lifespan | None = None
) -> FastAPI:
    """Build the application; the composition root owns the services and their lifespan.

    Args:
        services: What every route uses.
        regulator: The regulator's routes; without them nothing answers there.
        lifespan: Runs around the application, if its owner wants that.
    """
    app = FastAPI(
        title="Provenue",
        description="A trading venue whose word can be checked.",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
    )
    app.include_router(binance.router(services))
    if regulator is not None:
        app.include_router(regulator.router())
    app.add_api_route("/health", _health(services), methods=["GET"], tags=["Operations"])
    app.add_exception_handler(HTTPException, _no_route)
    app.add_middleware(AnswersBugs)
    return app


def _health(services: Services) -> Callable[[], Awaitable[dict[str, int]]]:
    async def health() -> dict[str, int]:
        """The last executed command; any answer at all means that the gate is up."""
        return {"seq": services.engine.seq}

    return health


async def _no_route(request: Request, error: Exception) -> Response:
    """Routing found nothing. Every other refusal is answered where it happens."""
    assert isinstance(error, HTTPException), error
    assert error.status_code in (_NOT_FOUND, _NOT_ALLOWED), error
    return answer_dialect(OperationUnsupported(request.method, request.url.path))
