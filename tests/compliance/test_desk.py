"""The desk: two decisions a withdrawal, kept before they are sent, the same after every crash."""

import asyncio
import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.canonical import canonical
from compliance.commitment import DECISION_DOMAIN, commit
from compliance.desk import Rulebook, WithdrawalDesk, decision_command, utc_date
from compliance.errors import DecisionRejected
from compliance.screening.index import SanctionsIndex
from compliance.screening.lists import Entry, load_directory, make_list
from compliance.store import open_store
from compliance.travelrule.intake import accept_payload
from compliance.valuation import Price, PriceTable, div_ceil, price_of_units
from ledger.records.build import address_fields, digest_fields, read_digest
from ledger.records.codes import Check, CommandKind, Reject, Verdict, WithdrawalStatus
from ledger.records.layout import DECISION
from tests.compliance.conftest import CLEAN, PAYEE, payload_bytes, payload_document
from tests.compliance.venue import DAY_NS, NaiveVenue, listed_venue

BOTH = Check.SCREENING | Check.TRAVEL_RULE
LISTS = SanctionsIndex([make_list("OFAC-SDN", [Entry("EVM", "0x" + PAYEE.hex(), "ARB")], None)])
NOW_NS = 20_777 * DAY_NS
"""2026-11-20, where every row of the shipped pack is in force."""
TODAY = date(2026, 11, 20)
PRICES = PriceTable({("BTC", "USD"): price_of_units(6_000_000, 8, 2, "test")})


def rulebook(pack, jurisdiction: str = "EU", sanctions: SanctionsIndex = LISTS) -> Rulebook:
    return Rulebook(pack, jurisdiction, sanctions, PRICES)


def venue_now(required: int = BOTH) -> NaiveVenue:
    venue = listed_venue(required)
    venue.now_ns = NOW_NS
    return venue


def request(venue: NaiveVenue, payee: bytes = CLEAN, travel: bytes = bytes(32), **more) -> int:
    fields = {"account": 16, "asset": 0, "amount_minor": 10_000_000} | more
    ack = venue.ask(
        CommandKind.REQUEST_WITHDRAWAL,
        **address_fields("payee", payee),
        **digest_fields("travel", travel),
        **fields,
    )
    return ack.seq


def decide(desk: WithdrawalDesk, venue: NaiveVenue):
    return asyncio.run(desk.decide_all(venue, venue.certified_seq()))


def reasons(store, withdrawal_id: int, check: Check) -> list[str]:
    return json.loads(store.decision(withdrawal_id, check).record)["rules_fired"]


def test_a_clean_payee_with_a_sound_payload_is_cleared(store, pack):
    venue = venue_now()
    travel = accept_payload(store, 16, payload_bytes(), TODAY)
    wid = request(venue, travel=travel)
    decided = decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert [(d.decision.check, d.decision.verdict) for d in decided] == [
        (Check.SCREENING, Verdict.APPROVE),
        (Check.TRAVEL_RULE, Verdict.APPROVE),
    ]
    assert venue.withdrawals[wid].status == WithdrawalStatus.CLEARED


def test_the_ledger_holds_what_opens_to_the_kept_record(store, pack):
    venue = venue_now()
    wid = request(venue)
    decided = decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    for item in decided:
        row = np.frombuffer(venue.commands[item.seq - 1], DECISION)[0]
        kept = store.decision(wid, item.decision.check)
        assert read_digest(row, "decision") == commit(DECISION_DOMAIN, kept.salt, kept.record)
        assert read_digest(row, "pack") == pack.hash
        assert (row["withdrawal_id"], row["check"]) == (wid, kept.check)
        assert json.loads(kept.record)["withdrawal_id"] == wid


def test_a_listed_payee_is_denied_and_both_decisions_are_in_the_ledger(store, pack):
    venue = venue_now()
    travel = accept_payload(store, 16, payload_bytes(PAYEE), TODAY)
    wid = request(venue, PAYEE, travel)
    decided = decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert [d.decision.check for d in decided] == [Check.TRAVEL_RULE, Check.SCREENING]
    assert all(d.seq for d in decided)
    assert venue.withdrawals[wid].status == WithdrawalStatus.DENIED
    assert reasons(store, wid, Check.SCREENING) == ["EU-SCR-2018", "EU-SCR-2018/hit/OFAC-SDN:ARB"]


