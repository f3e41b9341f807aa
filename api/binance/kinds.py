"""The kinds of parameters that the dialect has, each with its legal range and its own error."""

import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeVar

from api.binance.params import Kind
from api.gate.decimals import LEGAL_DECIMAL, Fixed, read_fixed
from api.gate.refusals import (
    ApiError,
    IllegalCharacters,
    JsonInvalid,
    OrderTypeInvalid,
    ParameterInvalid,
    ParameterOverflow,
    SideInvalid,
    TimeInForceInvalid,
)
from ledger.records.codes import SelfTrade, Side, TimeInForce

LONG_MAX: Final = 2**63 - 1
SYMBOL_LEGAL: Final = r"^[A-Z0-9-_.]{1,20}$"
CLIENT_ID_LEGAL: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
LONG_LEGAL: Final = r"^[0-9]{1,20}$"
COIN_LEGAL: Final = r"^[A-Z0-9]{1,16}$"
TEXT_LEGAL: Final = r"^[ -~]{1,128}$"
QUESTIONNAIRE_CHARS_MAX: Final = 32_768
SYMBOLS_MAX: Final = 100
E = TypeVar("E")


def _matching(legal: str) -> Kind[str]:
    pattern = re.compile(legal.removeprefix("^").removesuffix("$"), re.ASCII)

    def read(parameter: str, text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise IllegalCharacters(parameter, legal)
        return text

    return Kind("STRING", read)


def _long(parameter: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise IllegalCharacters(parameter, LONG_LEGAL)
    value = int(text)
    if value > LONG_MAX:
        raise ParameterOverflow(parameter)
    return value


def _limit(parameter: str, text: str) -> int:
    value = _long(parameter, text)
    if value == 0:
        raise ParameterInvalid(parameter)
    return value


def _decimal(parameter: str, text: str) -> Fixed:
    value = read_fixed(text)
    if value is None:
        raise IllegalCharacters(parameter, LEGAL_DECIMAL)
    return value


def _client_id(parameter: str, text: str) -> bytes:
    return _CLIENT_TEXT.read(parameter, text).encode("ascii")


def _symbols(parameter: str, text: str) -> tuple[str, ...]:
    """A JSON array of symbols, as `["BTCUSDT","BNBBTC"]`."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        raise JsonInvalid(parameter) from None
    if not isinstance(names, list) or not 0 < len(names) <= SYMBOLS_MAX:
        raise ParameterInvalid(parameter)
    if not all(isinstance(name, str) for name in names):
        raise ParameterInvalid(parameter)
    return tuple(SYMBOL.read(parameter, name) for name in names)


def _questionnaire(parameter: str, text: str) -> bytes:
    """Passed on as it came: stage 7 knows the standard. Here only: bounded, and JSON."""
    if len(text) > QUESTIONNAIRE_CHARS_MAX:
        raise ParameterOverflow(parameter)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise JsonInvalid(parameter) from None
    return text.encode()


def _bool(parameter: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ParameterInvalid(parameter)
    return text == "true"


def _word(words: Mapping[str, E], refuse: type[ApiError]) -> Kind[E]:
    """One of a few words, in exactly this case; `refuse` takes the text or the parameter."""
    takes_parameter = refuse is ParameterInvalid

    def read(parameter: str, text: str) -> E:
        value = words.get(text)
        if value is None:
            raise refuse(parameter if takes_parameter else text)
        return value

    return Kind("ENUM", read)


class OrderWord(Enum):
    """Order types of the dialect; `api.binance.wishes` translates."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class ReplaceWord(Enum):
    """What a cancel-replace does when one half fails. Here neither half ever happens alone."""

    STOP_ON_FAILURE = "STOP_ON_FAILURE"


class ResponseWord(Enum):
    """How much the answer to a new order says."""

    ACK = "ACK"
    RESULT = "RESULT"
    FULL = "FULL"


_CLIENT_TEXT: Final = _matching(CLIENT_ID_LEGAL)
SYMBOL: Final = _matching(SYMBOL_LEGAL)
COIN: Final = _matching(COIN_LEGAL)
TEXT: Final = _matching(TEXT_LEGAL)
LONG: Final = Kind("LONG", _long)
LIMIT: Final = Kind("INT", _limit)
DECIMAL: Final = Kind("DECIMAL", _decimal)
CLIENT_ID: Final = Kind("STRING", _client_id)
SYMBOLS: Final = Kind("ARRAY OF STRING", _symbols)
QUESTIONNAIRE: Final = Kind("JSON", _questionnaire)
BOOL: Final = Kind("BOOLEAN", _bool)
SIDE: Final = _word({side.name: side for side in Side}, SideInvalid)
ORDER_TYPE: Final = _word({word.value: word for word in OrderWord}, OrderTypeInvalid)
_SPOT_FORCES: Final = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
TIME_IN_FORCE: Final = _word({word.name: word for word in _SPOT_FORCES}, TimeInForceInvalid)
REPLACE: Final = _word({word.value: word for word in ReplaceWord}, ParameterInvalid)
SELF_TRADE: Final = _word({mode.name: mode for mode in SelfTrade}, ParameterInvalid)
RESPONSE: Final = _word({word.value: word for word in ResponseWord}, ParameterInvalid)
