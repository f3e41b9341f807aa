"""Deposits and withdrawals over HTTP."""

import pytest

from api.binance.capital import ADDRESS_REGEX
from api.binance.words import WITHDRAWAL_STATUS
from ledger.records.build import command
from ledger.records.codes import CommandKind, WithdrawalStatus
from tests.api.venue import BTC, PAYEE, TOKENS, VAULT
from tests.compliance.conftest import payload_bytes

APPLY = "/sapi/v1/capital/withdraw/apply"
LOCAL = "/sapi/v1/localentity/withdraw/apply"
HISTORY = "/sapi/v1/capital/withdraw/history"
ALL = "/sapi/v1/capital/config/getall"
SOUND = payload_bytes(bytes.fromhex(PAYEE[2:])).decode()
WISH = {"coin": "BTC", "address": PAYEE, "amount": "0.5"}


@pytest.fixture
def trader(venue):
    return venue.trader(btc=2, usdt=100)


def test_a_deposit_goes_to_the_vault_under_the_account_number(venue, trader):
    answer = venue.signed(trader, "GET", "/sapi/v1/capital/deposit/address", coin="BTC")
    assert answer.json() == {
        "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "coin": "BTC",
        "tag": str(trader.account),
        "url": "",
    }
    elsewhere = venue.signed(
        trader, "GET", "/sapi/v1/capital/deposit/address", coin="BTC", network="TRX"
    )
    assert elsewhere.json()["code"] == -1130


def test_deposits_are_listed_newest_first(venue, trader):
    venue.deposit(trader.account, BTC, 123)
    path = "/sapi/v1/capital/deposit/hisrec"
    listed = venue.signed(trader, "GET", path).json()
    assert [(row["coin"], row["amount"]) for row in listed] == [
        ("BTC", "0.00000123"),
        ("USDT", "100.00000000"),
        ("BTC", "2.00000000"),
    ]
    assert listed[0]["addressTag"] == str(trader.account)
    assert listed[0]["txId"].startswith("0x")
    assert len(listed[0]["txId"]) == 66
    first = listed[-1]
    for wish, count in (
        ({"coin": "BTC"}, 2),
        ({"limit": 1}, 1),
        ({"offset": 1}, 2),
        ({"status": 0}, 0),
        ({"status": 1}, 3),
        ({"startTime": first["insertTime"] + 3_600_000}, 0),
        ({"endTime": first["insertTime"] - 1}, 0),
    ):
        assert len(venue.signed(trader, "GET", path, **wish).json()) == count, wish
    assert venue.signed(venue.trader(), "GET", path).json() == []


def test_a_withdrawal_takes_the_fee_from_its_amount(venue, trader):
    answer = venue.signed(trader, "POST", APPLY, **WISH, withdrawOrderId="mine")
    assert answer.status_code == 200
    withdrawal_id = int(answer.json()["id"])
    held = venue.engine.withdrawal(withdrawal_id)
    assert (held.amount_minor, held.fee_minor) == (50_000_000 - 500, 500)
    assert held.payee == bytes.fromhex(PAYEE[2:])
    balance = venue.engine.balance(trader.account, BTC)
    assert (balance.available_minor, balance.held_minor) == (150_000_000, 50_000_000)
    (row,) = venue.signed(trader, "GET", HISTORY).json()
    assert {name: row[name] for name in ("id", "amount", "transactionFee", "coin", "status")} == {
        "id": str(withdrawal_id),
        "amount": "0.49999500",
        "transactionFee": "0.00000500",
        "coin": "BTC",
        "status": 4,
    }
    assert (row["address"], row["withdrawOrderId"], row["network"]) == (PAYEE, "mine", "ETH")


def test_the_same_withdrawal_again_is_the_same_withdrawal(venue, trader):
    first = venue.signed(trader, "POST", APPLY, **WISH, withdrawOrderId="once").json()
    again = venue.signed(trader, "POST", APPLY, **WISH, withdrawOrderId="once").json()
    assert again == first
    assert venue.engine.balance(trader.account, BTC).held_minor == 50_000_000


