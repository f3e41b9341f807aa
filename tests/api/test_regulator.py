"""The regulator over HTTP: facts with proofs that verify offline, for tokens that stand alone."""

import hashlib

import pytest

from compliance.ports import AnchorFacts
from compliance.reports.orderbook_records import Span
from compliance.reports.pack import devnet_report_pack
from compliance.reports.report import Building, ReportDesk
from ledger.audit.verify import EventEntry, verify_receipt
from tests.api.venue import Venue

ORDER = "/api/v3/order"
LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "quantity": 1}
TRADE = "/regulator/v1/trades/BTCUSDT/1"
ANCHOR = AnchorFacts(3, 2, 77, bytes(range(32)), bytes([0xAA]) * 20)


@pytest.fixture
def token(venue):
    """A token, on a venue where one trade happened."""
    maker, taker = venue.trader(btc=2), venue.trader(usdt=100_000)
    venue.signed(maker, "POST", ORDER, **LIMIT, side="SELL", price=20_000)
    venue.signed(taker, "POST", ORDER, **LIMIT, side="BUY", price=20_100)
    return venue.regulators.issue_token("supervisor", venue.clock())


def ask(venue: Venue, path: str, token: str | None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return venue.http.get(path, headers=headers)


def publish(venue: Venue):
    """Certify, build the order-book report over it, record it, and certify the record."""
    venue.certify()

    async def work():
        span = Span(1, venue.ledger.certified_seq())
        building = Building(venue.ledger, devnet_report_pack(), span)
        desk = ReportDesk(venue.directory, venue.compliance, venue.sequencer)
        return await desk.publish(building)

    report = venue.run(work())
    venue.certify()
    return report


def test_a_trade_comes_with_a_receipt_that_verifies_offline(venue, token):
    venue.certify()
    answer = ask(venue, TRADE, token).json()
    assert (answer["symbol"], answer["tradeId"], answer["price"]) == (
        "BTCUSDT",
        1,
        "20000.00000000",
    )
    assert answer["taker"] == {
        "account": 17,
        "orderId": answer["seq"],
        "side": "BUY",
        "fee": "0.00150000",
        "feeAsset": "BTC",
    }
    assert (answer["maker"]["side"], answer["maker"]["feeAsset"]) == ("SELL", "USDT")
    report = verify_receipt(answer["receipt"], venue.ledger.group)
    assert isinstance(report.entry, EventEntry)
    assert int(report.entry.event["trade_id"]) == 1
    assert int(report.entry.event["seq"]) == answer["seq"]
    assert len(report.signers) == 4
    assert "provenue verify" in answer["howToVerify"]


def test_a_trade_that_is_not_certified_yet_is_a_conflict(venue, token):
    answer = ask(venue, TRADE, token)
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/problems/NotCertified",
        "title": "No certified block holds the entry yet.",
        "status": 409,
        "seq": venue.engine.seq,
        "certified_seq": 0,
    }


def test_a_report_comes_with_its_bytes_its_receipt_and_its_anchor(venue, token):
    report = publish(venue)
    meta = ask(venue, "/regulator/v1/reports", token).json()
    assert [row["reportId"] for row in meta["reports"]] == [report.report_id]
    assert meta["nextAfter"] is None

    path = f"/regulator/v1/reports/{report.report_id}"
    answer = ask(venue, path, token).json()
    assert answer["report"]["sha256"] == report.digest.hex()
    assert answer["anchor"] is None
    assert len(verify_receipt(answer["receipt"], venue.ledger.group).signers) == 4
    venue.anchors.facts[report.digest] = ANCHOR
    assert ask(venue, path, token).json()["anchor"] == {
        "anchorIndex": 3,
        "block": 2,
        "chainBlock": 77,
        "transaction": "0x" + bytes(range(32)).hex(),
        "registry": "0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa",
    }

    content = ask(venue, answer["report"]["content"], token)
    assert hashlib.sha256(content.content).digest() == report.digest
    assert content.headers["Repr-Digest"].startswith("sha-256=:")


