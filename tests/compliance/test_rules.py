"""docs/spec/rule-packs.md: what a pack proves, and what its evaluator decides."""

import contextlib
import json
from dataclasses import replace
from datetime import date
from importlib.resources import files

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.canonical import canonical
from compliance.errors import (
    ComplianceError,
    JurisdictionMissing,
    PackContradiction,
    PackExampleFails,
    PackGap,
    PackMalformed,
)
from compliance.rules.evaluator import PartyFacts, ScreeningFacts, TravelFacts, evaluate
from compliance.rules.loader import DEFAULT_PACK, load_pack, load_pack_file
from compliance.rules.model import Field, PartyKind
from ledger.records.codes import Check, Verdict

TODAY = date(2026, 11, 20)
FULL = PartyFacts(PartyKind.NATURAL, frozenset(Field))

SCREENING = ScreeningFacts(
    jurisdiction="EU",
    on_date=TODAY,
    asset="BTC",
    address="0x" + "11" * 20,
    lists=("OFAC-SDN",),
    list_version="v",
    hits=(),
)
TRAVEL = TravelFacts(
    jurisdiction="US",
    on_date=TODAY,
    asset="BTC",
    amount_minor=1,
    value_minor=300_000,
    value_currency="USD",
    value_source="table",
    payload="matched",
    violations=(),
    originator=FULL,
    beneficiary=FULL,
)


def shipped() -> dict:
    return json.loads(files("compliance.packs").joinpath(DEFAULT_PACK).read_bytes())


def load(document: dict):
    return load_pack(json.dumps(document).encode(), "test")


def row_of(document: dict, jurisdiction: str) -> dict:
    return next(r for r in document["travel_rule"] if r["jurisdiction"] == jurisdiction)


# --- the pack ---------------------------------------------------------------------------------


def test_the_shipped_pack_proves_itself_and_covers_both_checks_everywhere(pack):
    travel = {row.jurisdiction for row in pack.body.travel_rule}
    screening = {row.jurisdiction for row in pack.body.screening}
    assert travel == screening == {"EU", "US", "GB", "CH", "SG", "KR", "HK", "CA", "AE"}
    assert all(row.cite.law and row.cite.source for row in pack.body.travel_rule)


def test_the_hash_is_over_canonical_bytes_not_over_layout(pack):
    assert load_pack(canonical(shipped())).hash == pack.hash
    changed = shipped()
    changed["notice"] += "."
    assert load(changed).hash != pack.hash


def test_a_pack_is_read_from_a_file(tmp_path, pack):
    path = tmp_path / "pack.json"
    path.write_text(json.dumps(shipped()))
    assert load_pack_file(path).hash == pack.hash


def test_the_shipped_pack_agrees_with_the_published_thresholds(shared_data, pack):
    table = json.loads((shared_data / "travel-rule" / "travel_rule_table.json").read_bytes())
    published = {row["j"]: row for row in table["rows"]}
    for jurisdiction in ("EU", "US", "SG", "CH", "HK", "CA", "AE", "KR"):
        row = pack.travel_row(jurisdiction, TODAY)
        source = published[jurisdiction]
        assert row.currency == source["ccy"]
        unit = 10**row.decimals
        amounts = {tier["amt"] * unit for tier in source["tiers"]} - {0}
        # "> 1500" starts one minor unit above what ">= 1500" starts at.
        starts = {tier.from_minor - tier.from_minor % 10 for tier in row.tiers} - {0}
        assert starts == amounts, jurisdiction


