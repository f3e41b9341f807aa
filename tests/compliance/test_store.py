"""The store: sealed payloads, final decisions, reports; what a crash or a thief leaves."""

import sqlite3

import pytest

from compliance.commitment import DECISION_DOMAIN, TRAVEL_DOMAIN, commit, decision_salt
from compliance.errors import PayloadCorrupt, StoreForeign, SubjectKeyDestroyed
from compliance.store import StoredDecision, StoredReport, open_store
from ledger.records.codes import Check, Verdict
from tests.compliance.conftest import Counter

SECRET = b'{"name":"Robert Barnes"}'


def decision_of(store, record: bytes, verdict: Verdict = Verdict.APPROVE) -> StoredDecision:
    salt = store.salt(7, Check.SCREENING)
    return StoredDecision(
        withdrawal_id=7,
        check=Check.SCREENING,
        verdict=verdict,
        digest=commit(DECISION_DOMAIN, salt, record),
        pack_hash=bytes(32),
        record=record,
        salt=salt,
    )


def report_of(report_id: int) -> StoredReport:
    return StoredReport(
        report_id=report_id,
        kind=1,
        from_seq=1,
        to_seq=report_id - 1,
        digest=bytes([report_id]) * 32,
        pack_hash=bytes(32),
        generator="g/1",
        records=2**40,
        size=2**41,
        path="p",
    )


def test_a_commitment_is_sha256_of_domain_salt_and_bytes():
    """The published worked example of docs/spec/compliance.md."""
    salt = bytes(range(32))
    assert commit(TRAVEL_DOMAIN, salt, b"{}").hex() == (
        "0c5803dbf3f20517f8bce3b3b813a0a507d7c4e3c4c293260d4e5b60a5a412d1"
    )


def test_domains_separate_equal_documents():
    salt = bytes(32)
    assert commit(TRAVEL_DOMAIN, salt, b"{}") != commit(DECISION_DOMAIN, salt, b"{}")


def test_a_decision_salt_depends_on_key_withdrawal_and_check():
    key = bytes(32)
    salts = {
        decision_salt(key, 1, 1),
        decision_salt(key, 1, 2),
        decision_salt(key, 2, 1),
        decision_salt(b"k" * 32, 1, 1),
    }
    assert len(salts) == 4
    assert decision_salt(key, 1, 1) in salts


def test_a_sealed_payload_shows_nothing_in_the_file_and_opens_again(tmp_path):
    url = f"sqlite:///{tmp_path}/c.db"
    store = open_store(url, Counter())
    commitment = store.add_payload(16, SECRET)
    store.close()
    assert b"Barnes" not in (tmp_path / "c.db").read_bytes()
    again = open_store(url)
    assert again.payload(commitment).canonical == SECRET
    assert again.payload(bytes(32)) is None
    again.close()


def test_a_destroyed_key_closes_old_payloads_and_new_ones(store):
    commitment = store.add_payload(16, SECRET)
    other = store.add_payload(17, SECRET)
    store.shred(16)
    store.shred(16)
    with pytest.raises(SubjectKeyDestroyed) as caught:
        store.payload(commitment)
    assert caught.value.account == 16
    with pytest.raises(SubjectKeyDestroyed):
        store.add_payload(16, SECRET)
    assert store.payload(other).canonical == SECRET


def test_a_subject_can_be_erased_before_anything_was_kept(store):
    store.shred(99)
    with pytest.raises(SubjectKeyDestroyed):
        store.add_payload(99, SECRET)


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE compliance_payload SET sealed = zeroblob(length(sealed))",
        "UPDATE compliance_payload SET sealed = substr(sealed, 1, length(sealed) - 1)",
        "UPDATE compliance_payload SET sealed = x''",
        "UPDATE compliance_payload SET commitment = zeroblob(32)",
        "UPDATE compliance_subject SET key = zeroblob(32)",
    ],
)
def test_a_changed_row_is_noticed(tmp_path, tamper):
    path = tmp_path / "c.db"
    store = open_store(f"sqlite:///{path}", Counter())
    commitment = store.add_payload(16, SECRET)
    store.close()
    with sqlite3.connect(path) as raw:
        raw.execute(tamper)
    raw.close()
    again = open_store(f"sqlite:///{path}")
    asked = bytes(32) if "SET commitment" in tamper else commitment
    with pytest.raises(PayloadCorrupt) as caught:
        again.payload(asked)
    assert caught.value.commitment == asked
    again.close()


def test_the_first_decision_is_final(store):
    first = store.keep_decision(decision_of(store, b"{}"))
    second = store.keep_decision(decision_of(store, b"[]", Verdict.DENY))
    assert first == second == store.decision(7, Check.SCREENING)
    assert store.decision(7, Check.TRAVEL_RULE) is None
    assert store.decision(8, Check.SCREENING) is None


def test_salts_survive_a_restart_and_differ_between_stores(tmp_path):
    url = f"sqlite:///{tmp_path}/c.db"
    first = open_store(url)
    salt = first.salt(1, Check.SCREENING)
    first.close()
    again = open_store(url)
    assert again.salt(1, Check.SCREENING) == salt
    again.close()
    other = open_store()
    assert other.salt(1, Check.SCREENING) != salt
    other.close()


def test_reports_are_kept_once_and_listed_by_id(store):
    for report_id in (5, 9, 7, 5):
        store.keep_report(report_of(report_id))
    assert store.report(7) == report_of(7)
    assert store.report(8) is None
    assert store.report_by_digest(bytes([9]) * 32) == report_of(9)
    assert store.report_by_digest(bytes(32)) is None
    assert [r.report_id for r in store.reports()] == [5, 7, 9]
    assert [r.report_id for r in store.reports(after_id=5, limit=1)] == [7]


def test_a_store_of_another_version_is_refused(tmp_path):
    path = tmp_path / "c.db"
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE compliance_store SET version = 2")
    raw.close()
    with pytest.raises(StoreForeign) as caught:
        open_store(f"sqlite:///{path}")
    assert (caught.value.found, caught.value.supported) == (2, 1)
