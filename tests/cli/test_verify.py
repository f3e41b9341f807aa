"""`provenue verify` and `provenue audit` over a real ledger, and over a damaged one."""

from pathlib import Path

import pytest

from api.cli import main
from api.demo.board import Board
from api.demo.run import DemoOptions, run_demo
from api.devnet.devnet import CHAIN_ID
from api.devnet.folder import open_folder


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A devnet's folder after a small demo."""
    folder = tmp_path_factory.mktemp("verify") / "net"
    assert run_demo(DemoOptions(folder=folder, count=100, seed=3), Board(quiet=True))
    return folder


def test_a_whole_ledger_holds_and_is_executed_again(
    net: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = str(net / "group.json")
    ledger = str(net / "replica-1" / "ledger")
    assert main(["audit", ledger, "--group", group, "--reexecute"]) == 0
    said = capsys.readouterr().out
    assert "of replica-1" in said
    assert "every command again" in said
    assert said.rstrip().endswith("holds")


def test_a_damaged_ledger_is_named_with_its_place(
    net: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for file in (net / "replica-1" / "ledger").glob("*.blocks"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / file.name).write_bytes(content)
    assert main(["audit", str(tmp_path), "--group", str(net / "group.json")]) == 1
    said = capsys.readouterr().out
    assert "does not hold" in said
    assert "replica-1" in said
    assert "offset=" in said


def test_a_receipt_holds_and_says_what_it_proves(
    net: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipts = sorted((net / "receipts").glob("*.tlog-proof"))
    assert receipts
    for receipt in receipts:
        assert main(["verify", str(receipt), "--group", str(net / "group.json")]) == 0
    said = capsys.readouterr().out
    assert "signed by replica-" in said
    assert "TRADE" in said
    assert "DECIDE_WITHDRAWAL" in said


def test_a_receipt_under_another_group_is_refused(
    net: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = open_folder(tmp_path / "net", CHAIN_ID)
    receipt = next((net / "receipts").glob("*.tlog-proof"))
    assert main(["verify", str(receipt), "--group", str(other.group_file)]) == 1
    assert "does not hold" in capsys.readouterr().out
