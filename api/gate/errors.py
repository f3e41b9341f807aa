"""Refusals as HTTP: the only module that knows status codes, error numbers and their words.

`DIALECT` answers in the Binance dialect, `{"code": -1121, "msg": "Invalid symbol."}`; `REJECTS`
does so for the engine's answers; `PROBLEMS` answers the venue's own routes as RFC 9457 problems.
docs/errors.md lists every row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from fastapi import Response

from api.gate import refusals
from api.gate.refusals import ApiError, CancelReplaceFailed, CommandRejected
from compliance import errors as compliance
from compliance.errors import ComplianceError
from ledger.audit import errors as audit
from ledger.audit.errors import AuditError
from ledger.journal.errors import JournalError, Overloaded, SequencerStopped
from ledger.records.codes import CommandKind, Reject


@dataclass(frozen=True, slots=True)
class Row:
    """One answer of the dialect. `msg` may name fields of the leaf in braces."""

    status: int
    code: int
    msg: str


DIALECT: Final[Mapping[type[ApiError], Row]] = {
    refusals.BodyTooLarge: Row(413, -1013, "Request body is longer than {limit_bytes} bytes."),
    refusals.QueryTooLarge: Row(414, -1013, "Query string is longer than {limit_bytes} bytes."),
    refusals.OperationUnsupported: Row(404, -1020, "This operation is not supported."),
    refusals.TooManyParameters: Row(
        400, -1101, "Too many parameters; expected '{limit}' and received '{sent}'."
    ),
    refusals.DuplicateParameter: Row(400, -1101, "Duplicate values for a parameter detected."),
    refusals.IllegalCharacters: Row(
        400,
        -1100,
        "Illegal characters found in parameter '{parameter}'; legal range is '{legal}'.",
    ),
    refusals.ParameterMissing: Row(
        400,
        -1102,
        "Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.",
    ),
    refusals.EitherParameterMissing: Row(
        400, -1102, "Param '{first}' or '{second}' must be sent, but both were empty/null!"
    ),
    refusals.ParametersUnread: Row(
        400,
        -1104,
        "Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    ),
    refusals.ParameterEmpty: Row(400, -1105, "Parameter '{parameter}' was empty."),
    refusals.ParameterNotRequired: Row(
        400, -1106, "Parameter '{parameter}' sent when not required."
    ),
    refusals.ParameterOverflow: Row(400, -1108, "Parameter '{parameter}' overflowed."),
    refusals.PrecisionTooHigh: Row(400, -1111, "Parameter '{parameter}' has too much precision."),
    refusals.TimeInForceInvalid: Row(400, -1115, "Invalid timeInForce."),
    refusals.OrderTypeInvalid: Row(400, -1116, "Invalid orderType."),
    refusals.SideInvalid: Row(400, -1117, "Invalid side."),
    refusals.SymbolUnknown: Row(400, -1121, "Invalid symbol."),
    refusals.ParametersCombined: Row(400, -1128, "Combination of optional parameters invalid."),
    refusals.ParameterInvalid: Row(
        400, -1130, "Data sent for parameter '{parameter}' is not valid."
    ),
    refusals.JsonInvalid: Row(400, -1135, "JSON sent for parameter '{parameter}' is not valid"),
    refusals.KeyMalformed: Row(401, -2014, "API-key format invalid."),
    refusals.KeyRefused: Row(401, -2015, "Invalid API-key, IP, or permissions for action."),
    refusals.SignatureInvalid: Row(400, -1022, "Signature for this request is not valid."),
    refusals.TimestampStale: Row(
        400, -1021, "Timestamp for this request is outside of the recvWindow."
    ),
    refusals.TimestampAhead: Row(
        400, -1021, "Timestamp for this request was 1000ms ahead of the server's time."
    ),
    refusals.WindowTooLarge: Row(400, -1131, "recvWindow must be less than {limit_ms}"),
    refusals.WeightExceeded: Row(
        429,
        -1003,
        "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
    ),
    refusals.AddressBanned: Row(
        418,
        -1003,
        "Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
    ),
    refusals.OrdersExceeded: Row(
        429, -1015, "Too many new orders; current limit is {limit} orders per {interval}."
    ),
    refusals.FilterFailed: Row(400, -1013, "Filter failure: {filter_name}"),
    refusals.DuplicateOrder: Row(400, -2010, "Duplicate order sent."),
    refusals.CancelUnknown: Row(400, -2011, "Unknown order sent."),
    refusals.OrderUnknown: Row(400, -2013, "Order does not exist."),
    refusals.CancelReplaceFailed: Row(400, -2022, "Order cancel-replace failed."),
    refusals.ClientIdKept: Row(
        400, -1130, "Data sent for parameter 'newClientOrderId' is not valid."
    ),
    refusals.CoinUnknown: Row(400, -4018, "We don't have this asset."),
    refusals.NetworkUnknown: Row(400, -1130, "Data sent for parameter 'network' is not valid."),
    refusals.PayeeMalformed: Row(400, -4033, "Illegal address."),
    refusals.PayeeTagUnsupported: Row(400, -4106, "This network does not support tags."),
    refusals.AmountTooPrecise: Row(
        400, -4021, "Asset withdrawal must be an integer multiple of {step}."
    ),
    refusals.AmountTooSmall: Row(
        400, -4022, "Not less than the minimum pick-up quantity {minimum}."
    ),
    refusals.AmountBelowFee: Row(
        400, -4028, "The amount of withdrawal must be greater than the Commission."
    ),
    refusals.WithdrawalIdReused: Row(
        400, -1130, "Data sent for parameter 'withdrawOrderId' is not valid."
    ),
    refusals.TravelRuleRefused: Row(400, -1130, "Questionnaire format not valid. {violations}"),
}

_UNAUTHORIZED: Final = 401
_MALFORMED: Final = Row(400, -1013, "The venue refused the message as malformed.")
_UNKNOWN: Final = Row(500, -1000, "An unknown error occurred while processing the request.")
_NO_BALANCE: Final = Row(400, -2010, "Account has insufficient balance for requested action.")
_NO_CANCEL: Final = Row(400, -2011, "Unknown order sent.")

REJECTS: Final[Mapping[Reject, Row]] = {
    Reject.UNKNOWN_VERSION: _UNKNOWN,
    Reject.UNKNOWN_KIND: _UNKNOWN,
    Reject.TIME_BACKWARDS: _UNKNOWN,
    Reject.UNKNOWN_ACCOUNT: Row(400, -2010, "This action is disabled on this account."),
    Reject.UNKNOWN_ASSET: Row(400, -4018, "We don't have this asset."),
    Reject.UNKNOWN_INSTRUMENT: Row(400, -1121, "Invalid symbol."),
    Reject.MALFORMED: _MALFORMED,
    Reject.OUT_OF_TURN: _UNKNOWN,
    Reject.TABLE_FULL: Row(
        503,
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    ),
    Reject.PRICE_OUT_OF_RANGE: Row(400, -1013, "Filter failure: PRICE_FILTER"),
    Reject.QTY_OUT_OF_RANGE: Row(400, -1013, "Filter failure: LOT_SIZE"),
    Reject.NOTIONAL_TOO_SMALL: Row(400, -1013, "Filter failure: NOTIONAL"),
    Reject.AMOUNT_OUT_OF_RANGE: Row(400, -1013, "Invalid quantity."),
    Reject.UNKNOWN_ORDER: _NO_CANCEL,
    Reject.NOT_OWNER: _NO_CANCEL,
    Reject.NOTHING_TO_AMEND: Row(400, -2038, "Order amend (quantity increase) is not supported."),
    Reject.WOULD_TAKE: Row(400, -2010, "Order would immediately match and take."),
    Reject.NO_LIQUIDITY: Row(
        400, -2010, "Order book liquidity is less than symbol minimum quantity."
    ),
    Reject.CANNOT_FILL: Row(400, -2010, "Order cannot be filled completely at once."),
    Reject.INSUFFICIENT_BALANCE: _NO_BALANCE,
    Reject.SUPPLY_EXCEEDED: _UNKNOWN,
    Reject.UNKNOWN_WITHDRAWAL: Row(400, -4029, "The withdrawal record does not exist."),
    Reject.WRONG_STATE: _UNKNOWN,
    Reject.ALREADY_DECIDED: _UNKNOWN,
    Reject.NOTHING_CLEARED: _UNKNOWN,
    Reject.ACCOUNT_BLOCKED: Row(400, -2010, "This action is disabled on this account."),
    Reject.THROTTLED: Row(429, -1015, "Too many new orders; the account's limit is reached."),
    Reject.WOULD_TRIGGER: Row(400, -2010, "Order would trigger immediately."),
    Reject.PRICE_OUT_OF_BAND: Row(400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Reject.MARKET_HALTED: Row(400, -1013, "Market is closed."),
    Reject.IN_CALL: Row(400, -2010, "This order type is not possible in this trading phase."),
    Reject.NO_REFERENCE: Row(400, -2010, "Order would have no price to trail."),
    Reject.UNKNOWN_ORACLE: _UNKNOWN,
    Reject.NO_MARK: Row(400, -1013, "Market is closed."),
    Reject.LEVERAGE_TOO_HIGH: Row(400, -4028, "Leverage is not valid."),
    Reject.EXPOSURE_EXCEEDED: Row(
        400, -2027, "Exceeded the maximum allowable position at current leverage."
    ),
    Reject.INSUFFICIENT_MARGIN: Row(400, -2019, "Margin is insufficient."),
    Reject.REDUCE_ONLY_REJECTED: Row(400, -2022, "ReduceOnly Order is rejected."),
    Reject.WRONG_LEG: Row(400, -4061, "Order's position side does not match user's setting."),
    Reject.POSITION_OPEN: Row(
        400, -4048, "Margin type cannot be changed if there exists position."
    ),
    Reject.ORDERS_OPEN: Row(
        400, -4047, "Margin type cannot be changed if there exists open orders."
    ),
    Reject.NO_POSITION: Row(400, -4050, "There is no position whose margin could change."),
    Reject.NOT_ISOLATED: Row(400, -4046, "Add margin only support for isolated position."),
    Reject.UNKNOWN_SCHEDULE: _UNKNOWN,
    Reject.WASH_PAYS: _UNKNOWN,
    Reject.NOT_RELATED: Row(400, -9000, "The accounts have no common master."),
    Reject.MARGIN_ACCOUNT: Row(400, -3028, "Margin account not allowed for withdrawal."),
    Reject.NOT_THE_PAIR: Row(400, -2010, "This symbol is not permitted for this account."),
    Reject.HOLD_EXISTS: _UNKNOWN,
    Reject.HOLD_DIFFERS: _UNKNOWN,
    Reject.UNKNOWN_HOLD: _UNKNOWN,
}

REJECTS_BY_KIND: Final[Mapping[tuple[CommandKind, Reject], Row]] = {
    (CommandKind.AMEND_ORDER, Reject.UNKNOWN_ORDER): Row(400, -2013, "Order does not exist."),
    (CommandKind.AMEND_ORDER, Reject.NOT_OWNER): Row(400, -2013, "Order does not exist."),
    (CommandKind.REQUEST_WITHDRAWAL, Reject.INSUFFICIENT_BALANCE): Row(
        400, -4026, "You have insufficient balance."
    ),
}
"""Where one reject has another word in another operation."""


JOURNAL: Final[Mapping[type[JournalError], Row]] = {
    Overloaded: Row(
        503,
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    ),
    SequencerStopped: Row(
        503,
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
    ),
}
"""What `Submits.submit` may raise. Other leaves of the journal end the venue's start instead."""


