"""/regulator/v1: every answer needs a token, and every request is logged before it is answered."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse

from api.binance.kinds import LONG, SYMBOL
from api.gate.errors import KnownError, answer_problem
from api.gate.ports import AnswersRegulator, GivesReceipts
from api.gate.refusals import ApiError, ParameterInvalid, RecordUnknown, TokenRefused
from api.gate.services import Services
from api.regulator import answers
from api.regulator.access import Regulators

WEIGHT: Final = 10
PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1000
_BEARER: Final = "bearer "
Answer = Callable[[Request], Response]


class RegulatorRoutes:
    """The routes' handlers, over the services and the regulator's own ports."""

    def __init__(
        self,
        services: Services,
        regulators: Regulators,
        desk: AnswersRegulator,
        receipts: GivesReceipts,
    ) -> None:
        self._services = services
        self._regulators = regulators
        self._desk = desk
        self._receipts = receipts

    def router(self) -> APIRouter:
        """Every route of the regulator."""
        router = APIRouter(prefix="/regulator/v1", tags=["Regulator"])
        for path, answer in (
            ("/trades/{symbol}/{trade_id}", self.trade),
            ("/reports", self.reports),
            ("/reports/{report_id}", self.report),
            ("/reports/{report_id}/content", self.content),
            ("/receipts/{seq}", self.receipt),
        ):
            summary = (answer.__doc__ or "").partition("\n")[0]
            router.add_api_route(
                path, self._guarded(answer), methods=["GET"], summary=summary, name=path
            )
        return router

    def trade(self, request: Request) -> Response:
        """One trade with its receipt."""
        symbol = _segment(request, "symbol", lambda text: SYMBOL.read("symbol", text))
        instrument = self._services.listing.instrument_named(symbol)
        if instrument is None:
            raise RecordUnknown("symbol")
        dossier = self._desk.trade_dossier(instrument.instrument, _number(request, "trade_id"))
        return _json(answers.trade(instrument, dossier))

    def reports(self, request: Request) -> Response:
        """Reports by id, page by page."""
        after_id = _query_number(request, "after", 0)
        limit = min(_query_number(request, "limit", PAGE_DEFAULT), PAGE_MAX)
        if limit == 0:
            raise ParameterInvalid("limit")
        found = self._desk.reports(after_id, limit)
        next_after = found[-1].report_id if len(found) == limit else None
        return _json(answers.Reports([answers.report_meta(row) for row in found], next_after))

    def report(self, request: Request) -> Response:
        """One report with its receipt and its anchor."""
        return _json(answers.report(self._desk.report_dossier(_number(request, "report_id"))))

    def content(self, request: Request) -> Response:
        """A report's bytes, with their digest."""
        dossier = self._desk.report_dossier(_number(request, "report_id"))
        digest = base64.b64encode(dossier.report.digest).decode()
        return FileResponse(
            dossier.path,
            media_type="application/json",
            headers={"Repr-Digest": f"sha-256=:{digest}:"},
        )

    def receipt(self, request: Request) -> Response:
        """The receipt of a command, or with `event` of one of its events."""
        event = request.query_params.get("event")
        index = None if event is None else _query_number(request, "event", 0)
        return PlainTextResponse(self._receipts.receipt_for(_number(request, "seq"), index))

    def _guarded(self, answer: Answer) -> Callable[[Request], Any]:
        """The answer behind token, limits and log."""

        async def endpoint(request: Request) -> Response:
            now_ns = self._services.now_ns()
            token_id: str | None = None
            try:
                address = request.client.host if request.client else ""
                self._services.limits.charge(address, WEIGHT, now_ns // 1_000_000_000)
                token_id = await asyncio.to_thread(self._regulators.check_token, _token(request))
                response = answer(request)
            except KnownError as error:
                response = answer_problem(error)
            await asyncio.to_thread(
                self._regulators.record,
                token_id,
                request.method,
                request.url.path,
                response.status_code,
                now_ns,
            )
            return response

        return endpoint


def _token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    if header[: len(_BEARER)].lower() != _BEARER:
        raise TokenRefused
    return header[len(_BEARER) :]


def _segment(request: Request, name: str, read: Callable[[str], str]) -> str:
    """A part of the path; one that cannot name anything names nothing that exists."""
    try:
        return read(request.path_params[name])
    except ApiError:
        raise RecordUnknown(name) from None


def _number(request: Request, name: str) -> int:
    try:
        return LONG.read(name, request.path_params[name])
    except ApiError:
        raise RecordUnknown(name) from None


def _query_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    return default if text is None else LONG.read(name, text)


def _json(content: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
