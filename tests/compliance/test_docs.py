"""The worked examples of docs/spec are what the code does."""

import re
from datetime import date
from pathlib import Path

import pytest

from compliance import errors
from compliance.canonical import canonical
from compliance.commitment import DECISION_DOMAIN, commit, decision_salt
from compliance.rules.evaluator import evaluate
from compliance.rules.model import Field
from compliance.screening.index import SanctionsIndex, Subject
from compliance.screening.lists import sample_list
from compliance.travelrule.validator import Clause

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"
PAGES = {name: (SPEC / name).read_text() for name in
         ("compliance.md", "rule-packs.md", "reports.md")}  # fmt: skip


def block(page: str) -> str:
    found = re.search(r"```json\n(.*?)\n```", PAGES[page], re.DOTALL)
    assert found
    return found[1]


def test_the_decision_of_the_page_is_the_decision_of_the_code(pack):
    address = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96"
    subject = Subject("EU", date(2026, 11, 20), "BTC", address)
    decision = evaluate(pack, SanctionsIndex([sample_list()]).facts(subject))
    record = canonical(decision.document(4711))
    salt = decision_salt(bytes(range(32)), 4711, 1)
    assert block("compliance.md").encode() == record
    assert f"`{salt.hex()}`" in PAGES["compliance.md"]
    assert f"`{commit(DECISION_DOMAIN, salt, record).hex()}`" in PAGES["compliance.md"]


def test_the_record_of_the_page_is_the_first_of_the_golden_report():
    golden = (Path(__file__).parent / "golden" / "orderbook-records-day.json").read_text()
    assert golden.split("\n")[1] == block("reports.md") + ","


@pytest.mark.parametrize("clause", list(Clause))
def test_every_clause_is_on_the_page(clause):
    assert re.search(rf"\b{clause.value}\b", PAGES["compliance.md"])


@pytest.mark.parametrize("field", list(Field))
def test_every_field_of_a_clause_is_on_the_page(field):
    assert f"`{field.value}`" in PAGES["rule-packs.md"]


def test_errors_are_leaves_of_one_base_with_a_sentence_each():
    leaves = [item for item in vars(errors).values()
              if isinstance(item, type) and issubclass(item, errors.ComplianceError)]  # fmt: skip
    assert len(leaves) > 20
    for leaf in leaves:
        assert leaf.__doc__, leaf
        assert leaf is errors.ComplianceError or leaf.__bases__ == (errors.ComplianceError,)


def test_an_error_shows_its_facts():
    error = errors.TradeUnknown(instrument=1, trade_id=2)
    assert str(error) == "TradeUnknown(instrument=1, trade_id=2)"
