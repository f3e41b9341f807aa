"""The shipped pack read aloud: what must travel on either side of each threshold.

Written from the law's words, not from the pack: a slip in the pack fails here by its line.
"""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.rules.evaluator import PartyFacts, evaluate
from compliance.rules.model import Field, PartyKind
from ledger.records.codes import Verdict
from tests.compliance.test_rules import SCREENING, TRAVEL

TODAY = date(2026, 11, 20)
NAMED = {Field.NAME, Field.ACCOUNT}
BORN = {Field.BIRTH_DATE, Field.BIRTH_PLACE}
PAID = {Field.NAME, Field.ACCOUNT, Field.PAYEE_ADDRESS}

# jurisdiction, day, currency, value_minor, originator has, beneficiary has, verdict
TABLE = [
    # EU 2023/1113: from the first cent; one of four ways to tell who it is.
    ("EU", TODAY, "EUR", 0, None, None, "DENY"),
    ("EU", TODAY, "EUR", 1, NAMED, PAID, "DENY"),
    ("EU", TODAY, "EUR", 1, NAMED | {Field.CUSTOMER_ID}, PAID, "APPROVE"),
    ("EU", TODAY, "EUR", 1, NAMED | {Field.NATIONAL_ID}, PAID, "APPROVE"),
    ("EU", TODAY, "EUR", 1, NAMED | {Field.ADDRESS, Field.COUNTRY}, PAID, "APPROVE"),
    ("EU", TODAY, "EUR", 1, NAMED | {Field.ADDRESS}, PAID, "DENY"),
    ("EU", TODAY, "EUR", 1, NAMED | BORN, PAID, "APPROVE"),
    ("EU", TODAY, "EUR", 1, NAMED | {Field.BIRTH_DATE}, PAID, "DENY"),
    ("EU", TODAY, "EUR", 1, NAMED | BORN, {Field.NAME}, "DENY"),
    ("EU", TODAY, "EUR", 1, NAMED | BORN, {Field.PAYEE_ADDRESS}, "DENY"),
    ("EU", TODAY, "EUR", 1, {Field.NAME} | BORN, PAID, "DENY"),
    ("EU", date(2024, 12, 30), "EUR", 1, NAMED | BORN, PAID, "APPROVE"),
    # US 31 CFR 1010.410: from 3,000.00 USD name, account and address.
    ("US", TODAY, "USD", 299_999, None, None, "APPROVE"),
    ("US", TODAY, "USD", 300_000, None, None, "DENY"),
    ("US", TODAY, "USD", 300_000, NAMED | BORN, PAID, "DENY"),
    ("US", TODAY, "USD", 300_000, NAMED | {Field.ADDRESS}, PAID, "APPROVE"),
    ("US", TODAY, "USD", 300_000, NAMED | {Field.ADDRESS}, {Field.PAYEE_ADDRESS}, "APPROVE"),
    # GB Part 7A: names and accounts below 1,000.00 EUR, one way to tell who it is from there.
    ("GB", date(2025, 6, 1), "EUR", 99_999, NAMED, PAID, "APPROVE"),
    ("GB", date(2025, 6, 1), "EUR", 99_999, None, None, "DENY"),
    ("GB", date(2025, 6, 1), "EUR", 100_000, NAMED, PAID, "DENY"),
    ("GB", date(2025, 6, 1), "EUR", 100_000, NAMED | {Field.ADDRESS}, PAID, "APPROVE"),
    ("GB", date(2026, 6, 29), "EUR", 99_999, NAMED, PAID, "APPROVE"),
    ("GB", TODAY, "GBP", 1, NAMED, PAID, "DENY"),
    ("GB", TODAY, "GBP", 1, NAMED | BORN, PAID, "APPROVE"),
    # SG PSN02: above 1,500.00 SGD.
    ("SG", TODAY, "SGD", 150_000, NAMED, PAID, "APPROVE"),
    ("SG", TODAY, "SGD", 150_001, NAMED, PAID, "DENY"),
    ("SG", TODAY, "SGD", 150_001, NAMED | {Field.CUSTOMER_ID}, PAID, "DENY"),
    ("SG", TODAY, "SGD", 150_001, NAMED | {Field.NATIONAL_ID}, PAID, "APPROVE"),
    # CH FINMA 02/2019: from the first rappen, with the address.
    ("CH", TODAY, "CHF", 1, NAMED | BORN, PAID, "DENY"),
    ("CH", TODAY, "CHF", 1, NAMED | {Field.ADDRESS}, PAID, "APPROVE"),
    # KR: from 1,000,000 won; the won has no minor unit.
    ("KR", TODAY, "KRW", 999_999, None, None, "APPROVE"),
    ("KR", TODAY, "KRW", 1_000_000, None, None, "DENY"),
    ("KR", TODAY, "KRW", 1_000_000, NAMED, PAID, "APPROVE"),
    # HK: from 8,000.00 HKD.
    ("HK", TODAY, "HKD", 799_999, NAMED, PAID, "APPROVE"),
    ("HK", TODAY, "HKD", 799_999, None, None, "DENY"),
    ("HK", TODAY, "HKD", 800_000, NAMED, PAID, "DENY"),
    ("HK", TODAY, "HKD", 800_000, NAMED | BORN, PAID, "APPROVE"),
    # CA: from 1,000.00 CAD, both addresses.
    ("CA", TODAY, "CAD", 99_999, None, None, "APPROVE"),
    ("CA", TODAY, "CAD", 100_000, NAMED | {Field.ADDRESS}, PAID, "DENY"),
    ("CA", TODAY, "CAD", 100_000, NAMED | {Field.ADDRESS}, PAID | {Field.ADDRESS}, "APPROVE"),
    # AE: from 3,500.00 AED.
    ("AE", TODAY, "AED", 349_999, None, None, "APPROVE"),
    ("AE", TODAY, "AED", 350_000, NAMED, PAID, "DENY"),
    ("AE", TODAY, "AED", 350_000, NAMED | {Field.ADDRESS}, PAID, "APPROVE"),
]