def test_a_published_address_is_denied_and_the_record_names_the_lists_version(
    store, pack, shared_data
):
    index = SanctionsIndex([load_directory(shared_data / "sanctions", date(2024, 9, 27))])
    venue = venue_now()
    wid = request(venue, bytes.fromhex("098b716b8aaf21512996dc57eb0615e2383e2f96"))
    decide(WithdrawalDesk(rulebook(pack, sanctions=index), store, venue, venue), venue)
    record = json.loads(store.decision(wid, Check.SCREENING).record)
    assert record["verdict"] == "DENY"
    assert record["readings"]["hits"] == "OFAC-SDN:ETH"
    assert record["readings"]["list_version"] == (
        "OFAC-SDN 2024-09-27 sha256:"
        "7206270ee2d60ee4dcfc89b9fe7794f9424a2be0fa07fc8c56142b812410cfec"
    )


def test_without_a_list_every_withdrawal_is_denied(store, pack):
    venue = venue_now()
    wid = request(venue)
    desk = WithdrawalDesk(rulebook(pack, sanctions=SanctionsIndex([])), store, venue, venue)
    decide(desk, venue)
    assert reasons(store, wid, Check.SCREENING)[-1] == "EU-SCR-2018/list-missing/OFAC-SDN"


@pytest.mark.parametrize(
    ("amount_minor", "verdict"), [(4_999_983, Verdict.APPROVE), (5_000_000, Verdict.DENY)]
)
def test_a_payload_is_needed_from_the_threshold_on(store, pack, amount_minor, verdict):
    """0.05 BTC at 60,000.00 USD is exactly the 3,000.00 USD of the row."""
    venue = venue_now()
    wid = request(venue, amount_minor=amount_minor)
    decide(WithdrawalDesk(rulebook(pack, "US"), store, venue, venue), venue)
    assert store.decision(wid, Check.TRAVEL_RULE).verdict is verdict


def test_rounding_never_takes_an_amount_below_the_threshold(store, pack):
    """0.04999999 BTC is worth 2,999.9994 USD, which rounds up to the 3,000.00 of the row."""
    venue = venue_now()
    wid = request(venue, amount_minor=4_999_999)
    decide(WithdrawalDesk(rulebook(pack, "US"), store, venue, venue), venue)
    record = json.loads(store.decision(wid, Check.TRAVEL_RULE).record)
    assert record["readings"]["value_minor"] == "300000"
    assert record["verdict"] == "DENY"


def test_an_asset_without_a_price_counts_as_above_every_threshold(store, pack):
    venue = venue_now()
    wid = request(venue, asset=1, amount_minor=1)
    decide(WithdrawalDesk(rulebook(pack, "US"), store, venue, venue), venue)
    assert reasons(store, wid, Check.TRAVEL_RULE) == [
        "US-TR-1996/tier-1", "US-TR-1996/payload-absent"
    ]  # fmt: skip


def test_a_jurisdiction_without_rows_is_denied_twice(store, pack):
    venue = venue_now()
    wid = request(venue)
    decide(WithdrawalDesk(rulebook(pack, "JP"), store, venue, venue), venue)
    assert reasons(store, wid, Check.SCREENING) == ["screening/no-row"]
    assert reasons(store, wid, Check.TRAVEL_RULE) == ["travel-rule/no-row"]


def test_the_rules_of_the_day_of_the_request_hold(store, pack):
    venue = venue_now()
    venue.now_ns = (20_087 - 1) * DAY_NS
    wid = request(venue)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    record = json.loads(store.decision(wid, Check.TRAVEL_RULE).record)
    assert record["readings"]["on_date"] == "2024-12-29"
    assert record["rules_fired"] == ["travel-rule/no-row"]


# --- payloads that do not belong --------------------------------------------------------------


def test_another_accounts_commitment_does_not_open(store, pack):
    venue = venue_now()
    travel = accept_payload(store, 17, payload_bytes(), TODAY)
    wid = request(venue, travel=travel)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert reasons(store, wid, Check.TRAVEL_RULE)[-1] == "EU-TR-2024/payload-unmatched"


