"""The regulator's desk: a trade with its receipt, a report with its anchor, a decision."""

import asyncio

import pytest

from compliance.errors import DecisionUnknown, ReportUnknown, TradeUnknown
from compliance.ports import AnchorFacts
from compliance.regulator import RegulatorDesk
from compliance.reports.orderbook_records import Span
from compliance.reports.pack import devnet_report_pack
from compliance.reports.report import Building, ReportDesk
from compliance.store import StoredDecision
from ledger.readmodel.views import TradeView
from ledger.records.codes import Check, Product, Side, Verdict
from tests.compliance.venue import listed_venue

TRADE = TradeView(
    instrument=0, product=Product.SPOT, liquidation=False, auction=False, trade_id=3, seq=41,
    event_index=2, time_ns=1, taker_side=Side.BUY, price_ticks=5, qty_lots=6, quote_minor=30,
    notional_minor=0, taker_realized_minor=0, maker_realized_minor=0, taker_account=16,
    maker_account=17, taker_order_id=41, maker_order_id=40, taker_fee_minor=0, maker_fee_minor=0,
)  # fmt: skip
ANCHOR = AnchorFacts(1, 2, 3, bytes(32), bytes(20))


class Stages:
    """The ports of the stages below, each answering with what it was asked."""

    def __init__(self) -> None:
        self.anchored: dict[bytes, AnchorFacts] = {}

    def trade(self, instrument: int, trade_id: int) -> TradeView | None:
        return TRADE if (instrument, trade_id) == (0, 3) else None

    def receipt_for(self, seq: int, event_index: int | None) -> str:
        return f"receipt of {seq}/{event_index}"

    def anchor_of_report(self, report_digest: bytes) -> AnchorFacts | None:
        return self.anchored.get(report_digest)


@pytest.fixture
def stages() -> Stages:
    return Stages()


@pytest.fixture
def desk(store, stages) -> RegulatorDesk:
    return RegulatorDesk(store, stages, stages, stages)


def test_a_trade_comes_with_the_receipt_of_its_own_event(desk):
    dossier = desk.trade_dossier(0, 3)
    assert dossier.trade == TRADE
    assert dossier.receipt == "receipt of 41/2"


def test_an_unknown_trade_is_named(desk):
    with pytest.raises(TradeUnknown) as caught:
        desk.trade_dossier(0, 4)
    assert (caught.value.instrument, caught.value.trade_id) == (0, 4)


def test_a_report_comes_with_its_receipt_and_its_anchor_once_there_is_one(
    desk, store, stages, tmp_path
):
    venue = listed_venue()
    building = Building(venue, devnet_report_pack(), Span(1, venue.certified_seq()))
    report = asyncio.run(ReportDesk(tmp_path, store, venue).publish(building))
    dossier = desk.report_dossier(report.report_id)
    assert dossier.anchor is None
    assert dossier.receipt == f"receipt of {report.report_id}/None"
    assert dossier.path.stat().st_size == report.size
    stages.anchored[report.digest] = ANCHOR
    assert desk.report_dossier(report.report_id).anchor == ANCHOR
    assert desk.reports() == (report,)
    assert desk.reports(after_id=report.report_id) == ()


def test_an_unknown_report_is_named(desk):
    with pytest.raises(ReportUnknown) as caught:
        desk.report_dossier(5)
    assert caught.value.report_id == 5


def test_a_decision_is_shown_as_it_was_kept(desk, store):
    kept = store.keep_decision(
        StoredDecision(
            withdrawal_id=7,
            check=Check.SCREENING,
            verdict=Verdict.DENY,
            digest=bytes(32),
            pack_hash=bytes(32),
            record=b"{}",
            salt=store.salt(7, Check.SCREENING),
        )
    )
    assert desk.decision(7, Check.SCREENING) == kept
    with pytest.raises(DecisionUnknown) as caught:
        desk.decision(7, Check.TRAVEL_RULE)
    assert caught.value.check == "TRAVEL_RULE"
