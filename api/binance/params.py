"""Parameters as Binance takes them: flat strings in the query and the body, in any order.

Reading has two steps. `read_sent` turns bytes into names and texts, and finds the exact bytes that
a signature covers; it knows nothing of the operation. `Shape` then turns texts into one typed
request: each field of a frozen dataclass says its kind, and its name in camel case is its name on
the wire.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from urllib.parse import unquote_to_bytes

from api.gate.refusals import (
    DuplicateParameter,
    IllegalCharacters,
    ParameterEmpty,
    ParameterMissing,
    ParametersUnread,
    TooManyParameters,
)

PARAMETERS_MAX: Final = 64
NAME_CHARS_MAX: Final = 32
NAME_LEGAL: Final = r"^[A-Za-z0-9]{1,32}$"
SIGNATURE: Final = "signature"
_SIGNATURE_PREFIX: Final = b"signature="
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sent:
    """What arrived: decoded texts by name, and the payload that a signature covers."""

    texts: Mapping[str, str]
    payload: bytes


def read_sent(query: bytes, body: bytes) -> Sent:
    """Split, decode and merge query and body; a name in both takes the query's value.

    Raises:
        TooManyParameters, DuplicateParameter, IllegalCharacters: As their names say.

    Source: Binance spot API documentation, "General Information on Endpoints" and "SIGNED".
    """
    texts = _decode(query)
    if body:
        texts = _decode(body) | texts
    if len(texts) > PARAMETERS_MAX:
        raise TooManyParameters(PARAMETERS_MAX, len(texts))
    return Sent(texts, _unsigned(query) + _unsigned(body))


def _unsigned(raw: bytes) -> bytes:
    """The bytes as sent, without the signature parameter: what the client signed."""
    if _SIGNATURE_PREFIX not in raw:
        return raw
    parts = raw.split(b"&")
    return b"&".join(part for part in parts if not part.startswith(_SIGNATURE_PREFIX))


def _decode(raw: bytes) -> dict[str, str]:
    texts: dict[str, str] = {}
    if not raw:
        return texts
    parts = raw.split(b"&", PARAMETERS_MAX + 1)
    if len(parts) > PARAMETERS_MAX:
        raise TooManyParameters(PARAMETERS_MAX, len(parts))
    for part in parts:
        if not part:
            continue
        name_raw, _, value_raw = part.partition(b"=")
        name = _text(name_raw, "parameter name", NAME_LEGAL)
        if not (name.isascii() and name.isalnum() and len(name) <= NAME_CHARS_MAX):
            raise IllegalCharacters("parameter name", NAME_LEGAL)
        if name in texts:
            raise DuplicateParameter(name)
        texts[name] = _text(value_raw, name, "UTF-8")
    return texts


def _text(raw: bytes, parameter: str, legal: str) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise IllegalCharacters(parameter, legal) from None


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of parameter: how its text is read, and how the documentation calls it.

    `read(parameter, text)` gets text that is not empty; it returns the value or raises an ApiError.
    """

    name: str
    read: Callable[[str, str], T]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of an operation."""

    attribute: str
    parameter: str
    kind: Kind[Any]
    mandatory: bool


@dataclass(frozen=True, slots=True)
class Shape(Generic[T]):
    """The parameters of one operation, compiled from its request dataclass."""

    request: Callable[..., T]
    fields: tuple[Field, ...]

    def read(self, sent: Sent, aside: int) -> T:
        """Read one request, field by field in the order of the dataclass.

        Args:
            sent: What arrived.
            aside: How many of the names were read before (timestamp, signature …).

        Raises:
            ParameterMissing, ParameterEmpty, ParametersUnread: As their names say.
            ApiError: Whatever a field's kind raises.
        """
        texts, values, known = sent.texts, {}, aside
        for field in self.fields:
            text = texts.get(field.parameter)
            if text:
                values[field.attribute] = field.kind.read(field.parameter, text)
                known += 1
            elif field.mandatory:
                raise ParameterMissing(field.parameter)
            elif text is not None:
                raise ParameterEmpty(field.parameter)
        if known != len(texts):
            raise ParametersUnread(known, len(texts))
        return self.request(**values)


def shape(request: type[T]) -> Shape[T]:
    """Compile a frozen dataclass whose every field is `Annotated[type, Kind]`, or that or None."""
    assert dataclasses.is_dataclass(request), request
    hints = get_type_hints(request, include_extras=True)
    return Shape(
        request,
        tuple(
            Field(
                attribute=field.name,
                parameter=_camel(field.name),
                kind=_kind(hints[field.name]),
                mandatory=field.default is MISSING and field.default_factory is MISSING,
            )
            for field in dataclasses.fields(request)
        ),
    )


def _kind(hint: object) -> Kind[Any]:
    """The Kind inside `Annotated[T, Kind]` or `Annotated[T, Kind] | None`."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (arm for arm in get_args(hint) if arm is not NoneType)
    assert get_origin(hint) is Annotated, f"{hint} says no kind"
    (kind,) = (extra for extra in get_args(hint)[1:] if isinstance(extra, Kind))
    return kind


def _camel(attribute: str) -> str:
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)