def test_reports_come_page_by_page(venue, token):
    ids = [publish(venue).report_id for _ in range(3)]
    first = ask(venue, "/regulator/v1/reports?limit=2", token).json()
    assert [row["reportId"] for row in first["reports"]] == ids[:2]
    rest = ask(venue, f"/regulator/v1/reports?limit=2&after={first['nextAfter']}", token).json()
    assert [row["reportId"] for row in rest["reports"]] == ids[2:]
    assert rest["nextAfter"] is None


def test_any_entry_has_a_receipt(venue, token):
    venue.certify()
    for path in ("/regulator/v1/receipts/1", f"/regulator/v1/receipts/{venue.engine.seq}?event=0"):
        answer = ask(venue, path, token)
        assert answer.headers["content-type"].startswith("text/plain")
        verify_receipt(answer.text, venue.ledger.group)


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/regulator/v1/trades/BTCUSDT/2", 404, "TradeUnknown"),
        ("/regulator/v1/trades/ETHUSDT/1", 404, "RecordUnknown"),
        ("/regulator/v1/trades/btcusdt/1", 404, "RecordUnknown"),
        ("/regulator/v1/trades/BTCUSDT/one", 404, "RecordUnknown"),
        ("/regulator/v1/trades/BTCUSDT/-1", 404, "RecordUnknown"),
        ("/regulator/v1/trades/BTCUSDT/99999999999999999999", 404, "RecordUnknown"),
        ("/regulator/v1/trades/BTCUSDT/9223372036854775807", 404, "TradeUnknown"),
        ("/regulator/v1/reports/7", 404, "ReportUnknown"),
        ("/regulator/v1/reports/7/content", 404, "ReportUnknown"),
        ("/regulator/v1/reports?limit=0", 400, "ParameterInvalid"),
        ("/regulator/v1/reports?after=x", 400, "IllegalCharacters"),
        ("/regulator/v1/reports?after=99999999999999999999", 400, "ParameterOverflow"),
        ("/regulator/v1/receipts/99", 409, "NotCertified"),
        ("/regulator/v1/receipts/1?event=5", 404, "UnknownEntry"),
    ],
)
def test_each_problem_says_what_it_is(venue, token, path, status, name):
    venue.certify()
    answer = ask(venue, path, token)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{name}")
    assert answer.json()["status"] == status


def test_nobody_without_a_standing_token_learns_anything(venue, token):
    key = venue.trader().key
    mark, token_id, secret = token.split("_")
    forged = [
        None,
        "prv",
        "prv__",
        f"{mark}_{token_id}_",
        f"{mark}_{token_id}_{secret[:-1]}",
        f"{mark}_{'A' * 16}_{secret}",
        f"{mark}_{token_id}_{secret}x",
        key.api_key,
        key.secret,
        "prv_' OR 1=1 --_x",
    ]
    for wrong in forged:
        answer = ask(venue, TRADE, wrong)
        assert (answer.status_code, answer.json()) == (
            401,
            {
                "type": "/problems/TokenRefused",
                "title": "The token is not one that stands.",
                "status": 401,
            },
        )
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    basic = venue.http.get(TRADE, headers={"Authorization": f"Basic {token}"})
    assert basic.status_code == 401
    assert venue.regulators.revoke_token(token_id, venue.clock())
    assert ask(venue, TRADE, token).status_code == 401
    assert not venue.regulators.revoke_token("A" * 16, venue.clock())


def test_a_token_opens_nothing_of_a_customers(venue, token):
    answer = venue.http.get("/api/v3/account", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["code"] == -2014


def test_every_look_is_logged_refused_ones_included(venue, token):
    venue.certify()
    token_id = token.split("_")[1]
    ask(venue, TRADE, token)
    ask(venue, "/regulator/v1/reports/7", token)
    ask(venue, TRADE, "prv_x_y")
    looks = [
        (row.token_id, row.method, row.path, row.status) for row in venue.regulators.accesses()
    ]
    assert looks == [
        (token_id, "GET", TRADE, 200),
        (token_id, "GET", "/regulator/v1/reports/7", 404),
        ("", "GET", TRADE, 401),
    ]


def test_a_token_is_kept_only_as_a_hash(venue, token):
    secret = token.split("_")[2].encode()
    stored = b"".join(path.read_bytes() for path in venue.directory.glob("gate.db*"))
    assert token.split("_")[1].encode() in stored
    assert secret not in stored
