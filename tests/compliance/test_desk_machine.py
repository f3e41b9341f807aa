"""The desk as a state machine: random withdrawals, lists and crashes never break its invariants."""

import asyncio
from datetime import date

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from compliance.commitment import DECISION_DOMAIN, commit
from compliance.desk import Rulebook, WithdrawalDesk
from compliance.rules.loader import default_pack
from compliance.screening.index import SanctionsIndex
from compliance.screening.lists import Entry, make_list
from compliance.store import open_store
from compliance.travelrule.intake import accept_payload
from ledger.records.build import address_fields, digest_fields, read_digest
from ledger.records.codes import Check, CommandKind, Verdict, WithdrawalStatus
from ledger.records.layout import DECISION
from tests.compliance.conftest import Counter, payload_bytes
from tests.compliance.test_desk import BOTH, NOW_NS, PRICES, Dies
from tests.compliance.venue import listed_venue

PACK = default_pack()
TODAY = date(2026, 11, 20)
PAYEES = [bytes([n]) * 20 for n in (0x11, 0x22, 0x33)]


class DeskMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.venue = listed_venue(BOTH)
        self.venue.now_ns = NOW_NS
        self.store = open_store(entropy=Counter())
        self.listed: set[bytes] = set()
        self.certified = self.venue.certified_seq()
        self.stood: dict[tuple[int, Check], bytes] = {}
        self.requested: dict[int, tuple[bytes, bool]] = {}
        self.listed_when: dict[int, bool] = {}

    @rule(payee=st.sampled_from(PAYEES), travels=st.booleans(), own=st.booleans())
    def request(self, payee: bytes, travels: bool, own: bool) -> None:  # noqa: FBT001
        travel = bytes(32)
        if travels:
            travel = accept_payload(self.store, 16 if own else 17, payload_bytes(payee), TODAY)
        ack = self.venue.ask(
            CommandKind.REQUEST_WITHDRAWAL,
            account=16,
            amount_minor=1,
            **address_fields("payee", payee),
            **digest_fields("travel", travel),
        )
        self.requested[ack.seq] = (payee, travels and own)

    @rule(payee=st.sampled_from(PAYEES))
    def toggle_listing(self, payee: bytes) -> None:
        self.listed ^= {payee}

    @rule()
    def certify(self) -> None:
        self.certified = self.venue.certified_seq()

    @rule(dies_at=st.none() | st.integers(0, 3), after=st.booleans())
    def run(self, dies_at: int | None, after: bool) -> None:  # noqa: FBT001
        entries = [Entry("EVM", "0x" + payee.hex(), "ETH") for payee in sorted(self.listed)]
        lists = SanctionsIndex([make_list("OFAC-SDN", entries, None)])
        submits = self.venue if dies_at is None else Dies(self.venue, dies_at, after=after)
        desk = WithdrawalDesk(Rulebook(PACK, "EU", lists, PRICES), self.store, self.venue, submits)
        undecided = [
            key for key in self.requested if self.store.decision(key, Check.SCREENING) is None
        ]
        try:
            asyncio.run(desk.decide_all(self.venue, self.certified))
        except ConnectionError:
            assert dies_at is not None
        for key in undecided:
            if self.store.decision(key, Check.SCREENING) is not None:
                self.listed_when[key] = self.requested[key][0] in self.listed

    @invariant()
    def a_decision_that_stands_never_changes(self) -> None:
        for key in self.requested:
            for check in Check:
                decision = self.store.decision(key, check)
                if decision is not None:
                    assert self.stood.setdefault((key, check), decision.record) == decision.record

    @invariant()
    def the_ledger_holds_only_what_was_kept(self) -> None:
        for raw in self.venue.commands:
            if raw[8] != CommandKind.DECIDE_WITHDRAWAL:
                continue
            row = np.frombuffer(raw, DECISION)[0]
            check = Check(int(row["check"]))
            kept = self.store.decision(int(row["withdrawal_id"]), check)
            assert read_digest(row, "decision") == commit(DECISION_DOMAIN, kept.salt, kept.record)
            assert row["verdict"] == kept.verdict

    @invariant()
    def only_clean_and_documented_withdrawals_are_cleared(self) -> None:
        for key, (_, documented) in self.requested.items():
            status = self.venue.withdrawals[key].status
            if status == WithdrawalStatus.CLEARED:
                assert documented
                assert not self.listed_when[key]
            if status == WithdrawalStatus.DENIED:
                assert not documented or self.listed_when[key]

    @invariant()
    def nothing_is_decided_before_it_is_certified(self) -> None:
        for key in self.requested:
            if key > self.certified:
                assert self.store.decision(key, Check.SCREENING) is None

    def teardown(self) -> None:
        """A last quiet run decides everything that is certified."""
        self.certify()
        self.run(None, after=False)
        for key in self.requested:
            assert self.venue.withdrawals[key].status != WithdrawalStatus.HELD
            verdicts = {self.store.decision(key, check).verdict for check in Check}
            cleared = self.venue.withdrawals[key].status == WithdrawalStatus.CLEARED
            assert cleared == (verdicts == {Verdict.APPROVE})
        self.store.close()


DeskMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestDesk = DeskMachine.TestCase
