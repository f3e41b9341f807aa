"""What a regulator gets for a question: the facts, and beside them the proof that checks them.

Pure composition over ports; routes and credentials are the gate's.
"""

from dataclasses import dataclass
from pathlib import Path

from compliance.errors import DecisionUnknown, ReportUnknown, TradeUnknown
from compliance.ports import AnchorFacts, Anchors, Receipts, Trades
from compliance.store import ComplianceStore, StoredDecision, StoredReport
from ledger.readmodel.views import TradeView
from ledger.records.codes import Check


@dataclass(frozen=True, slots=True)
class TradeDossier:
    """A trade and the receipt of its event: verifies offline, without the venue."""

    trade: TradeView
    receipt: str


@dataclass(frozen=True, slots=True)
class ReportDossier:
    """A report, the receipt of the command that recorded its digest, and its anchor.

    Attributes:
        report: Metadata; `report.digest` is SHA-256 of the bytes at `path`.
        receipt: Of the RECORD_REPORT command.
        anchor: None while the digest is not on the chain yet.
        path: The report's bytes.
    """

    report: StoredReport
    receipt: str
    anchor: AnchorFacts | None
    path: Path


class RegulatorDesk:
    """Answers with proofs. Read-only."""

    __slots__ = ("_anchors", "_receipts", "_store", "_trades")

    def __init__(
        self, store: ComplianceStore, trades: Trades, receipts: Receipts, anchors: Anchors
    ) -> None:
        self._store = store
        self._trades = trades
        self._receipts = receipts
        self._anchors = anchors

    def trade_dossier(self, instrument: int, trade_id: int) -> TradeDossier:
        """One trade with its receipt.

        Raises:
            TradeUnknown: No such trade.
            LedgerError: The trade is not certified yet.
        """
        trade = self._trades.trade(instrument, trade_id)
        if trade is None:
            raise TradeUnknown(instrument, trade_id)
        return TradeDossier(trade, self._receipts.receipt_for(trade.seq, trade.event_index))

    def report_dossier(self, report_id: int) -> ReportDossier:
        """One report with its receipt and its anchor.

        Raises:
            ReportUnknown: No such report.
            LedgerError: The record of its digest is not certified yet.
        """
        report = self._store.report(report_id)
        if report is None:
            raise ReportUnknown(report_id)
        return ReportDossier(
            report=report,
            receipt=self._receipts.receipt_for(report.report_id, None),
            anchor=self._anchors.anchor_of_report(report.digest),
            path=Path(report.path),
        )

    def reports(self, after_id: int = 0, limit: int = 100) -> tuple[StoredReport, ...]:
        """Reports with larger ids than `after_id`, oldest first."""
        return self._store.reports(after_id, limit)

    def decision(self, withdrawal_id: int, check: Check) -> StoredDecision:
        """One decision of one withdrawal; its salt opens the digest that the ledger holds.

        Raises:
            DecisionUnknown: It was not made, or not by this store.
        """
        decision = self._store.decision(withdrawal_id, check)
        if decision is None:
            raise DecisionUnknown(withdrawal_id, check.name or str(int(check)))
        return decision