def test_an_unknown_commitment_does_not_open(store, pack):
    venue = venue_now()
    wid = request(venue, travel=b"\x01" * 32)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert reasons(store, wid, Check.TRAVEL_RULE)[-1] == "EU-TR-2024/payload-unmatched"


def test_an_erased_subjects_payload_does_not_open(store, pack):
    venue = venue_now()
    travel = accept_payload(store, 16, payload_bytes(), TODAY)
    store.shred(16)
    wid = request(venue, travel=travel)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert reasons(store, wid, Check.TRAVEL_RULE)[-1] == "EU-TR-2024/payload-unmatched"


def test_a_stored_payload_that_this_version_cannot_read_does_not_open(store, pack):
    venue = venue_now()
    wid = request(venue, travel=store.add_payload(16, b'{"version":"2099"}'))
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert reasons(store, wid, Check.TRAVEL_RULE)[-1] == "EU-TR-2024/payload-unmatched"


def test_a_payload_about_another_payee_is_denied(store, pack):
    venue = venue_now()
    travel = accept_payload(store, 16, payload_bytes(b"\x22" * 20), TODAY)
    wid = request(venue, travel=travel)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert reasons(store, wid, Check.TRAVEL_RULE)[-1] == "EU-TR-2024/tier-0/beneficiary-1"


def test_a_payload_that_breaks_the_standard_is_denied_by_the_clause(store, pack):
    document = payload_document()
    person = document["originator"]["originatorPersons"][0]["naturalPerson"]
    person["countryOfResidence"] = "UK"
    # Kept at a time when the standard, or our reading of it, was laxer.
    travel = store.add_payload(16, canonical(document))
    venue = venue_now()
    wid = request(venue, travel=travel)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert reasons(store, wid, Check.TRAVEL_RULE)[-1] == "EU-TR-2024/ivms101/C3"


def test_no_personal_data_is_in_a_decision(store, pack):
    venue = venue_now()
    travel = accept_payload(store, 16, payload_bytes(), TODAY)
    wid = request(venue, travel=travel)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    for check in Check:
        record = store.decision(wid, check).record
        for word in (b"Barnes", b"Robert", b"Smith", b"1990-01-01", b"Lisbon"):
            assert word not in record


# --- which withdrawals ------------------------------------------------------------------------


def test_only_certified_withdrawals_are_decided(store, pack):
    venue = venue_now()
    first, second = request(venue), request(venue)
    desk = WithdrawalDesk(rulebook(pack), store, venue, venue)
    decided = asyncio.run(desk.decide_all(venue, certified_seq=first))
    assert {d.decision.withdrawal_id for d in decided} == {first}
    assert store.decision(second, Check.SCREENING) is None


@pytest.mark.parametrize("required", [0, Check.SCREENING, Check.TRAVEL_RULE])
def test_only_the_checks_that_the_asset_asks_for_are_made(store, pack, required):
    venue = venue_now(required)
    wid = request(venue)
    decided = decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert [d.decision.check for d in decided] == [c for c in Check if c & required]
    assert (wid in venue.pending_withdrawals()) == (required != Check.TRAVEL_RULE)


def test_decided_withdrawals_are_left_alone(store, pack):
    venue = venue_now()
    request(venue)
    desk = WithdrawalDesk(rulebook(pack), store, venue, venue)
    assert decide(desk, venue)
    length = venue.certified_seq()
    assert decide(desk, venue) == ()
    assert venue.certified_seq() == length


# --- crashes ----------------------------------------------------------------------------------


class Dies:
    """A sequencer that dies before or after its n-th command."""

    def __init__(self, venue: NaiveVenue, at: int, *, after: bool) -> None:
        self.venue, self.left, self.after = venue, at, after

    async def submit(self, command: bytes):
        self.left -= 1
        if self.left < 0 and not self.after:
            raise ConnectionError
        ack = await self.venue.submit(command)
        if self.left < 0:
            raise ConnectionError
        return ack


