"""The demo's main job, live: fund, trade, certify, withdraw, settle, report, anchor, ask.

Each function does one stretch of the road on a running devnet and records on the board what it saw.
What it collects (receipts, answers) is checked later, offline, by `api.demo.offline`.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from api.demo.board import Board, percentile
from api.demo.funding import Paid, plan, purse_of
from api.demo.http import Client
from api.demo.stream import Streamed, Streamer, Traders
from api.demo.travel import travel_payload
from api.devnet.devnet import Devnet
from api.devnet.folder import CUSTOMERS
from api.devnet.genesis import ASSETS, INSTRUMENTS, account_of
from api.gate.customers import IssuedKey
from api.replay.intents import Flow
from compliance.reports.orderbook_records import Span
from compliance.store import StoredReport
from ledger.audit.ledger import Ledger
from ledger.engine import Engine
from ledger.readmodel.views import WithdrawalView
from ledger.records.codes import Check, CommandKind, WithdrawalStatus
from ledger.records.layout import DECISION
from ledger.settlement.store import RoundKind

BTCUSDC: Final = 0
WAIT_S: Final = 60
POLL_S: Final = 0.02
TRADE_RECEIPTS: Final = 50
"""How many trades, spread over the last thousand, are proven one by one."""
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

    def payout_wei(self) -> int:
        """What the payee should get, in the token's smallest unit: the fee is in the amount."""
        listed = ASSETS[self.asset]
        whole, _, part = self.amount.partition(".")
        wei = int(whole + part.ljust(listed.token_decimals, "0"))
        return wei - listed.fee_minor * unit_wei(self.asset)


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
            while not met():  # noqa: ASYNC110  a customer polls: nothing here is told
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise TimeoutError(f"{what}: not within {WAIT_S} s") from None


async def fund(devnet: Devnet, board: Board, taken: Taken) -> None:
    """Customers deposit on the chain; the venue credits each deposit once."""
    deposits = plan(traded_base=INSTRUMENTS[BTCUSDC].base)
    purse, engine = purse_of(devnet), devnet.venue.trading.engine
    before = engine.deposit_index
    with board.step("fund customers on chain", len(deposits)) as step:
        for customer, asset, whole in deposits:
            taken.paid.append(await asyncio.to_thread(purse.deposit, customer, asset, whole))
            step.advance()
        await until(lambda: engine.deposit_index == before + len(deposits), "deposits credited")
    credited = {
        (paid.account, paid.asset): engine.balance(paid.account, paid.asset).available_minor
        for paid in taken.paid
    }
    expected = {
        (paid.account, paid.asset): paid.amount_wei // unit_wei(paid.asset) for paid in taken.paid
    }
    board.check(
        "every deposit on the chain is credited exactly once",
        held=credited == expected,
        found=f"{len(credited)} deposits",
    )
    gas = sorted(paid.gas for paid in taken.paid)
    board.figure("gas of an ERC-20 deposit", f"{gas[0]:,} to {gas[-1]:,}")


async def trade(devnet: Devnet, board: Board, flow: Flow, total: int) -> Streamed:
    """Stream the flow through the gate's command path until all of it is certified."""
    half = len(CUSTOMERS) // 2
    accounts = [account_of(name) for name in CUSTOMERS]
    traders = Traders(buyers=accounts[:half], sellers=accounts[half:])
    streamer = Streamer(devnet.venue, BTCUSDC, traders)
    with board.step("stream orders, certify blocks", total) as step:
        streamed = await streamer.run(flow, step)
    certifier = devnet.venue.certifying.certifier
    board.check(
        "every acknowledged command is certified by a quorum, with the venue's own roots",
        held=len(streamed.ack_to_certified_ns) == streamed.commands and not certifier.differing,
        found=f"{streamed.commands:,} commands in {certifier.tip.number:,} blocks",
    )
    _show_trading(board, flow, streamed, certifier.tip.number)
    return streamed


