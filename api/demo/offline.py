"""Checks everything with venue and replicas stopped: from files, the group's keys and the chain.

Nothing here believes the venue: balances come from executing a replica's ledger again, anchors and
payouts from the chain itself.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.demo.board import Board
from api.demo.funding import purse_of
from api.demo.work import Taken
from api.devnet.devnet import Devnet
from api.devnet.genesis import ASSETS
from api.venue.adapters import LedgerRecords
from compliance.reports.orderbook_records import Span
from compliance.reports.report import Building, rebuild
from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.group import Group, read_group
from ledger.audit.ledger import Ledger
from ledger.audit.verify import verify_receipt
from ledger.engine import Engine
from ledger.engine.layout import CUSTODY
from ledger.records.codes import WithdrawalStatus

WITNESS: Final = 0
"""The replica whose ledger is executed again; the others' are checked by hash and signature."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the offline part works on: a folder, its group, and the ledger executed again."""

    folder: Path
    group: Group
    ledger: Ledger[Engine]


def check_ledgers(devnet: Devnet, board: Board) -> None:
    """Every replica's ledger holds, from its first byte, and all end at the same roots."""
    group = read_group(devnet.folder.group_file)
    heads = []
    with board.step("verify ledgers offline", group.size) as step:
        for index, member in enumerate(group.members):
            machine = Engine() if index == WITNESS else None
            report = verify_ledger(devnet.folder.replica(index) / "ledger", group, machine)
            heads.append((report.header, report.entries, member.name))
            step.advance()
    headers = {header for header, _, _ in heads}
    (header, entries, _) = heads[WITNESS]
    board.check(
        "every certificate, link and root of every replica's ledger holds; one is re-executed",
        held=len(headers) == 1 and header is not None,
        found=f"{len(heads)} ledgers of {header.number if header else 0:,} blocks, "
        f"{entries:,} entries, end alike",
    )


def open_evidence(devnet: Devnet) -> Evidence:
    """A replica's ledger, executed again by opening it."""
    group = read_group(devnet.folder.group_file)
    directory = devnet.folder.replica(WITNESS) / "ledger"
    name = group.members[WITNESS].name
    return Evidence(devnet.folder.root, group, Ledger(directory, group, name, Engine))


def check_receipts(evidence: Evidence, board: Board, taken: Taken) -> None:
    """Every receipt that was handed out holds, with nothing but the group file."""
    folder = evidence.folder / "receipts"
    folder.mkdir(exist_ok=True)
    with board.step("verify receipts offline", len(taken.receipts)) as step:
        for name, text in taken.receipts.items():
            (folder / f"{name}.tlog-proof").write_text(text)
            verify_receipt(text, evidence.group)
            step.advance()
    board.check(
        "every receipt verifies offline",
        held=bool(taken.receipts),
        found=f"{len(taken.receipts)} receipts: trades, withdrawals, decisions, the report",
    )


def check_balances(devnet: Devnet, evidence: Evidence, board: Board, taken: Taken) -> None:
    """What the venue answered is what a replica's ledger says, and the vault holds all of it."""
    engine, purse = evidence.ledger.engine, purse_of(devnet)
    told = {
        key: engine.balance(*key).available_minor + engine.balance(*key).held_minor
        for key in taken.balances
    }
    board.check(
        "every balance that the venue told follows from a replica's ledger",
        held=told == taken.balances,
        found=f"{len(told)} balances",
    )
    for asset, listed in enumerate(ASSETS):
        on_chain = purse.balance_wei(asset, devnet.deployment.vault)
        owed = owed_wei(engine, asset)
        board.check(
            f"the vault holds exactly what the ledger owes in {listed.symbol}",
            held=on_chain == owed,
            found=f"{on_chain:,} on chain, {owed:,} owed, in the token's smallest unit",
        )


def owed_wei(engine: Engine, asset: int) -> int:
    """All of an asset's liabilities in the token's smallest unit, dust included."""
    row = engine.asset(asset)
    assert row is not None, "the genesis listed it"
    custody = engine.balance(CUSTODY, asset)
    return -custody.available_minor * row.unit_wei + row.dust_wei


def check_withdrawals(devnet: Devnet, board: Board, taken: Taken) -> None:
    """Each payee has what was withdrawn to it, and refused withdrawals moved nothing."""
    purse = purse_of(devnet)
    for asked in taken.withdrawals.values():
        expected = asked.payout_wei() if asked.ends is WithdrawalStatus.PAID else 0
        found = purse.balance_wei(asked.asset, asked.payee)
        board.check(
            f"the payee of {asked.customer}'s {asked.amount} {ASSETS[asked.asset].symbol} "
            f"has {'it, less the fee' if expected else 'nothing'}",
            held=found == expected,
            found=f"{found:,} on chain",
        )


def check_anchors(devnet: Devnet, evidence: Evidence, board: Board, taken: Taken) -> None:
    """Each anchor on the chain carries the roots of a replica's certified block."""
    assert taken.report is not None, "the report was written"
    purse = purse_of(devnet)
    anchored = purse.anchored()
    agree = 0
    for event in anchored:
        header = evidence.ledger.header(event["blockNumber"])
        roots = (event["lastSeq"], event["logSize"], event["logRoot"], event["stateRoot"])
        if header is not None:
            mine = (header.last_seq, header.log_size, header.log_root, header.state_root)
            agree += mine == roots
    board.check(
        "every anchor on the chain is a certified block of a replica's ledger",
        held=bool(anchored) and agree == len(anchored),
        found=f"{agree} of {len(anchored)} anchors",
    )
    index = purse.anchor_of_report(taken.report.digest)
    board.check(
        "the report's digest stands on the chain",
        held=index > 0,
        found=f"anchor {index}",
    )


def check_report(devnet: Devnet, evidence: Evidence, board: Board, taken: Taken) -> None:
    """The report follows byte for byte from a replica's ledger."""
    assert taken.report is not None, "the report was written"
    building = building_of(devnet, evidence, taken)
    with Path(taken.report.path).open("rb") as stored:
        written = rebuild(building, stored)
    board.check(
        "the report rebuilds byte for byte from a replica's ledger",
        held=written.digest == taken.report.digest,
        found=f"{written.records:,} records, SHA-256 {written.digest.hex()[:16]}…",
    )


def building_of(devnet: Devnet, evidence: Evidence, taken: Taken) -> Building:
    """What the report is rebuilt from: a replica's records, the venue's pack."""
    assert taken.report is not None, "the report was written"
    pack = devnet.venue.accounting.report_pack
    span = Span(taken.report.from_seq, taken.report.to_seq)
    return Building(LedgerRecords(evidence.ledger), pack, span)
