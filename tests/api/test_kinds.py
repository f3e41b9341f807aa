"""Each kind of parameter: what it takes, and whose error it raises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.binance import kinds
from api.binance.words import CLIENT_ORDER_TYPES, ack_status_word, order_type_word
from api.gate.decimals import Fixed
from api.gate.desk import NO_FLAGS, NewOrder
from api.gate.refusals import (
    IllegalCharacters,
    JsonInvalid,
    OrderTypeInvalid,
    ParameterInvalid,
    ParameterOverflow,
    SideInvalid,
    TimeInForceInvalid,
)
from ledger.journal.ports import Ack
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)
from ledger.records.layout import EVENT


@given(st.integers(0, kinds.LONG_MAX))
def test_a_long_is_any_number_of_63_bits(number):
    assert kinds.LONG.read("orderId", str(number)) == number


@given(st.integers(kinds.LONG_MAX + 1, 10**20 - 1))
def test_a_longer_number_overflows_by_name(number):
    with pytest.raises(ParameterOverflow) as refused:
        kinds.LONG.read("orderId", str(number))
    assert refused.value.parameter == "orderId"


@given(st.text(min_size=1, max_size=24))
def test_a_long_is_plain_digits_and_nothing_else(text):
    if text.isascii() and text.isdigit() and len(text) <= 20:
        return
    with pytest.raises(IllegalCharacters):
        kinds.LONG.read("orderId", text)


@given(st.text(min_size=1, max_size=40))
def test_a_client_id_is_36_of_a_few_letters(text):
    letters = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:/_-")
    if len(text) <= 36 and set(text) <= letters:
        assert kinds.CLIENT_ID.read("newClientOrderId", text) == text.encode()
    else:
        with pytest.raises(IllegalCharacters):
            kinds.CLIENT_ID.read("newClientOrderId", text)


SPOT_FORCES = {time.name: time for time in TimeInForce if time is not TimeInForce.GTD}
"""GTD is a word of the ledger, and of other faces."""


@pytest.mark.parametrize(
    ("kind", "words", "leaf"),
    [
        (kinds.SIDE, {side.name: side for side in Side}, SideInvalid),
        (kinds.TIME_IN_FORCE, SPOT_FORCES, TimeInForceInvalid),
        (kinds.ORDER_TYPE, {word.value: word for word in kinds.OrderWord}, OrderTypeInvalid),
        (kinds.SELF_TRADE, {mode.name: mode for mode in SelfTrade}, ParameterInvalid),
        (kinds.REPLACE, {word.value: word for word in kinds.ReplaceWord}, ParameterInvalid),
        (kinds.RESPONSE, {word.value: word for word in kinds.ResponseWord}, ParameterInvalid),
        (kinds.BOOL, {"true": True, "false": False}, ParameterInvalid),
    ],
)
def test_a_word_is_taken_in_exactly_its_case(kind, words, leaf):
    for text, value in words.items():
        assert kind.read("name", text) == value
        with pytest.raises(leaf):
            kind.read("name", text.swapcase())
    for text in ("", " ", "0", "None", *(text + " " for text in words)):
        with pytest.raises(leaf):
            kind.read("name", text)


def test_a_decimal_is_read_exactly_or_named():
    assert kinds.DECIMAL.read("price", "0.10") == Fixed(1, 1)
    with pytest.raises(IllegalCharacters) as refused:
        kinds.DECIMAL.read("price", "1e1")
    assert refused.value.parameter == "price"


@pytest.mark.parametrize("text", ["{", "'a'", "nul", "\ufeff{}", "[" * 10_000, "1" * 5_000])
def test_a_questionnaire_that_is_no_json_is_refused(text):
    with pytest.raises(JsonInvalid):
        kinds.QUESTIONNAIRE.read("questionnaire", text)


def test_a_questionnaire_is_bounded_and_passed_on_as_it_came():
    text = '{ "name" : "\u00c4rzte" }'
    assert kinds.QUESTIONNAIRE.read("questionnaire", text) == text.encode()
    with pytest.raises(ParameterOverflow):
        kinds.QUESTIONNAIRE.read("questionnaire", " " * (kinds.QUESTIONNAIRE_CHARS_MAX + 1))


def test_symbols_are_each_in_their_legal_range():
    assert kinds.SYMBOLS.read("symbols", '["BTCUSDT","A-B_C.9"]') == ("BTCUSDT", "A-B_C.9")
    with pytest.raises(IllegalCharacters):
        kinds.SYMBOLS.read("symbols", '["btcusdt"]')


def ordered(order_type, force, status, *, left=0, filled=0, flags=NO_FLAGS):
    """The word for what a command's own outcome says of an order of five lots."""
    order = NewOrder(0, Side.BUY, order_type, b"id", force, flags=flags, qty_lots=5)
    ack = Ack(
        seq=1, time_ns=1, kind=CommandKind.NEW_ORDER, reject=Reject.NONE, status=status,
        subject_id=1, filled_lots=filled, filled_quote_minor=0, remaining_lots=left,
        amount_minor=0, events=np.zeros(0, EVENT),
    )  # fmt: skip
    return ack_status_word(order, ack)


def test_every_status_of_an_order_has_a_word():
    for status in set(OrderStatus) - {OrderStatus.NONE}:
        assert ordered(OrderType.LIMIT, TimeInForce.GTC, status, left=5)
    expired = OrderStatus.EXPIRED
    assert ordered(OrderType.LIMIT, TimeInForce.GTC, expired, left=5) == "EXPIRED_IN_MATCH"
    assert ordered(OrderType.LIMIT, TimeInForce.IOC, expired, left=5) == "EXPIRED"
    assert ordered(OrderType.LIMIT, TimeInForce.IOC, expired) == "EXPIRED_IN_MATCH"
    assert ordered(OrderType.MARKET, TimeInForce.IOC, expired, left=2, filled=3) == "EXPIRED"
    by_quote = CommandFlag.BY_QUOTE
    assert ordered(OrderType.MARKET, TimeInForce.IOC, expired, flags=by_quote) == "EXPIRED"


def test_every_type_that_is_offered_is_shown_as_it_was_sent():
    shown = {
        order_type_word(OrderType.LIMIT, CommandFlag(0)),
        order_type_word(OrderType.LIMIT, CommandFlag.POST_ONLY),
        order_type_word(OrderType.MARKET, CommandFlag.BY_QUOTE),
        order_type_word(OrderType.MARKET, CommandFlag.STOP),
        order_type_word(OrderType.LIMIT, CommandFlag.STOP | CommandFlag.OCO),
        order_type_word(OrderType.MARKET, CommandFlag.TAKE_PROFIT),
        order_type_word(OrderType.LIMIT, CommandFlag.TAKE_PROFIT),
    }
    assert shown == set(CLIENT_ORDER_TYPES) == {word.value for word in kinds.OrderWord}
