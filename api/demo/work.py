"""The demo's main job, live: fund, trade, certify, withdraw, settle, report, anchor, ask.

Each function does one stretch of the road on a running devnet and records on the board what it saw.
What it collects (receipts, answers) is checked later, offline, by `api.demo.offline`.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from api.customers import IssuedKey, KeyGrant
from api.demo.board import Board, percentile
from api.demo.funding import Paid, Purse, plan
from api.demo.http import Client
from api.demo.stream import Streamed, Streamer, Traders
from api.demo.travel import travel_payload
from api.devnet.devnet import Devnet
from api.devnet.folder import CUSTOMERS
from api.devnet.genesis import ASSETS, INSTRUMENTS, account_of
from api.replay.intents import Flow
from compliance.reports.orderbook_records import Span
from compliance.store import StoredReport
from ledger.readmodel.views import WithdrawalView
from ledger.records.codes import WithdrawalStatus

BTCUSDC: Final = 0
WAIT_S: Final = 60
POLL_S: Final = 0.02
NS_PER_US, NS_PER_MS = 1_000, 1_000_000
ENDED: Final = (WithdrawalStatus.PAID, WithdrawalStatus.CLAIMABLE, WithdrawalStatus.DENIED)


@dataclass(frozen=True, slots=True)
class Asked:
    """One withdrawal that a customer asked for, and how it should end."""

    customer: str
    asset: int
    amount: str
    payee: bytes
    has_payload: bool
    ends: WithdrawalStatus
    why: str


@dataclass(slots=True)
class Taken:
    """What the live part leaves for the offline part.

    Attributes:
        paid: Deposits made on the chain.
        withdrawals: Withdrawal id to what was asked for.
        receipts: File name to receipt text.
        balances: (account, asset) to what the venue answered (available and held together).
        report: The day's report.
    """

    paid: list[Paid] = field(default_factory=list)
    withdrawals: dict[int, Asked] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)
    balances: dict[tuple[int, int], int] = field(default_factory=dict)
    report: StoredReport | None = None


async def until(met: Callable[[], bool], what: str) -> None:
    """Wait for something that the venue does by itself.

    Raises:
        TimeoutError: It did not, in `WAIT_S` seconds.
    """
    try:
        async with asyncio.timeout(WAIT_S):
            while not met():
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise TimeoutError(f"{what}: not within {WAIT_S} s") from None