KnownError = (ApiError, ComplianceError, AuditError)
"""What the venue's own routes answer as a problem; anything else is a bug."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem type: its status and its title."""

    status: int
    title: str


PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    refusals.TokenRefused: Problem(401, "The token is not one that stands."),
    refusals.RecordUnknown: Problem(404, "There is no such record."),
    compliance.TradeUnknown: Problem(404, "There is no such trade."),
    compliance.ReportUnknown: Problem(404, "There is no such report."),
    audit.NotCertified: Problem(409, "No certified block holds the entry yet."),
    audit.UnknownEntry: Problem(404, "There is no such entry."),
    refusals.IllegalCharacters: Problem(400, "A parameter is outside its legal range."),
    refusals.ParameterInvalid: Problem(400, "A parameter means nothing here."),
    refusals.ParameterOverflow: Problem(400, "A parameter is beyond any number meant here."),
    refusals.WeightExceeded: Problem(429, "The address used its request weight of the minute."),
    refusals.AddressBanned: Problem(418, "The address is banned for a while."),
}


AT_START: Final = frozenset({refusals.PortInUse})
"""Leaves that end the start of the gate and so never reach a client."""


class DialectError(msgspec.Struct):
    """The body of an error in the dialect."""

    code: int
    msg: str


class ReplaceFacts(msgspec.Struct, rename="camel"):
    """What became of the two halves of a cancel-replace, each with its own error."""

    cancel_result: str
    new_order_result: str
    cancel_response: DialectError | None
    new_order_response: DialectError | None


