"""The main job, small: every claim that it prints is checked, and every attack is caught."""

from pathlib import Path

from api.demo.board import Board
from api.demo.run import DemoOptions, run_demo

CLAIMS = (
    "every deposit on the chain is credited exactly once",
    "every acknowledged command is certified by a quorum",
    "with its travel-rule payload is paid",
    "is paid without a payload",
    "without a payload is denied",
    "ATTACK: a withdrawal to a sanctioned address is caught by screening",
    "ATTACK: an operator that signs a batch that differs is named",
    "the regulator's own credential gets a trade and a report",
    "every certificate, link and root of every replica's ledger holds",
    "every receipt verifies offline",
    "every balance that the venue told follows from a replica's ledger",
    "the vault holds exactly what the ledger owes in USDC",
    "the vault holds exactly what the ledger owes in BTC",
    "every anchor on the chain is a certified block",
    "the report's digest stands on the chain",
    "the report rebuilds byte for byte",
    "ATTACK: a bit flipped in replica-2's ledger is caught",
    "ATTACK: a bit flipped in a receipt is caught",
    "ATTACK: a bit flipped in the report is caught",
    "the thief has nothing",
)


def test_the_whole_road_holds_and_every_attack_is_caught(tmp_path: Path) -> None:
    board = Board(quiet=True)
    held = run_demo(DemoOptions(folder=tmp_path / "net", count=400, seed=7), board)
    assert [check for check in board.checks if not check.held] == []
    assert held
    for claim in CLAIMS:
        assert any(claim in check.what for check in board.checks), f"never checked: {claim}"