def party(fields) -> PartyFacts | None:
    return None if fields is None else PartyFacts(PartyKind.NATURAL, frozenset(fields))


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line[0]}-{line[1]}-{line[3]}")
def test_the_pack_says_what_the_law_says(pack, line):
    jurisdiction, day, currency, value, originator, beneficiary, verdict = line
    facts = replace(
        TRAVEL,
        jurisdiction=jurisdiction,
        on_date=day,
        value_minor=value,
        value_currency=currency,
        payload="absent" if originator is None else "matched",
        originator=party(originator),
        beneficiary=party(beneficiary),
    )
    decision = evaluate(pack, facts)
    assert decision.verdict.name == verdict, decision.rules_fired


def test_the_table_visits_every_row_and_every_tier(pack):
    seen = set()
    for jurisdiction, day, _, value, *_ in TABLE:
        row = pack.travel_row(jurisdiction, day)
        for index, tier in enumerate(row.tiers):
            if tier.from_minor <= value and (tier.until_minor is None or value < tier.until_minor):
                seen.add((row.rule, index))
    expected = {
        (row.rule, index) for row in pack.body.travel_rule for index in range(len(row.tiers))
    }
    assert seen == expected


@pytest.mark.parametrize("jurisdiction", ["EU", "US", "GB", "SG", "CH", "KR", "HK", "CA", "AE"])
def test_a_hit_denies_everywhere_and_no_hit_approves(pack, jurisdiction):
    facts = replace(SCREENING, jurisdiction=jurisdiction)
    assert evaluate(pack, facts).verdict is Verdict.APPROVE
    assert evaluate(pack, replace(facts, hits=("OFAC-SDN:ETH",))).verdict is Verdict.DENY
    assert evaluate(pack, replace(facts, lists=())).verdict is Verdict.DENY


@given(st.data())
def test_a_higher_value_never_needs_less(pack, data):
    """Every tier asks at least for what the one below asks for."""
    row = data.draw(st.sampled_from(pack.body.travel_rule))
    low, high = sorted(data.draw(st.tuples(*[st.integers(0, 2_000_000)] * 2)))
    fields = data.draw(st.frozensets(st.sampled_from(list(Field))))
    facts = replace(
        TRAVEL,
        jurisdiction=row.jurisdiction,
        on_date=row.effective_from,
        value_currency=row.currency,
        originator=PartyFacts(PartyKind.NATURAL, fields),
    )
    below = evaluate(pack, replace(facts, value_minor=low)).verdict
    above = evaluate(pack, replace(facts, value_minor=high)).verdict
    unpriced = evaluate(pack, replace(facts, value_minor=None)).verdict
    assert unpriced <= above <= below