def _show_trading(board: Board, flow: Flow, streamed: Streamed, blocks: int) -> None:
    seconds_ns = max(1, streamed.elapsed_ns)
    per_second = streamed.commands * 1_000_000_000 // seconds_ns
    board.figure("rows of the flow", f"{flow.repairs.rows:,}")
    for rule, count in sorted(flow.repairs.counts.items()):
        board.figure(f"  {rule}", f"{count:,}")
    board.figure("commands", f"{streamed.commands:,}")
    for answer, count in sorted(streamed.answers.items()):
        board.figure(f"  {answer}", f"{count:,}")
    board.figure("fills", f"{streamed.fills:,}")
    board.figure("blocks", f"{blocks:,}")
    board.figure("orders/s, gate to certificate", f"{per_second:,}")
    for name, values, unit_ns, unit in (
        ("submit → ack", streamed.submit_to_ack_ns, NS_PER_US, "µs"),
        ("ack → certified", streamed.ack_to_certified_ns, NS_PER_MS, "ms"),
    ):
        p50, p99 = (percentile(values, mille) // unit_ns for mille in (500, 990))
        board.figure(f"{name}, p50 / p99", f"{p50:,} / {p99:,} {unit}")


async def withdraw(
    devnet: Devnet, board: Board, taken: Taken, wanted: list[Asked], keys: dict[str, IssuedKey]
) -> None:
    """Ask over HTTP, as customers do, and wait until each withdrawal has ended."""
    history, began_ns = devnet.venue.trading.history, time.perf_counter_ns()
    ids: list[int] = []
    with board.step("withdraw, screen, settle on chain", len(wanted)) as step:
        async with aiohttp.ClientSession() as session:
            client = Client(session, devnet.venue.door.gate.url)
            for asked in wanted:
                ids.append(await _apply(client, asked, keys[asked.customer]))
                taken.withdrawals[ids[-1]] = asked

        def ended() -> bool:
            views = [history.withdrawal(one) for one in ids]
            done = sum(view is not None and view.status in ENDED for view in views)
            step.reach(done)
            return done == len(ids)

        await until(ended, "withdrawals ended")
    for one in ids:
        view, asked = history.withdrawal(one), taken.withdrawals[one]
        assert view is not None, "it ended just now"
        _judge(devnet, board, asked, view)
    elapsed_ms = (time.perf_counter_ns() - began_ns) // NS_PER_MS
    board.figure(f"{len(ids)} withdrawals, request to end", f"{elapsed_ms:,} ms")


async def _apply(client: Client, asked: Asked, key: IssuedKey) -> int:
    fields = {
        "coin": ASSETS[asked.asset].symbol,
        "address": "0x" + asked.payee.hex(),
        "amount": asked.amount,
    }
    if asked.has_payload:
        account = account_of(asked.customer)
        fields["questionnaire"] = travel_payload(asked.customer, account, asked.payee)
    answer = await client.signed("POST", "/sapi/v1/capital/withdraw/apply", key, **fields)
    assert answer.status == 200, f"withdrawal refused: {answer.body}"
    return int(answer.body["id"])


def _judge(devnet: Devnet, board: Board, asked: Asked, view: WithdrawalView) -> None:
    """Whether a withdrawal ended as the rules say, and by which rule."""
    store = devnet.venue.accounting.store
    rules = []
    for check in Check:
        decision = store.decision(view.withdrawal_id, check)
        if decision is not None:
            fired = ", ".join(json.loads(decision.record)["rules_fired"])
            rules.append(f"{check.name}: {decision.verdict.name} by {fired}")
    board.check(
        asked.why,
        held=view.status is asked.ends,
        found=f"{view.status.name}; {'; '.join(rules)}",
    )


async def report(devnet: Devnet, board: Board, taken: Taken) -> None:
    """Write the day's order-book records, record their digest, anchor it on the chain."""
    venue = devnet.venue
    with board.step("write the report, anchor it", 3) as step:
        taken.report = await venue.accounting.publish(
            Span(1, venue.certifying.certifier.certified_seq)
        )
        step.advance()
        await venue.certifying.certifier.wait_certified(taken.report.report_id)
        venue.settling.anchor_rounds.demand(taken.report.report_id)
        step.advance()
        report_id, desk = taken.report.report_id, venue.accounting.regulator
        await until(lambda: desk.report_dossier(report_id).anchor is not None, "report anchored")
    board.figure("report", f"{taken.report.records:,} records, {taken.report.size:,} bytes")
    _show_gas(devnet, board)


def _show_gas(devnet: Devnet, board: Board) -> None:
    """What the last batch and the last anchor cost on the chain."""
    store, purse = devnet.venue.settling.store, purse_of(devnet)
    for kind, what in ((RoundKind.BATCH, "batch"), (RoundKind.ANCHOR, "anchor")):
        round_ = store.last_round(kind)
        if round_ is not None and round_.tx_hash:
            board.figure(f"gas of the last {what}", f"{purse.gas_of(round_.tx_hash):,}")


def unit_wei(asset: int) -> int:
    """The token's smallest units in one ledger unit."""
    listed = ASSETS[asset]
    return int(10 ** (listed.token_decimals - listed.ledger_decimals))


async def collect(devnet: Devnet, board: Board, taken: Taken) -> None:
    """Ask the venue for receipts and balances, and the regulator's questions over HTTP."""
    venue = devnet.venue
    ledger = venue.certifying.certifier.ledger
    await venue.certifying.certifier.wait_certified(venue.trading.engine.seq)
    for seq, label in _decisions(ledger, taken):
        taken.receipts[label] = ledger.receipt_for(seq, None)
    trades = venue.trading.history.trades(BTCUSDC, limit=1_000)
    for trade in trades[:: max(1, len(trades) // TRADE_RECEIPTS)]:
        receipt = ledger.receipt_for(trade.seq, trade.event_index)
        taken.receipts[f"trade-{trade.trade_id}"] = receipt
    for name in CUSTOMERS:
        for asset in range(len(ASSETS)):
            held = venue.trading.engine.balance(account_of(name), asset)
            both = held.available_minor + held.held_minor
            taken.balances[account_of(name), asset] = both
    if trades:
        await _ask_as_regulator(devnet, board, taken, trades[-1].trade_id)


def _decisions(ledger: Ledger[Engine], taken: Taken) -> Iterator[tuple[int, str]]:
    """The commands that asked for withdrawals and decided them, by seq."""
    if not taken.withdrawals:
        return
    for records in ledger.records(min(taken.withdrawals), ledger.tip.last_seq):
        decisions = records.commands.view(DECISION)
        for at, kind in enumerate(records.commands["kind"].tolist()):
            seq = records.first_seq + at
            if kind == CommandKind.REQUEST_WITHDRAWAL and seq in taken.withdrawals:
                yield seq, f"withdrawal-{seq}"
            elif kind == CommandKind.DECIDE_WITHDRAWAL:
                check = Check(int(decisions["check"][at])).name
                yield seq, f"decision-{int(decisions['withdrawal_id'][at])}-{check}"


async def _ask_as_regulator(devnet: Devnet, board: Board, taken: Taken, trade_id: int) -> None:
    token = devnet.venue.door.regulators.issue_token("demo", time.time_ns())
    assert taken.report is not None, "the report comes before the questions"
    async with aiohttp.ClientSession() as session:
        client = Client(session, devnet.venue.door.gate.url)
        symbol = INSTRUMENTS[BTCUSDC].symbol
        trade = await client.regulator(f"/regulator/v1/trades/{symbol}/{trade_id}", token)
        path = f"/regulator/v1/reports/{taken.report.report_id}"
        report = await client.regulator(path, token)
        refused = await client.regulator(path, "prv_nobody_knows")
    board.check(
        "the regulator's own credential gets a trade and a report, with their proofs",
        held=(trade.status, report.status, refused.status) == (200, 200, 401),
        found=f"trade {trade.status}, report {report.status}, a wrong token {refused.status}",
    )
    taken.receipts["regulator-trade"] = trade.body["receipt"]
    taken.receipts["regulator-report"] = report.body["receipt"]