@pytest.mark.parametrize(
    "change", [{"amount": "0.6"}, {"coin": "USDT"}, {"address": "0x" + "11" * 20}]
)
def test_one_id_never_stands_for_two_withdrawals(venue, trader, change):
    venue.signed(trader, "POST", APPLY, **WISH, withdrawOrderId="once")
    answer = venue.signed(trader, "POST", APPLY, **WISH | change, withdrawOrderId="once")
    assert answer.json() == {
        "code": -1130,
        "msg": "Data sent for parameter 'withdrawOrderId' is not valid.",
    }


def test_a_questionnaire_is_kept_before_the_withdrawal_is_asked_for(venue, trader):
    answer = venue.signed(trader, "POST", LOCAL, **WISH, questionnaire=SOUND).json()
    assert answer == {
        "trId": venue.engine.seq,
        "accpted": True,
        "info": "Withdraw request accepted",
    }
    assert venue.engine.withdrawal(venue.engine.seq).travel != bytes(32)
    missing = venue.signed(trader, "POST", LOCAL, **WISH)
    assert missing.json()["code"] == -1102


def test_more_than_there_is_cannot_leave(venue, trader):
    answer = venue.signed(trader, "POST", APPLY, **WISH | {"amount": "2.00000001"})
    assert answer.json() == {"code": -4026, "msg": "You have insufficient balance."}
    assert venue.signed(trader, "POST", APPLY, **WISH | {"amount": "2"}).status_code == 200


def test_withdrawals_are_found_by_what_they_are(venue, trader):
    for name in ("a", "b"):
        venue.signed(trader, "POST", APPLY, **WISH, withdrawOrderId=name)
    now_ms = venue.clock() // 1_000_000
    for wish, names in (
        ({}, ["b", "a"]),
        ({"limit": 1}, ["b"]),
        ({"offset": 1}, ["a"]),
        ({"withdrawOrderId": "a"}, ["a"]),
        ({"coin": "USDT"}, []),
        ({"status": 4}, ["b", "a"]),
        ({"status": 6}, []),
        ({"startTime": now_ms + 60_000}, []),
        ({"endTime": now_ms + 60_000}, ["b", "a"]),
    ):
        rows = venue.signed(trader, "GET", HISTORY, **wish).json()
        assert [row["withdrawOrderId"] for row in rows] == names, wish


def test_every_coin_says_where_and_how_it_moves(venue, trader):
    venue.signed(trader, "POST", APPLY, **WISH)
    btc, usdt = venue.signed(trader, "GET", ALL).json()
    assert (btc["coin"], btc["free"], btc["locked"], btc["withdrawing"]) == (
        "BTC",
        "1.50000000",
        "0.00000000",
        "0.50000000",
    )
    (network,) = btc["networkList"]
    assert network["contractAddress"].lower() == "0x" + TOKENS[0].hex()
    assert network["addressRegex"] == ADDRESS_REGEX
    assert (network["withdrawFee"], network["withdrawMin"]) == ("0.00000500", "0.00001500")
    assert usdt["free"] == "100.00000000"


def test_what_risk_froze_is_neither_free_nor_locked_by_orders(venue, trader):
    terms = {"account": trader.account, "hold_id": 1, "asset": BTC, "amount_minor": 30_000_000}
    venue.command(command(CommandKind.PLACE_HOLD, **terms))
    venue.command(command(CommandKind.RELEASE_HOLD, hold_id=1, amount_minor=10_000_000))
    venue.signed(trader, "POST", APPLY, **WISH)
    btc = venue.signed(trader, "GET", ALL).json()[0]
    assert {name: btc[name] for name in ("free", "freeze", "locked", "withdrawing")} == {
        "free": "1.30000000",
        "freeze": "0.20000000",
        "locked": "0.00000000",
        "withdrawing": "0.50000000",
    }


def test_every_state_of_a_withdrawal_has_a_word():
    assert WITHDRAWAL_STATUS.keys() == set(WithdrawalStatus) - {WithdrawalStatus.NONE}


def test_the_vault_is_the_configured_one(venue):
    assert venue.services.custody.vault == VAULT
