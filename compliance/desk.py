"""The withdrawal desk: two decisions for each certified withdrawal, kept first, then sequenced.

Crash anywhere and run again: a decision that was kept is sent again byte for byte, one that was
not is made anew from the same certified facts, and one that the ledger already has is left alone.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from compliance.canonical import canonical
from compliance.commitment import DECISION_DOMAIN, commit
from compliance.errors import (
    DecisionRejected,
    JurisdictionMissing,
    PayloadCorrupt,
    PayloadMalformed,
    SubjectKeyDestroyed,
)
from compliance.ports import Assets, PendingWithdrawal, PendingWithdrawals
from compliance.rules.evaluator import Decision, ScreeningFacts, TravelFacts, evaluate
from compliance.rules.model import Pack
from compliance.screening.address import evm_address
from compliance.screening.index import SanctionsIndex, Subject
from compliance.store import ComplianceStore, StoredDecision
from compliance.travelrule.dialects import read_payload
from compliance.travelrule.fields import beneficiary_facts, originator_facts
from compliance.travelrule.ivms101 import Payload
from compliance.travelrule.validator import validate
from compliance.valuation import Values
from ledger.journal.ports import Submits
from ledger.records.build import command, digest_fields
from ledger.records.codes import Check, CommandKind, Reject, WithdrawalStatus

NO_TRAVEL: Final = bytes(32)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# The ledger has moved on: our own send whose acknowledgement a crash lost, or another check's
# denial, which ended the withdrawal before.
_ALREADY: Final = frozenset({Reject.ALREADY_DECIDED, Reject.WRONG_STATE})


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that decisions are made under; replaced whole when any of it changes.

    Attributes:
        pack: The rules.
        jurisdiction: Of the venue's legal entity; selects the rows.
        sanctions: The lists; an index without lists denies every withdrawal.
        values: Prices; an amount without a price counts as above every threshold.
    """

    pack: Pack
    jurisdiction: str
    sanctions: SanctionsIndex
    values: Values


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision and what the ledger said to it: seq is 0 when it was there already."""

    decision: StoredDecision
    seq: int


class WithdrawalDesk:
    """Decides what is HELD in certified state. One at a time: not for concurrent use."""

    __slots__ = ("_assets", "_rulebook", "_store", "_submits")

    def __init__(
        self, rulebook: Rulebook, store: ComplianceStore, assets: Assets, submits: Submits
    ) -> None:
        self._rulebook = rulebook
        self._store = store
        self._assets = assets
        self._submits = submits

    async def decide_all(
        self, state: PendingWithdrawals, certified_seq: int
    ) -> tuple[Decided, ...]:
        """Decide every withdrawal that is certified and HELD, oldest first.

        Args:
            state: Open withdrawals; may run ahead of certification.
            certified_seq: Withdrawals requested later are left for the next run.

        Raises:
            DecisionRejected: The engine refused a decision for a reason that needs a person.
            JournalError: A decision was not sequenced; the next run sends it again.
        """
        decided: list[Decided] = []
        for withdrawal_id in tuple(state.pending_withdrawals()):
            if withdrawal_id > certified_seq:
                break
            withdrawal = state.withdrawal(withdrawal_id)
            if withdrawal is not None and withdrawal.status == WithdrawalStatus.HELD:
                decided += await self.decide(withdrawal)
        return tuple(decided)

    async def decide(self, withdrawal: PendingWithdrawal) -> tuple[Decided, ...]:
        """Make, keep and send the decisions that a HELD withdrawal still needs."""
        assert withdrawal.status == WithdrawalStatus.HELD, "only held withdrawals are decided"
        required = self._assets.asset_facts(withdrawal.asset).required_checks
        open_checks = [c for c in Check if required & c and not withdrawal.checks_passed & c]
        kept = [self._kept(withdrawal, check) for check in open_checks]
        # A denial ends the withdrawal, so approvals go first: both decisions enter the ledger.
        kept.sort(key=lambda decision: decision.verdict, reverse=True)
        return tuple([Decided(decision, await self._send(decision)) for decision in kept])

    def judge(self, withdrawal: PendingWithdrawal, check: Check) -> Decision:
        """Decide without keeping or sending: what a re-run, or a replica, compares with."""
        if check is Check.SCREENING:
            return evaluate(self._rulebook.pack, self._screening_facts(withdrawal))
        return evaluate(self._rulebook.pack, self._travel_facts(withdrawal))

    def _kept(self, withdrawal: PendingWithdrawal, check: Check) -> StoredDecision:
        """The decision that stands; made and kept before anything is sent."""
        standing = self._store.decision(withdrawal.withdrawal_id, check)
        if standing is not None:
            return standing
        decision = self.judge(withdrawal, check)
        record = canonical(decision.document(withdrawal.withdrawal_id))
        salt = self._store.salt(withdrawal.withdrawal_id, check)
        made = StoredDecision(
            withdrawal_id=withdrawal.withdrawal_id,
            check=check,
            verdict=decision.verdict,
            digest=commit(DECISION_DOMAIN, salt, record),
            pack_hash=decision.pack_hash,
            record=record,
            salt=salt,
        )
        return self._store.keep_decision(made)

    async def _send(self, decision: StoredDecision) -> int:
        ack = await self._submits.submit(decision_command(decision))
        if ack.reject in _ALREADY:
            return 0
        if ack.reject is not Reject.NONE:
            raise DecisionRejected(
                decision.withdrawal_id, decision.check.name or "", ack.reject.name
            )
        return ack.seq

    def _screening_facts(self, withdrawal: PendingWithdrawal) -> ScreeningFacts:
        subject = Subject(
            jurisdiction=self._rulebook.jurisdiction,
            on_date=utc_date(withdrawal.created_ns),
            asset=self._assets.asset_facts(withdrawal.asset).symbol,
            address=evm_address(withdrawal.payee),
        )
        return self._rulebook.sanctions.facts(subject)

    def _travel_facts(self, withdrawal: PendingWithdrawal) -> TravelFacts:
        on_date = utc_date(withdrawal.created_ns)
        symbol = self._assets.asset_facts(withdrawal.asset).symbol
        currency, value_minor, source = self._value(symbol, withdrawal.amount_minor, on_date)
        word, payload = self._payload(withdrawal)
        payee = evm_address(withdrawal.payee)
        violations = validate(payload, on_date) if payload is not None else ()
        return TravelFacts(
            jurisdiction=self._rulebook.jurisdiction,
            on_date=on_date,
            asset=symbol,
            amount_minor=withdrawal.amount_minor,
            value_minor=value_minor,
            value_currency=currency,
            value_source=source,
            payload=word,
            violations=tuple(sorted({violation.clause.value for violation in violations})),
            originator=originator_facts(payload, payee) if payload is not None else None,
            beneficiary=beneficiary_facts(payload, payee) if payload is not None else None,
        )

    def _value(self, symbol: str, amount_minor: int, on_date: date) -> tuple[str, int | None, str]:
        """Currency of the row in force, the amount's value in it, and the price's source."""
        try:
            row = self._rulebook.pack.travel_row(self._rulebook.jurisdiction, on_date)
        except JurisdictionMissing:
            # The evaluator meets the same gap and denies by name.
            return "", None, ""
        found = self._rulebook.values.value(symbol, amount_minor, row.currency, row.decimals)
        if found is None:
            return row.currency, None, ""
        return row.currency, found.value_minor, found.source

    def _payload(self, withdrawal: PendingWithdrawal) -> tuple[str, Payload | None]:
        """What stands behind the commitment, in the evaluator's word for it."""
        if withdrawal.travel == NO_TRAVEL:
            return "absent", None
        try:
            stored = self._store.payload(withdrawal.travel)
        except (SubjectKeyDestroyed, PayloadCorrupt):
            return "unmatched", None
        if stored is None or stored.account != withdrawal.account:
            return "unmatched", None
        try:
            return "matched", read_payload(stored.canonical)
        except PayloadMalformed:
            # Kept by a version that read more than this one: a person must look.
            return "unmatched", None


def decision_command(decision: StoredDecision) -> bytes:
    """The DECIDE_WITHDRAWAL command, 128 bytes."""
    return command(
        CommandKind.DECIDE_WITHDRAWAL,
        withdrawal_id=decision.withdrawal_id,
        check=int(decision.check),
        verdict=int(decision.verdict),
        **digest_fields("decision", decision.digest),
        **digest_fields("pack", decision.pack_hash),
    )


def utc_date(time_ns: int) -> date:
    """The UTC day of a ledger time."""
    assert time_ns >= 0, "ledger time counts from 1970"
    return (_EPOCH + timedelta(microseconds=time_ns // 1000)).date()