@pytest.mark.parametrize("at", [0, 1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_send_ends_in_the_same_decisions(tmp_path, pack, at, after):
    def life(venue: NaiveVenue, submits, url: str) -> None:
        store = open_store(url)
        desk = WithdrawalDesk(rulebook(pack), store, venue, submits)
        try:
            asyncio.run(desk.decide_all(venue, venue.certified_seq()))
        finally:
            store.close()

    url = f"sqlite:///{tmp_path}/c.db"
    store = open_store(url)
    travel = accept_payload(store, 16, payload_bytes(), TODAY)
    store.close()
    venue = venue_now()
    clean, bad = request(venue, travel=travel), request(venue, PAYEE)
    with pytest.raises(ConnectionError):
        life(venue, Dies(venue, at, after=after), url)
    life(venue, venue, url)
    assert venue.withdrawals[clean].status == WithdrawalStatus.CLEARED
    assert venue.withdrawals[bad].status == WithdrawalStatus.DENIED
    sent = [c for c in venue.commands if c[8] == CommandKind.DECIDE_WITHDRAWAL]
    by_target: dict[tuple[int, int], set[bytes]] = {}
    for raw in sent:
        row = np.frombuffer(raw, DECISION)[0]
        key = (int(row["withdrawal_id"]), int(row["check"]))
        by_target.setdefault(key, set()).add(raw[8:])
    assert all(len(bodies) == 1 for bodies in by_target.values()), "re-sent bytes differ"


def test_a_new_list_does_not_change_a_decision_that_was_made(store, pack):
    venue = venue_now()
    wid = request(venue, PAYEE)
    empty = SanctionsIndex([make_list("OFAC-SDN", [], None)])
    with pytest.raises(ConnectionError):
        decide(
            WithdrawalDesk(
                rulebook(pack, sanctions=empty), store, venue, Dies(venue, 0, after=False)
            ),
            venue,
        )
    made = store.decision(wid, Check.SCREENING)
    decide(WithdrawalDesk(rulebook(pack), store, venue, venue), venue)
    assert store.decision(wid, Check.SCREENING) == made
    assert made.verdict is Verdict.APPROVE


def test_judging_again_gives_the_kept_bytes(store, pack):
    venue = venue_now()
    wid = request(venue)
    withdrawal = venue.withdrawal(wid)
    desk = WithdrawalDesk(rulebook(pack), store, venue, venue)
    decide(desk, venue)
    for check in Check:
        again = canonical(desk.judge(withdrawal, check).document(wid))
        assert again == store.decision(wid, check).record


def test_a_refusal_that_a_rerun_cannot_explain_is_an_error(store, pack):
    venue = venue_now()
    wid = request(venue)
    withdrawal = venue.withdrawals.pop(wid)
    desk = WithdrawalDesk(rulebook(pack), store, venue, venue)
    with pytest.raises(DecisionRejected) as caught:
        asyncio.run(desk.decide(withdrawal))
    assert caught.value.reject == Reject.UNKNOWN_WITHDRAWAL.name


def test_a_decision_command_is_128_bytes_of_its_layout(store, pack):
    venue = venue_now()
    wid = request(venue)
    desk = WithdrawalDesk(rulebook(pack), store, venue, venue)
    decide(desk, venue)
    raw = decision_command(store.decision(wid, Check.SCREENING))
    assert len(raw) == 128
    assert np.frombuffer(raw, DECISION)[0]["kind"] == CommandKind.DECIDE_WITHDRAWAL


# --- values and days --------------------------------------------------------------------------


@given(st.integers(0, 2**62), st.integers(1, 2**40), st.integers(1, 2**40))
def test_values_round_up_exactly(amount, num, den):
    table = PriceTable({("A", "EUR"): Price(num, den, 2, "s")})
    value = table.value("A", amount, "EUR", 2).value_minor
    assert (value - 1) * den < amount * num <= value * den
    assert value == div_ceil(amount * num, den)


def test_a_price_in_other_units_is_no_price():
    table = PriceTable({("A", "EUR"): Price(1, 1, 2, "s")})
    assert table.value("A", 1, "EUR", 0) is None
    assert table.value("A", 1, "USD", 2) is None
    assert table.value("B", 1, "EUR", 2) is None


@given(st.integers(0, 2**62))
def test_a_day_is_the_utc_day_of_its_nanosecond(time_ns):
    assert (utc_date(time_ns) - date(1970, 1, 1)).days == time_ns // DAY_NS
