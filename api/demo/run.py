"""`provenue demo`: the main job from an empty folder to the last check, and the attack on it."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.demo import adversary, offline, work
from api.demo.board import Board
from api.demo.flow import SeededFlow
from api.demo.funding import purse_of
from api.demo.rogue import THIEF
from api.demo.work import Asked, Taken
from api.devnet.credentials import credentials_of
from api.devnet.devnet import Devnet, DevnetConfig
from api.devnet.processes import start
from api.replay.bitstamp import BitstampDay
from api.replay.intents import Flow
from ledger.records.codes import WithdrawalStatus
from ledger.settlement.errors import OperatorDiffers

USDC, BTC = 0, 1
ROGUE: Final = 3
"""The replica whose operator turns dishonest."""
SANCTIONED: Final = bytes.fromhex("098b716b8aaf21512996dc57eb0615e2383e2f96")
"""On OFAC's list since April 2022, under ETH."""
SHARED_SANCTIONS: Final = Path("../shared/data/sanctions")
"""The published list, where it lies beside the repository; else the repository's sample."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to do the demo with.

    Attributes:
        folder: Keep everything here; None takes a temporary folder.
        orders: A recorded day; None invents a flow.
        count, seed: Of the invented flow.
        chain: Where custody stands: "embedded", "anvil", or a node's URL.
    """

    folder: Path | None = None
    orders: Path | None = None
    count: int = 20_000
    seed: int = 1
    chain: str = "embedded"


HONEST: Final = [
    Asked(
        "erin", BTC, "5", bytes.fromhex("a1" * 20), has_payload=True, ends=WithdrawalStatus.PAID,
        why="a withdrawal above the threshold with its travel-rule payload is paid",
    ),
    Asked(
        "bob", USDC, "500", bytes.fromhex("a2" * 20), has_payload=False, ends=WithdrawalStatus.PAID,
        why="a withdrawal below the threshold is paid without a payload",
    ),
    Asked(
        "carol", USDC, "10000", bytes.fromhex("a3" * 20), has_payload=False,
        ends=WithdrawalStatus.DENIED,
        why="a withdrawal above the threshold without a payload is denied",
    ),
    Asked(
        "dave", USDC, "1000", SANCTIONED, has_payload=True, ends=WithdrawalStatus.DENIED,
        why="ATTACK: a withdrawal to a sanctioned address is caught by screening",
    ),
]  # fmt: skip
UNDER_ATTACK: Final = Asked(
    "frank", BTC, "1", bytes.fromhex("a5" * 20), has_payload=True, ends=WithdrawalStatus.PAID,
    why="a withdrawal is paid to its own payee although one operator signs a theft",
)  # fmt: skip


def run_demo(options: DemoOptions, board: Board | None = None) -> bool:
    """Do it all.

    Returns:
        Whether every check was made and held.

    Raises:
        OSError, ReplayError: The recorded day cannot be read.
        DevnetError and the stages' own errors: Something could not start or go on.
    """
    board = board or Board()
    flow: Flow
    if options.orders is None:
        flow, total = SeededFlow(options.seed, options.count), options.count
    else:
        flow = BitstampDay(options.orders)
        total = sum(1 for _ in flow)
    with tempfile.TemporaryDirectory(prefix="provenue-demo-") as scratch:
        folder = options.folder or Path(scratch) / "devnet"
        with board.drawing():
            demo = _demo(folder, Path(scratch), (flow, total), options.chain, board)
            asyncio.run(demo)
    board.show()
    return board.all_held


async def _demo(
    folder: Path, scratch: Path, orders: tuple[Flow, int], chain: str, board: Board
) -> None:
    began = time.perf_counter()
    sanctions = SHARED_SANCTIONS if SHARED_SANCTIONS.is_dir() else None
    config = DevnetConfig(folder, chain=chain, sanctions=sanctions, jurisdiction="US")
    taken = Taken()
    async with AsyncExitStack() as stack:
        with board.step("start chain, contracts, replicas, venue") as step:
            devnet = await Devnet.open(config, step.tell)
        stack.push_async_callback(devnet.close_processes)
        started = time.perf_counter()
        stack.push_async_callback(devnet.stop_venue)
        async with devnet.venue.running():
            await _live(devnet, orders, board, taken)
        await devnet.stop_venue()
        _offline(devnet, board, taken, scratch)
        board.figure("start of all processes", f"{started - began:.1f} s")
        board.figure("the demo's own work", f"{time.perf_counter() - started:.1f} s")


async def _live(devnet: Devnet, orders: tuple[Flow, int], board: Board, taken: Taken) -> None:
    await work.fund(devnet, board, taken)
    await work.trade(devnet, board, *orders)
    issued = credentials_of(devnet.venue.door, devnet.folder)
    keys = {name: one.key for name, one in issued.customers.items()}
    await work.withdraw(devnet, board, taken, HONEST, keys)
    await _steal(devnet, board)
    await work.withdraw(devnet, board, taken, [UNDER_ATTACK], keys)
    _name_thief(devnet, board)
    await work.report(devnet, board, taken)
    await work.collect(devnet, board, taken)


async def _steal(devnet: Devnet, board: Board) -> None:
    """Put a dishonest operator in an honest one's place: same keys, same ledger, other signer."""
    with board.step("one operator turns dishonest"):
        await devnet.replicas[ROGUE].stop()
        name = devnet.folder.group.members[ROGUE].name
        role = devnet.folder.root / name / "replica.json"
        log = devnet.folder.logs / f"{name}.log"
        devnet.replicas[ROGUE] = await start(name, [str(role)], log, module="api.demo.rogue")


def _name_thief(devnet: Devnet, board: Board) -> None:
    name = devnet.folder.group.members[ROGUE].name
    faults = devnet.venue.settling.batches.faults
    named = [fault for fault in faults if isinstance(fault, OperatorDiffers)]
    board.check(
        "ATTACK: an operator that signs a batch that differs is named, with the field",
        held=any(fault.operator == name for fault in named),
        found="; ".join(str(fault) for fault in named) or f"no such fault among {faults}",
    )


def _offline(devnet: Devnet, board: Board, taken: Taken, scratch: Path) -> None:
    offline.check_ledgers(devnet, board)
    evidence = offline.open_evidence(devnet)
    try:
        offline.check_receipts(evidence, board, taken)
        offline.check_balances(devnet, evidence, board, taken)
        offline.check_withdrawals(devnet, board, taken)
        offline.check_anchors(devnet, evidence, board, taken)
        offline.check_report(devnet, evidence, board, taken)
        adversary.tamper_with_ledger(devnet, evidence, board, scratch)
        adversary.tamper_with_receipt(evidence, board, taken, scratch)
        adversary.tamper_with_report(devnet, evidence, board, taken)
        stolen = purse_of(devnet).balance_wei(BTC, THIEF)
        board.check("the thief has nothing", held=stolen == 0, found=f"{stolen} on chain")
    finally:
        evidence.ledger.close()
