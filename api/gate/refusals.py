"""What the gate refuses, one leaf a fact, with typed fields. No HTTP here: see `errors.py`."""

from dataclasses import dataclass

from ledger.journal.ports import Ack


class ApiError(Exception):
    """Base of every expected error of the gate; anything else that escapes is a bug."""

    def __str__(self) -> str:
        """Show the facts, so a log line needs no debugger."""
        return repr(self)


# ---- the message itself


@dataclass(eq=False)
class BodyTooLarge(ApiError):
    """The request body is longer than the gate reads."""

    limit_bytes: int


@dataclass(eq=False)
class QueryTooLarge(ApiError):
    """The query string is longer than the gate reads."""

    limit_bytes: int


@dataclass(eq=False)
class OperationUnsupported(ApiError):
    """No operation of this venue has this method and path."""

    method: str
    path: str


@dataclass(eq=False)
class TooManyParameters(ApiError):
    """More parameters than any operation takes."""

    limit: int
    sent: int


@dataclass(eq=False)
class DuplicateParameter(ApiError):
    """One name came twice in the query string, or twice in the body."""

    parameter: str


@dataclass(eq=False)
class IllegalCharacters(ApiError):
    """A name or value is outside its legal range."""

    parameter: str
    legal: str


@dataclass(eq=False)
class ParameterMissing(ApiError):
    """A mandatory parameter is absent or empty."""

    parameter: str


@dataclass(eq=False)
class EitherParameterMissing(ApiError):
    """One of two parameters must be sent, and neither was."""

    first: str
    second: str


@dataclass(eq=False)
class ParametersUnread(ApiError):
    """The operation does not know every name that was sent."""

    read: int
    sent: int


@dataclass(eq=False)
class ParameterEmpty(ApiError):
    """An optional parameter was sent without a value."""

    parameter: str


@dataclass(eq=False)
class ParameterNotRequired(ApiError):
    """A parameter that this combination excludes was sent."""

    parameter: str


@dataclass(eq=False)
class ParametersCombined(ApiError):
    """These optional parameters do not go together."""


@dataclass(eq=False)
class ParameterOverflow(ApiError):
    """A whole number beyond what the operation can mean."""

    parameter: str


@dataclass(eq=False)
class PrecisionTooHigh(ApiError):
    """A decimal finer than the asset's smallest unit."""

    parameter: str


@dataclass(eq=False)
class TimeInForceInvalid(ApiError):
    """No such time in force."""

    text: str


@dataclass(eq=False)
class OrderTypeInvalid(ApiError):
    """No such order type."""

    text: str


@dataclass(eq=False)
class SideInvalid(ApiError):
    """No such side."""

    text: str


@dataclass(eq=False)
class SymbolUnknown(ApiError):
    """No instrument has this symbol."""

    symbol: str


@dataclass(eq=False)
class ParameterInvalid(ApiError):
    """The value is well formed and means nothing here."""

    parameter: str


@dataclass(eq=False)
class JsonInvalid(ApiError):
    """A parameter that carries JSON does not parse."""

    parameter: str


# ---- who is asking


@dataclass(eq=False)
class KeyMalformed(ApiError):
    """The API key header is absent or cannot be a key."""


@dataclass(eq=False)
class KeyRefused(ApiError):
    """Unknown, revoked or expired key, another address, or a missing right. Facts stay inside."""

    reason: str


@dataclass(eq=False)
class SignatureInvalid(ApiError):
    """The signature is not the key's over what was sent."""


@dataclass(eq=False)
class TimestampStale(ApiError):
    """The request is older than its receive window."""

    age_us: int
    window_us: int


@dataclass(eq=False)
class TimestampAhead(ApiError):
    """The request comes from more than a second ahead of the venue's clock."""

    ahead_us: int


@dataclass(eq=False)
class WindowTooLarge(ApiError):
    """A receive window above 60000 ms."""

    limit_ms: int


# ---- how much


@dataclass(eq=False)
class WeightExceeded(ApiError):
    """This address used its request weight of the minute."""

    limit: int
    retry_after_s: int


@dataclass(eq=False)
class AddressBanned(ApiError):
    """This address kept asking after it was told to wait."""

    until_ms: int
    retry_after_s: int


@dataclass(eq=False)
class OrdersExceeded(ApiError):
    """This account placed its orders of the interval."""

    limit: int
    interval: str


# ---- orders


@dataclass(eq=False)
class FilterFailed(ApiError):
    """The order breaks a rule of its symbol."""

    filter_name: str


@dataclass(eq=False)
class DuplicateOrder(ApiError):
    """An open order, or one on its way, already has this client id."""

    client_id: bytes


@dataclass(eq=False)
class CancelUnknown(ApiError):
    """The order to cancel is not open, or not the caller's."""


@dataclass(eq=False)
class OrderUnknown(ApiError):
    """The order asked for does not exist, or is not the caller's."""


@dataclass(eq=False)
class ClientIdKept(ApiError):
    """An amended order keeps its client id; another one was asked for."""

    client_id: bytes


@dataclass(eq=False)
class CommandRejected(ApiError):
    """The engine answered no. The rejected command stands in the journal; nothing else changed."""

    ack: Ack


# ---- money


@dataclass(eq=False)
class CancelReplaceFailed(ApiError):
    """Neither the cancel nor the new order happened; the one that could not says why."""

    cancel: ApiError | None
    new: ApiError | None


@dataclass(eq=False)
class CoinUnknown(ApiError):
    """No asset has this symbol."""

    coin: str


@dataclass(eq=False)
class NetworkUnknown(ApiError):
    """The venue has no vault on this network."""

    network: str


@dataclass(eq=False)
class PayeeMalformed(ApiError):
    """Not an address of the network, or one whose mixed case fails its checksum."""

    address: str


@dataclass(eq=False)
class PayeeTagUnsupported(ApiError):
    """The network's addresses have no tag."""


@dataclass(eq=False)
class AmountTooPrecise(ApiError):
    """A withdrawal finer than the asset's smallest unit."""

    step: str


@dataclass(eq=False)
class AmountTooSmall(ApiError):
    """A withdrawal below the asset's minimum."""

    minimum: str


@dataclass(eq=False)
class AmountBelowFee(ApiError):
    """Nothing would be left after the fee."""

    fee: str


@dataclass(eq=False)
class WithdrawalIdReused(ApiError):
    """This withdrawal id already stands for another withdrawal."""

    client_id: bytes


@dataclass(eq=False)
class TravelRuleRefused(ApiError):
    """The travel-rule payload breaks the standard; each violation in its own words."""

    violations: tuple[str, ...]


# ---- the regulator


@dataclass(eq=False)
class TokenRefused(ApiError):
    """No such token, or it was revoked."""


@dataclass(eq=False)
class RecordUnknown(ApiError):
    """The trade, report or entry asked for does not exist."""

    what: str


# ---- the gate's own start


@dataclass(eq=False)
class PortInUse(ApiError):
    """Another process listens there."""

    host: str
    port: int