class ReplaceError(DialectError):
    """The body of -2022."""

    data: ReplaceFacts


def row_of(refusal: ApiError | JournalError) -> Row:
    """The row that answers a refusal."""
    if isinstance(refusal, JournalError):
        return JOURNAL[type(refusal)]
    if isinstance(refusal, CommandRejected):
        ack = refusal.ack
        return REJECTS_BY_KIND.get((ack.kind, ack.reject)) or REJECTS[ack.reject]
    return DIALECT[type(refusal)]


def answer_dialect(refusal: ApiError | JournalError) -> Response:
    """Any refusal as the dialect says it, with Retry-After where waiting helps."""
    row = row_of(refusal)
    body = msgspec.json.encode(_body(refusal))
    response = Response(body, row.status, media_type="application/json")
    retry_after_s = getattr(refusal, "retry_after_s", None)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def _said(refusal: ApiError | JournalError) -> DialectError:
    row = row_of(refusal)
    return DialectError(row.code, row.msg.format_map(_facts(refusal)))


def _body(refusal: ApiError | JournalError) -> DialectError:
    said = _said(refusal)
    if not isinstance(refusal, CancelReplaceFailed):
        return said
    cancel, new = refusal.cancel, refusal.new
    facts = ReplaceFacts(
        cancel_result="NOT_ATTEMPTED" if cancel is None else "FAILURE",
        new_order_result="NOT_ATTEMPTED" if new is None else "FAILURE",
        cancel_response=None if cancel is None else _said(cancel),
        new_order_response=None if new is None else _said(new),
    )
    return ReplaceError(said.code, said.msg, facts)


def answer_problem(error: Exception) -> Response:
    """A known error as an RFC 9457 problem; its facts stand beside the title."""
    problem = PROBLEMS[type(error)]
    name = type(error).__name__
    body = {"type": f"/problems/{name}", "title": problem.title, "status": problem.status}
    response = Response(
        msgspec.json.encode(body | vars(error)),
        problem.status,
        media_type="application/problem+json",
    )
    if problem.status == _UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    _say_when(response, error)
    return response


def _say_when(response: Response, error: Exception) -> None:
    """Retry-After, where waiting helps."""
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)


def _facts(refusal: ApiError | JournalError) -> dict[str, str]:
    """A leaf's fields as text; several facts in one field are parted by semicolons."""
    return {
        name: "; ".join(fact) if isinstance(fact, tuple) else str(fact)
        for name, fact in vars(refusal).items()
    }


def answer_unknown() -> Response:
    """The answer to a bug: whether the request took effect is not known here."""
    body = msgspec.json.encode(DialectError(_UNKNOWN.code, _UNKNOWN.msg))
    return Response(body, _UNKNOWN.status, media_type="application/json")
