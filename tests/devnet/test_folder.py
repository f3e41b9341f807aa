"""A devnet's folder: made once, whole after a crash, recognised ever after."""

import stat
from pathlib import Path

import pytest

from api.devnet.errors import OtherDevnet
from api.devnet.folder import CUSTOMERS, REPLICAS, open_folder
from ledger.audit.errors import GroupRefused

CHAIN_ID = 31337


def test_a_folder_keeps_its_keys_and_its_group(tmp_path: Path) -> None:
    made = open_folder(tmp_path / "net", CHAIN_ID)
    again = open_folder(tmp_path / "net", CHAIN_ID)
    assert again.group.fingerprint == made.group.fingerprint
    assert len(made.group.members) == REPLICAS
    assert [made.address(name) for name in CUSTOMERS] == [again.address(n) for n in CUSTOMERS]
    for member in made.group.members:
        assert member.operator == "0x" + made.address(member.name).hex()


def test_only_its_owner_may_read_a_key(tmp_path: Path) -> None:
    made = open_folder(tmp_path / "net", CHAIN_ID)
    for path in (made.root / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_crash_before_the_marker_keeps_the_keys(tmp_path: Path) -> None:
    made = open_folder(tmp_path / "net", CHAIN_ID)
    (made.root / "devnet.json").unlink()
    (made.root / "group.json").unlink()
    again = open_folder(tmp_path / "net", CHAIN_ID)
    assert [m.ed25519 for m in again.group.members] == [m.ed25519 for m in made.group.members]


def test_another_chain_or_another_folder_is_refused(tmp_path: Path) -> None:
    open_folder(tmp_path / "net", CHAIN_ID)
    with pytest.raises(OtherDevnet):
        open_folder(tmp_path / "net", CHAIN_ID + 1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("not a devnet")
    with pytest.raises(OtherDevnet):
        open_folder(tmp_path / "other", CHAIN_ID)
    assert [p.name for p in (tmp_path / "other").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("marker", ["", "[]", '{"format":"provenue-devnet/9","chain_id":1}'])
def test_a_damaged_marker_is_refused(tmp_path: Path, marker: str) -> None:
    made = open_folder(tmp_path / "net", CHAIN_ID)
    (made.root / "devnet.json").write_text(marker)
    with pytest.raises(OtherDevnet):
        open_folder(tmp_path / "net", CHAIN_ID)


def test_a_group_that_was_changed_is_refused(tmp_path: Path) -> None:
    made = open_folder(tmp_path / "net", CHAIN_ID)
    text = made.group_file.read_text()
    made.group_file.write_text(text.replace("replica-3", "replica-x"))
    with pytest.raises(OtherDevnet):
        open_folder(tmp_path / "net", CHAIN_ID)
    made.group_file.write_text("{")
    with pytest.raises(GroupRefused):
        open_folder(tmp_path / "net", CHAIN_ID)