@pytest.mark.parametrize(
    "break_it",
    [
        lambda d: d.update(extra=1),
        lambda d: d.pop("notice"),
        lambda d: d.update(format=2),
        lambda d: d.update(format="1"),
        lambda d: d["travel_rule"][0].update(decimals=9),
        lambda d: d["travel_rule"][0].update(currency="EURO"),
        lambda d: d["travel_rule"][0].update(effective_from="30.12.2024"),
        lambda d: d["travel_rule"][0].update(effective_until="2024-12-30"),
        lambda d: d["travel_rule"][0]["cite"].update(confidence="certain"),
        lambda d: d["travel_rule"][0]["cite"].update(law=""),
        lambda d: d["travel_rule"][0]["tiers"][0].update(from_minor=True),
        lambda d: d["travel_rule"][0]["tiers"][0]["originator"][0].update(any_of=[["nmae"]]),
        lambda d: d["travel_rule"][0]["tiers"][0]["originator"][0].update(any_of=[]),
        lambda d: d["travel_rule"][0]["tiers"][0]["originator"][0].update(any_of=[[]]),
        lambda d: d["travel_rule"][1]["tiers"][0].update(until_minor=0),
        lambda d: d["screening"][0].update(lists=[]),
        lambda d: d["screening"][0].update(rule=""),
    ],
)
def test_a_pack_of_another_shape_is_refused(break_it):
    document = shipped()
    break_it(document)
    with pytest.raises(PackMalformed):
        load(document)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format":1.0}', b"\xff", b"{" * 100])
def test_bytes_that_are_no_pack_are_refused(data):
    with pytest.raises(PackMalformed):
        load_pack(data)


@given(st.data())
def test_any_change_of_one_value_is_a_pack_or_a_typed_error(data):
    """Deletes, empties or retypes one member anywhere; nothing but typed errors may come out."""
    document = shipped()
    node, path = document, []
    while isinstance(node, dict | list) and node:
        keys = sorted(node) if isinstance(node, dict) else range(len(node))
        path.append((node, data.draw(st.sampled_from(list(keys)))))
        node = node[path[-1][1]]
        if data.draw(st.booleans()):
            break
    parent, key = path[-1]
    parent[key] = data.draw(st.sampled_from([None, "", 0, -1, 2**60, [], {}, "x", True, ["x"]]))
    with contextlib.suppress(ComplianceError):
        load(document)


def test_two_rows_for_one_day_contradict():
    document = shipped()
    document["travel_rule"].append({**row_of(document, "EU"), "rule": "EU-TR-OTHER"})
    with pytest.raises(PackContradiction) as caught:
        load(document)
    assert {caught.value.rule, caught.value.other} == {"EU-TR-2024", "EU-TR-OTHER"}


def test_one_id_for_two_rows_contradicts():
    document = shipped()
    document["screening"][0]["rule"] = document["travel_rule"][0]["rule"]
    with pytest.raises(PackContradiction):
        load(document)


def test_rows_that_follow_each_other_do_not_contradict(pack):
    assert pack.travel_row("GB", date(2026, 6, 29)).rule == "GB-TR-2023"
    assert pack.travel_row("GB", date(2026, 6, 30)).rule == "GB-TR-2026"


def test_overlapping_tiers_contradict():
    document = shipped()
    row_of(document, "US")["tiers"][1]["from_minor"] -= 1
    with pytest.raises(PackContradiction):
        load(document)


def test_a_tier_after_the_open_one_contradicts():
    document = shipped()
    tiers = row_of(document, "US")["tiers"]
    tiers[0]["until_minor"] = None
    with pytest.raises(PackContradiction):
        load(document)


@pytest.mark.parametrize("tiers", [[], "first", "last"])
def test_amounts_without_a_tier_are_a_gap(tiers):
    document = shipped()
    row = row_of(document, "US")
    match tiers:
        case "first":
            row["tiers"][1]["from_minor"] += 1
        case "last":
            row["tiers"][1]["until_minor"] = 10**9
        case _:
            row["tiers"] = []
    with pytest.raises(PackGap) as caught:
        load(document)
    assert caught.value.rule == "US-TR-1996"


def test_a_pack_that_breaks_its_own_example_is_refused():
    document = shipped()
    row_of(document, "US")["tiers"][0]["until_minor"] -= 1
    row_of(document, "US")["tiers"][1]["from_minor"] -= 1
    with pytest.raises(PackExampleFails) as caught:
        load(document)
    assert caught.value.example == "US: 2,999.99 USD needs nothing"


def test_an_example_of_an_unknown_jurisdiction_is_refused():
    document = shipped()
    document["examples"][0]["jurisdiction"] = "XX"
    with pytest.raises(JurisdictionMissing):
        load(document)


@pytest.mark.parametrize(("jurisdiction", "day"), [("JP", TODAY), ("EU", date(2024, 12, 29))])
def test_a_jurisdiction_or_day_without_a_row_is_named(pack, jurisdiction, day):
    with pytest.raises(JurisdictionMissing) as caught:
        pack.travel_row(jurisdiction, day)
    assert (caught.value.jurisdiction, caught.value.on_date) == (jurisdiction, str(day))


def test_screening_without_a_row_is_named(pack):
    with pytest.raises(JurisdictionMissing):
        pack.screening_row("JP", TODAY)


# --- screening --------------------------------------------------------------------------------


def test_an_unlisted_payee_is_approved_by_the_row(pack):
    decision = evaluate(pack, SCREENING)
    assert (decision.verdict, decision.rules_fired) == (Verdict.APPROVE, ("EU-SCR-2018",))
    assert (decision.check, decision.pack_hash) == (Check.SCREENING, pack.hash)


@pytest.mark.parametrize(
    ("change", "fired"),
    [
        ({"hits": ("OFAC-SDN:ETH",)}, "EU-SCR-2018/hit/OFAC-SDN:ETH"),
        ({"lists": ()}, "EU-SCR-2018/list-missing/OFAC-SDN"),
        ({"lists": ("UN",)}, "EU-SCR-2018/list-missing/OFAC-SDN"),
        ({"jurisdiction": "JP"}, "screening/no-row"),
        ({"on_date": date(2018, 11, 27)}, "screening/no-row"),
    ],
)
def test_screening_denies_on_a_hit_and_on_every_doubt(pack, change, fired):
    decision = evaluate(pack, replace(SCREENING, **change))
    assert decision.verdict is Verdict.DENY
    assert decision.rules_fired[-1] == fired


# --- travel rule ------------------------------------------------------------------------------


def test_below_the_threshold_nothing_travels(pack):
    facts = replace(
        TRAVEL, value_minor=299_999, payload="absent", originator=None, beneficiary=None
    )
    decision = evaluate(pack, facts)
    assert (decision.verdict, decision.rules_fired) == (Verdict.APPROVE, ("US-TR-1996/tier-0",))


def test_at_the_threshold_a_payload_must_travel(pack):
    decision = evaluate(pack, replace(TRAVEL, payload="absent", originator=None, beneficiary=None))
    assert decision.verdict is Verdict.DENY
    assert decision.rules_fired == ("US-TR-1996/tier-1", "US-TR-1996/payload-absent")
    assert evaluate(pack, TRAVEL).verdict is Verdict.APPROVE


def test_without_a_price_the_highest_tier_holds(pack):
    facts = replace(TRAVEL, value_minor=None, payload="unmatched", originator=None)
    decision = evaluate(pack, facts)
    assert decision.rules_fired == ("US-TR-1996/tier-1", "US-TR-1996/payload-unmatched")


def test_a_broken_constraint_denies_by_its_clause(pack):
    decision = evaluate(pack, replace(TRAVEL, violations=("C11", "C8")))
    assert decision.verdict is Verdict.DENY
    assert decision.rules_fired[1:] == ("US-TR-1996/ivms101/C11", "US-TR-1996/ivms101/C8")


def test_each_missing_clause_is_named(pack):
    bare = PartyFacts(PartyKind.NATURAL, frozenset({Field.NAME}))
    decision = evaluate(pack, replace(TRAVEL, originator=bare, beneficiary=bare))
    assert decision.rules_fired == (
        "US-TR-1996/tier-1",
        "US-TR-1996/tier-1/originator-1",
        "US-TR-1996/tier-1/originator-2",
        "US-TR-1996/tier-1/beneficiary-0",
    )


def test_a_jurisdiction_without_a_row_denies(pack):
    decision = evaluate(pack, replace(TRAVEL, jurisdiction="JP", value_currency=""))
    assert (decision.verdict, decision.rules_fired) == (Verdict.DENY, ("travel-rule/no-row",))


def test_a_clause_for_legal_persons_leaves_natural_ones_alone():
    document = shipped()
    tier = row_of(document, "US")["tiers"][1]
    tier["originator"].append({"any_of": [["lei"]], "when": "legal"})
    document["examples"] = []
    pack = load(document)
    without = Field.LEI
    natural = PartyFacts(PartyKind.NATURAL, frozenset(Field) - {without})
    legal = PartyFacts(PartyKind.LEGAL, frozenset(Field) - {without})
    assert evaluate(pack, replace(TRAVEL, originator=natural)).verdict is Verdict.APPROVE
    assert evaluate(pack, replace(TRAVEL, originator=legal)).verdict is Verdict.DENY


@given(
    st.integers(0, 2**53 - 1) | st.integers(299_000, 301_000),
    st.frozensets(st.sampled_from(list(Field))),
    st.frozensets(st.sampled_from(list(Field))),
)
def test_the_us_row_equals_a_plain_reading_of_it(pack, value_minor, originator, beneficiary):
    facts = replace(
        TRAVEL,
        value_minor=value_minor,
        originator=PartyFacts(PartyKind.NATURAL, originator),
        beneficiary=PartyFacts(PartyKind.NATURAL, beneficiary),
    )
    enough = {"name", "account", "address"} <= originator and "payee_address" in beneficiary
    expected = Verdict.APPROVE if value_minor < 300_000 or enough else Verdict.DENY
    assert evaluate(pack, facts).verdict is expected


@given(st.frozensets(st.sampled_from(list(Field))), st.sampled_from(list(Field)))
def test_more_data_never_turns_an_approval_into_a_denial(pack, fields, extra):
    less = replace(TRAVEL, originator=PartyFacts(PartyKind.NATURAL, fields))
    more = replace(TRAVEL, originator=PartyFacts(PartyKind.NATURAL, fields | {extra}))
    assert evaluate(pack, more).verdict >= evaluate(pack, less).verdict


def test_a_decision_is_the_same_bytes_each_time_it_is_made(pack):
    first, second = (canonical(evaluate(pack, TRAVEL).document(7)) for _ in range(2))
    assert first == second
    document = json.loads(first)
    assert document["withdrawal_id"] == 7
    assert document["pack"] == {"hash": pack.hash.hex(), "name": "withdrawals@2026-11-20"}
    assert document["readings"]["value_minor"] == "300000"
    assert document["readings"]["originator_fields"].split() == sorted(Field)


def test_packs_cannot_be_changed_after_they_were_proven(pack):
    with pytest.raises(AttributeError):
        pack.hash = b""
    assert msgspec.structs.replace(pack, hash=b"x").hash == b"x"
