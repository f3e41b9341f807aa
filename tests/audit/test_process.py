"""Configuration files of a replica, and what its status says."""

import hashlib

import msgspec
import pytest

from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.core import Core
from ledger.audit.effects import Committed, Phase, Prepared, Proposal, Recovered, Submitted, Tip
from ledger.audit.errors import (
    AuditError,
    ConfigRefused,
    GroupRefused,
    KeyFileRefused,
)
from ledger.audit.keys import write_key_file
from ledger.audit.process import read_replica_config
from ledger.audit.status import (
    PeerReport,
    ReplicaStatus,
    decode_status,
    encode_status,
    peers_of,
    waiting_for,
)
from tests.audit.ground import author_of, make_group
from tests.audit.votes import (
    GROUP,
    ONE,
    commit,
    committing,
    computed,
    core_of,
    feed,
    pre_prepare,
    prepare,
    status,
    voted,
)

GOOD = 'group = "group.json"\nname = "r2"\nkey = "r2.key"\ndirectory = "data/r2"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "group.json").write_bytes(make_group(4).encode())
    for name in ("r1", "r2"):
        seed = hashlib.sha256(f"test key of {name}".encode()).digest()
        write_key_file(tmp_path / f"{name}.key", seed)
    return tmp_path


def config(folder, text):
    path = folder / "replica.toml"
    path.write_text(text)
    return read_replica_config(path)


def test_paths_are_relative_to_the_file_and_addresses_come_from_the_group(folder):
    found = config(folder, GOOD)
    assert found.directory == folder / "data/r2"
    assert (found.name, found.host, found.port) == ("r2", "127.0.0.1", 1002)
    assert found.key == author_of(make_group(4), 2).key
    assert found.group == make_group(4)


def test_a_replica_may_listen_elsewhere_than_others_find_it(folder):
    found = config(folder, GOOD + 'host = "0.0.0.0"\nport = 7000\n')
    assert (found.host, found.port) == ("0.0.0.0", 7000)
    assert found.group.members[2].port == 1002


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", ConfigRefused),
        ("group =", ConfigRefused),
        (GOOD + "unknown = 1\n", ConfigRefused),
        (GOOD + "port = 70000\n", ConfigRefused),
        (GOOD + 'port = "7000"\n', ConfigRefused),
        (GOOD.replace('"r2"', '"r9"'), ConfigRefused),
        (GOOD.replace("r2.key", "r1.key"), ConfigRefused),
        (GOOD.replace("r2.key", "r3.key"), KeyFileRefused),
        (GOOD.replace("group.json", "none.json"), GroupRefused),
        (GOOD.replace("group.json", "r1.key"), GroupRefused),
    ],
)
def test_what_is_wrong_with_a_configuration_is_typed(folder, text, error):
    with pytest.raises(error) as caught:
        config(folder, text)
    assert isinstance(caught.value, AuditError)
    assert str(caught.value) == repr(caught.value)


def test_an_absent_or_binary_configuration_is_typed(folder):
    with pytest.raises(ConfigRefused):
        read_replica_config(folder / "none.toml")
    (folder / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigRefused):
        read_replica_config(folder / "b.toml")


# Status.


def committing_alone():
    core = committing(1)
    feed(core, Committed(commit(ONE, 2)))
    return core


@pytest.mark.parametrize(
    ("core", "phase", "text"),
    [
        (core_of(1), Phase.WAITING, "block 1: a batch from venue"),
        (voted(1), Phase.VOTED, "block 1: 2 of 3 PREPARE, none from r2, r3"),
        (committing(1), Phase.COMMITTING, "block 1: 1 of 3 COMMIT, none from r0, r2, r3"),
        (committing_alone(), Phase.COMMITTING, "block 1: 2 of 3 COMMIT, none from r0, r3"),
    ],
)
def test_status_says_what_is_missing(core, phase, text):
    assert core.phase == phase
    assert waiting_for(core) == text


def test_status_says_who_has_not_proposed():
    core = core_of(2)
    feed(core, Submitted(ONE))
    assert waiting_for(core) == "block 1: the proposal of r0"


def test_enough_votes_and_no_results_yet_is_waiting_for_nobody():
    core = core_of(1)
    feed(core, Proposal(pre_prepare(ONE), ONE), *(Prepared(prepare(ONE, i)) for i in (2, 3)))
    assert waiting_for(core) == "block 1: 4 of 3 PREPARE, executing"
    feed(core, computed(ONE))
    assert core.phase == Phase.COMMITTING


def test_peers_are_reported_with_silence_and_height():
    core = core_of(1)
    feed(core, status(2, 0), now=5_000_000)
    reports = peers_of(core, frozenset({2}), 25_000_000)
    assert reports == (
        PeerReport("r0", connected=False, block=-1, silent_ms=-1),
        PeerReport("r2", connected=True, block=0, silent_ms=20),
        PeerReport("r3", connected=False, block=-1, silent_ms=-1),
    )


def test_a_status_travels_whole_and_nothing_else_is_one():
    full = ReplicaStatus(
        name="r0",
        fingerprint=GROUP.fingerprint,
        view=0,
        primary="r0",
        block=1,
        certified_seq=3,
        phase="WAITING",
        waiting_for="block 2: a batch from venue",
        stalled_ms=0,
        halted="",
        abstain=0,
        torn="",
        peers=(PeerReport("r1", connected=True, block=1, silent_ms=3),),
        refused={"WrongView": 2},
        evidence=0,
        service_failures=0,
    )
    assert decode_status(encode_status(full)) == full
    with pytest.raises(msgspec.ValidationError):
        decode_status(encode_status(full).replace(b'"view":0', b'"view":"0"'))
    with pytest.raises(msgspec.ValidationError):
        decode_status(b"{}")


def test_an_empty_directory_is_an_empty_ledger(tmp_path):
    assert verify_ledger(tmp_path, GROUP).blocks == 0


def test_only_members_run_the_core():
    with pytest.raises(AssertionError):
        Core(author_of(GROUP, 0xFFFF), Tip(), Recovered(), 0)
