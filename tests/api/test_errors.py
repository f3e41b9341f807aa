"""The table of answers is complete, and docs/errors.md says the same."""

import inspect
import re

import pytest

from api.gate import errors, refusals
from api.gate.errors import (
    DIALECT,
    JOURNAL,
    PROBLEMS,
    REJECTS,
    REJECTS_BY_KIND,
    answer_dialect,
    row_of,
)
from api.gate.refusals import ApiError, CommandRejected
from compliance import errors as compliance
from ledger.journal.errors import JournalError
from ledger.journal.ports import Ack
from ledger.records.codes import CommandKind, OrderStatus, Reject
from ledger.records.layout import EVENT
from tests.conftest import ROOT

import numpy as np  # isort: skip

DOCS = (ROOT / "docs" / "errors.md").read_text()
ROWS = set(re.findall(r"^\| `(\w+)` \| (\d+) \| (-?\d+|none) \|", DOCS, re.MULTILINE))


def leaves(base: type[Exception]) -> set[type[Exception]]:
    below = set(base.__subclasses__())
    return below | {leaf for kind in below for leaf in leaves(kind)}


def test_every_leaf_of_the_gate_is_answered_or_ends_the_start():
    answered = DIALECT.keys() | PROBLEMS.keys() | {CommandRejected} | errors.AT_START
    assert leaves(ApiError) - answered == set()


def test_every_reject_of_the_engine_has_a_row():
    assert REJECTS.keys() == set(Reject) - {Reject.NONE}


def test_every_row_names_only_facts_that_its_leaf_has():
    for leaf, row in DIALECT.items():
        facts = set(inspect.signature(leaf).parameters)
        assert set(re.findall(r"{(\w+)}", row.msg)) <= facts, leaf


@pytest.mark.parametrize("leaf", [*DIALECT, *JOURNAL], ids=lambda leaf: leaf.__name__)
def test_every_dialect_leaf_is_documented_with_its_numbers(leaf):
    row = DIALECT.get(leaf) or JOURNAL[leaf]
    assert (leaf.__name__, str(row.status), str(row.code)) in ROWS
    assert row.msg in DOCS


@pytest.mark.parametrize("reject", REJECTS, ids=lambda reject: reject.name)
def test_every_reject_is_documented_with_its_numbers(reject):
    row = REJECTS[reject]
    assert (reject.name, str(row.status), str(row.code)) in ROWS
    assert row.msg in DOCS


@pytest.mark.parametrize("key", REJECTS_BY_KIND, ids=lambda key: f"{key[0].name}-{key[1].name}")
def test_every_special_answer_is_documented(key):
    row = REJECTS_BY_KIND[key]
    assert f"| `{key[1].name}` on `{key[0].name}` | {row.status} | {row.code} | {row.msg} |" in DOCS


@pytest.mark.parametrize("leaf", PROBLEMS, ids=lambda leaf: leaf.__name__)
def test_every_problem_is_documented_with_its_status(leaf):
    assert (leaf.__name__, str(PROBLEMS[leaf].status), "none") in ROWS
    assert PROBLEMS[leaf].title in DOCS


def test_nothing_is_documented_that_does_not_exist():
    known = {leaf.__name__ for leaf in (*DIALECT, *JOURNAL, *PROBLEMS)} | set(REJECTS)
    known = {name if isinstance(name, str) else name.name for name in known}
    assert {name for name, _, _ in ROWS} <= known


def ack(kind: CommandKind, reject: Reject) -> Ack:
    return Ack(1, 1, kind, reject, OrderStatus.NONE, 0, 0, 0, 0, 0, np.zeros(0, EVENT))


def test_a_reject_is_said_in_the_words_of_its_operation():
    short = Reject.INSUFFICIENT_BALANCE
    assert row_of(CommandRejected(ack(CommandKind.NEW_ORDER, short))).code == -2010
    assert row_of(CommandRejected(ack(CommandKind.REQUEST_WITHDRAWAL, short))).code == -4026


def test_what_a_client_sent_is_never_a_template():
    answer = answer_dialect(refusals.IllegalCharacters("{limit}", "{0}{__class__}"))
    assert b"'{limit}'; legal range is '{0}{__class__}'" in answer.body


def test_only_what_a_submission_raises_is_mapped_from_the_journal():
    assert set(JOURNAL) < leaves(JournalError)


def test_every_problem_of_compliance_is_one_that_its_desk_raises():
    of_compliance = {leaf for leaf in PROBLEMS if leaf.__module__ == compliance.__name__}
    assert of_compliance == {compliance.TradeUnknown, compliance.ReportUnknown}
