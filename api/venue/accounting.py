"""Stage 7 of one venue: its stores, the withdrawal desk, reports, and the regulator's answers."""

from dataclasses import dataclass
from typing import Final, Self

from api.venue.adapters import LedgerRecords, ListedAssets, OpenWithdrawals, RecordedAnchors
from api.venue.config import ComplianceConfig, VenueConfig
from api.venue.loops import Loop
from api.venue.settling import Settling
from api.venue.trading import Trading
from compliance.desk import Rulebook, WithdrawalDesk
from compliance.regulator import RegulatorDesk
from compliance.reports.orderbook_records import Span
from compliance.reports.pack import ReportPack, devnet_report_pack
from compliance.reports.report import Building, ReportDesk
from compliance.rules.loader import default_pack
from compliance.screening.index import load_index
from compliance.store import ComplianceStore, StoredReport, open_store
from compliance.valuation import PriceTable
from ledger.audit.ledger import Ledger
from ledger.engine import Engine
from ledger.journal.errors import JournalError

DECISIONS_EVERY_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Accounting:
    """What is open."""

    store: ComplianceStore
    rulebook: Rulebook
    desk: WithdrawalDesk
    reports: ReportDesk
    regulator: RegulatorDesk
    records: LedgerRecords
    report_pack: ReportPack
    waiting: OpenWithdrawals

    @classmethod
    def open(
        cls, config: VenueConfig, trading: Trading, settling: Settling, ledger: Ledger[Engine]
    ) -> Self:
        """Open the store, load packs and lists.

        Raises:
            ComplianceError: A pack or a sanctions list cannot be used.
        """
        rulebook = rulebook_of(config.compliance)
        folder = config.folder / "reports"
        folder.mkdir(exist_ok=True)
        store = open_store(f"sqlite:///{config.folder / 'compliance.sqlite'}")
        anchors = RecordedAnchors(settling.store, config.deployment.anchors)
        return cls(
            store=store,
            rulebook=rulebook,
            desk=WithdrawalDesk(rulebook, store, ListedAssets(trading.engine), trading.sequencer),
            reports=ReportDesk(folder, store, trading.sequencer),
            regulator=RegulatorDesk(store, trading.history, ledger, anchors),
            records=LedgerRecords(ledger),
            report_pack=devnet_report_pack(),
            waiting=OpenWithdrawals(trading.engine, trading.history),
        )

    async def publish(self, span: Span) -> StoredReport:
        """Build the order-book records of a certified range, and record their digest."""
        return await self.reports.publish(self.building(span))

    def building(self, span: Span) -> Building:
        """What a report over a range is made from."""
        return Building(self.records, self.report_pack, span)

    def decision_loop(self) -> Loop:
        """The work that decides certified withdrawals."""
        return Loop("decisions", self._decide, (JournalError,), DECISIONS_EVERY_MS)

    async def _decide(self) -> None:
        await self.desk.decide_all(self.waiting, self.records.certified_seq())

    def close(self) -> None:
        """Let go of the database."""
        self.store.close()


def rulebook_of(config: ComplianceConfig) -> Rulebook:
    """The pack, lists and prices that decisions are made under.

    Raises:
        SanctionsListMissing, SanctionsListMalformed, SanctionsListTooLarge: See `load_index`.
    """
    return Rulebook(
        pack=default_pack(),
        jurisdiction=config.jurisdiction,
        sanctions=load_index(config.sanctions, sample_allowed=True),
        values=PriceTable(config.prices),
    )
