"""A withdrawal's questionnaire is an IVMS101 payload: kept when it is sound, refused if not."""

import pytest

from tests.api.venue import PAYEE

APPLY = "/sapi/v1/capital/withdraw/apply"
WISH = {"coin": "BTC", "address": PAYEE, "amount": "0.5"}


@pytest.fixture
def payload(shared_data):
    """A published example that keeps the standard."""
    return (shared_data / "ivms101/codevasp/complete-example.json").read_text()


def test_a_published_example_goes_with_the_withdrawal(venue, payload):
    trader = venue.trader(btc=1)
    answer = venue.signed(trader, "POST", APPLY, **WISH, questionnaire=payload)
    assert answer.status_code == 200, answer.text
    travel = venue.engine.withdrawal(int(answer.json()["id"])).travel
    kept = venue.compliance.payload(travel)
    assert kept is not None
    assert kept.account == trader.account


def test_a_repeated_request_keeps_its_payload_once(venue, payload):
    trader = venue.trader(btc=1)
    wish = {**WISH, "questionnaire": payload, "withdrawOrderId": "once"}
    first, again = (venue.signed(trader, "POST", APPLY, **wish).json() for _ in range(2))
    assert first == again


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"originator": 1}', '"text"', "1e400"])
def test_json_that_is_no_payload_is_refused_before_anything_is_held(venue, text):
    trader = venue.trader(btc=1)
    root = venue.engine.state_root()
    answer = venue.signed(trader, "POST", APPLY, **WISH, questionnaire=text)
    assert (answer.status_code, answer.json()["code"]) == (400, -1130)
    assert answer.json()["msg"].startswith("Questionnaire format not valid. ")
    assert venue.engine.state_root() == root


def test_a_published_example_that_breaks_the_standard_is_told_every_clause(venue, shared_data):
    broken = (shared_data / "ivms101/gtr/complete-example.json").read_text()
    answer = venue.signed(venue.trader(btc=1), "POST", APPLY, **WISH, questionnaire=broken)
    assert (answer.status_code, answer.json()["code"]) == (400, -1130)
    assert answer.json()["msg"].count("C11 ") == 2
    assert "TEXT originatingVASP" in answer.json()["msg"]


def test_a_payload_above_the_bound_is_refused(venue):
    """Above the gate's own bound; stage 7's is larger."""
    answer = venue.http.post(APPLY, content=b"questionnaire=" + b"1" * 70_000)
    assert answer.status_code == 413


def test_an_erased_account_keeps_nothing_new(venue, payload):
    trader = venue.trader(btc=1)
    venue.compliance.shred(trader.account)
    answer = venue.signed(trader, "POST", APPLY, **WISH, questionnaire=payload)
    assert answer.json()["msg"].endswith("the account's data was erased")
