"""Group files: quorums, what is refused, and one fingerprint for one identity."""

import itertools
import json

import msgspec
import pytest

from ledger.audit.errors import AuditError, GroupRefused, KeyRefused
from ledger.audit.group import MEMBERS_MAX, VENUE, decode_group, read_group
from tests.audit.ground import make_group


@pytest.mark.parametrize(
    ("size", "faults", "quorum"),
    [(1, 0, 1), (4, 1, 3), (5, 1, 4), (6, 1, 4), (7, 2, 5), (8, 2, 6), (10, 3, 7), (13, 4, 9)],
)
def test_quorums(size, faults, quorum):
    group = make_group(size)
    assert (group.faults, group.quorum) == (faults, quorum)


@pytest.mark.parametrize("size", range(4, 33))
def test_two_quorums_share_a_correct_member_and_correct_members_make_one(size):
    group = make_group(size)
    assert 2 * group.quorum - size >= group.faults + 1
    assert size - group.faults >= group.quorum


def test_two_f_plus_one_would_split_at_five():
    group = make_group(5)
    small = 2 * group.faults + 1
    camps = itertools.combinations(range(5), small)
    assert any(len(set(a) & set(b)) <= group.faults for a, b in itertools.combinations(camps, 2))


def test_the_file_is_a_fixed_point(tmp_path):
    group = make_group(4)
    path = tmp_path / "group.json"
    path.write_bytes(group.encode())
    assert read_group(path) == group
    assert read_group(path).encode() == group.encode()
    assert group.name_of(2) == "r2"
    assert group.index_of("r2") == 2
    assert group.name_of(VENUE) == "venue"
    assert group.key_of(4) is None


def test_the_fingerprint_follows_identity_and_not_addresses():
    group = make_group(4)
    assert group.fingerprint == make_group(4, ports=(1, 2, 3, 4)).fingerprint
    assert group.fingerprint != make_group(4, epoch=1).fingerprint
    assert group.fingerprint != make_group(5).fingerprint


def edited(change):
    file = json.loads(make_group(4).encode())
    change(file)
    return json.dumps(file).encode()


def set_member(index, **fields):
    return lambda file: file["members"][index].update(fields)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.update(format="provenue-group/2"),
        lambda f: f.update(unknown=1),
        lambda f: f.pop("epoch"),
        lambda f: f.update(chain_id=-1),
        lambda f: f.update(chain_id=2**53),
        lambda f: f.update(epoch=1.5),
        lambda f: f.update(origin=""),
        lambda f: f.update(origin="with space"),
        lambda f: f.update(origin="a+b"),
        lambda f: f.update(origin="two\nlines"),
        lambda f: f["members"].pop(),
        lambda f: f.update(development=True),
        lambda f: f.update(members=f["members"][:1]),
        lambda f: f["venue"].update(name="r0"),
        lambda f: f["venue"].update(ed25519=f["members"][0]["ed25519"]),
        set_member(0, name="r1"),
        set_member(0, name="R0"),
        set_member(0, name=""),
        set_member(0, name="x" * 64),
        set_member(0, name="a+b"),
        set_member(0, ed25519="ab"),
        set_member(0, ed25519=make_group(4).members[1].ed25519),
        set_member(0, ed25519=make_group(4).members[0].ed25519.upper()),
        set_member(0, operator=make_group(4).members[1].operator),
        set_member(0, operator="0x00"),
        set_member(0, port=0),
        set_member(0, port=65536),
        set_member(0, host=""),
        set_member(0, extra=1),
    ],
)
def test_what_breaks_a_rule_is_refused(change):
    with pytest.raises(GroupRefused):
        decode_group(edited(change))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b"{}" + b" " * (1 << 20)])
def test_what_is_no_group_file_is_refused(text):
    with pytest.raises(GroupRefused):
        decode_group(text)


def test_small_order_keys_are_refused_by_name():
    with pytest.raises(KeyRefused) as caught:
        decode_group(edited(set_member(3, ed25519=bytes(32).hex())))
    assert caught.value.owner == "r3"


def test_more_members_than_the_bound_are_refused():
    assert make_group(MEMBERS_MAX).size == MEMBERS_MAX
    with pytest.raises(GroupRefused):
        make_group(MEMBERS_MAX + 1)


def test_one_member_needs_the_word_development():
    one = make_group(1)
    assert decode_group(one.encode()) == one
    plain = msgspec.json.decode(one.encode()) | {"development": False}
    with pytest.raises(GroupRefused, match="tolerates no fault"):
        decode_group(msgspec.json.encode(plain))


def test_absent_files_are_typed(tmp_path):
    with pytest.raises(GroupRefused):
        read_group(tmp_path / "none.json")
    with pytest.raises(AuditError):
        make_group(4).index_of("nobody")
