"""Deposits seen on the chain become commands: every index once, in the vault's own order.

Exactly once across restarts without a database of its own: the engine takes only the next index,
and this resumes from the engine's. What cannot be credited is never skipped: a deposit to an
account that nobody has goes to the suspense account, and one of a token that is not listed (or
that the engine refuses) stops the line at its index, with the reason, until it can be credited.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ledger.journal.ports import Submits
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import CommandKind, Reject
from ledger.settlement.chain import LOG_WINDOW
from ledger.settlement.custody import Custody, Deposit
from ledger.settlement.errors import DepositBlocked, DepositGap
from ledger.settlement.ports import AssetRow, SettlementReads
from matching.units import AMOUNT_MINOR_MAX

SUSPENSE: Final = 5
FIRST_CUSTOMER: Final = 16
ACCOUNT_MAX: Final = 2**32 - 1
IN_FLIGHT_MAX: Final = 256
"""Credits submitted before the first is acknowledged."""


def split_wei(received_wei: int, unit_wei: int) -> tuple[int, int]:
    """Whole ledger units and the dust below one: amount * unit + dust is exactly what came."""
    return divmod(received_wei, unit_wei)


def named_account(deposit: Deposit) -> int:
    """The account that a deposit names; suspense when no customer can have that number."""
    return deposit.account if FIRST_CUSTOMER <= deposit.account <= ACCOUNT_MAX else SUSPENSE


def assets_by_token(reads: SettlementReads) -> dict[bytes, AssetRow]:
    """Listed assets by token contract; of two that name one token, the first listed."""
    found: dict[bytes, AssetRow] = {}
    for asset in _assets(reads):
        found.setdefault(asset.token, asset)
    return found


def _assets(reads: SettlementReads) -> Iterator[AssetRow]:
    number = 0
    while (asset := reads.asset(number)) is not None:
        yield asset
        number += 1


class DepositFeed:
    """The vault's deposits in index order, read in windows of blocks, buffered one window."""

    def __init__(self, custody: Custody, from_block: int, after_index: int, depth: int) -> None:
        """Start reading.

        Args:
            custody: The vault.
            from_block: No deposit above `after_index` lies before it.
            after_index: The last index that is of no interest any more.
            depth: Blocks that must lie on top of a deposit's; 0 takes it at once.
        """
        self._custody = custody
        self._next_block = from_block
        self._last_index = after_index
        self._depth = depth
        self._buffer: deque[Deposit] = deque()

    async def take(self) -> Deposit | None:
        """The next deposit; None when there is none yet.

        Raises:
            DepositGap: The node skipped an index.
            ChainDown, ChainRefused, ChainInconsistent: The node failed; nothing was consumed.
        """
        head: int | None = None
        while not self._buffer:
            head = (await self._custody.client.head()).number if head is None else head
            last = min(self._next_block + LOG_WINDOW - 1, head - self._depth)
            if last < self._next_block:
                return None
            await self._read(last)
        return self._buffer.popleft()

    async def _read(self, last: int) -> None:
        for deposit in await self._custody.deposits(self._next_block, last):
            if deposit.index <= self._last_index:
                continue
            if deposit.index != self._last_index + 1:
                raise DepositGap(self._last_index + 1, deposit.index)
            self._buffer.append(deposit)
            self._last_index = deposit.index
        self._next_block = last + 1


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll did: how many were credited, and which of them went to suspense."""

    credited: int
    suspended: tuple[Deposit, ...]


class DepositWatcher:
    """Credits the vault's deposits through the sequencer."""

    def __init__(
        self, custody: Custody, reads: SettlementReads, sequencer: Submits, depth: int = 0
    ) -> None:
        self._custody = custody
        self._reads = reads
        self._sequencer = sequencer
        self._depth = depth
        self._feed: DepositFeed | None = None
        self.blocked: DepositBlocked | None = None
        """Why the line stands, for whoever watches; None when it does not."""

    async def poll(self) -> Polled:
        """Credit all deposits that are deep enough now.

        Raises:
            DepositBlocked: The next one cannot be credited; those before it were.
            DepositGap, ChainDown, ChainRefused, ChainInconsistent: The node failed.
            JournalError: The sequencer did not take the command.
        """
        self.blocked = None
        credited = 0
        suspended: list[Deposit] = []
        try:
            while True:
                waiting = await self._gather()
                if not waiting:
                    return Polled(credited, tuple(suspended))
                credited += len(waiting)
                suspended += await self._credit(waiting)
        except BaseException as error:
            # What was taken from the feed and not credited is read again: the engine knows which.
            self._feed = None
            if isinstance(error, DepositBlocked):
                self.blocked = error
            raise

    async def _gather(self) -> list[Deposit]:
        if self._feed is None:
            start = self._custody.deployment.block
            self._feed = DepositFeed(self._custody, start, self._reads.deposit_index, self._depth)
        waiting: list[Deposit] = []
        while len(waiting) < IN_FLIGHT_MAX:
            deposit = await self._feed.take()
            if deposit is None:
                break
            waiting.append(deposit)
        return waiting

    async def _credit(self, waiting: list[Deposit]) -> list[Deposit]:
        """Credit deposits in order; returns those that went to suspense."""
        suspended = [one for one in waiting if named_account(one) == SUSPENSE]
        at = 0
        while at < len(waiting):
            assets = assets_by_token(self._reads)
            ready, blocked = _creditable(waiting[at:], assets)
            if not ready:
                assert blocked is not None, "a deposit is creditable, or says why not"
                raise blocked
            done, reject = await self._submit(ready)
            at += done
            if reject == Reject.UNKNOWN_ACCOUNT:
                refused = waiting[at]
                single = credit_command(refused, assets[refused.token], SUSPENSE)
                done, reject = await self._submit([single])
                at += done
                suspended.append(refused)
            if reject == Reject.OUT_OF_TURN and self._reads.deposit_index >= waiting[at].index:
                # An earlier poll was interrupted, and what it had submitted took effect since.
                at = self._reads.deposit_index - waiting[0].index + 1
            elif reject != Reject.NONE:
                raise DepositBlocked(waiting[at].index, waiting[at].token, reject.name)
        return suspended

    async def _submit(self, commands: list[bytes]) -> tuple[int, Reject]:
        """Submit in order; returns how many took effect, and why the first other one did not.

        The sequencer keeps the order of submission, and after a reject each later index is out of
        turn, so that what took effect is always a prefix.
        """
        acks = await asyncio.gather(*(self._sequencer.submit(one) for one in commands))
        for done, ack in enumerate(acks):
            if ack.reject != Reject.NONE:
                return done, ack.reject
        return len(acks), Reject.NONE


def _creditable(
    waiting: list[Deposit], assets: Mapping[bytes, AssetRow]
) -> tuple[list[bytes], DepositBlocked | None]:
    """The commands of the deposits up to the first that cannot be credited, and why it cannot."""
    ready: list[bytes] = []
    for deposit in waiting:
        asset = assets.get(deposit.token)
        if asset is None:
            return ready, DepositBlocked(deposit.index, deposit.token, "token not listed")
        try:
            ready.append(credit_command(deposit, asset, named_account(deposit)))
        except DepositBlocked as blocked:
            return ready, blocked
    return ready, None


def credit_command(deposit: Deposit, asset: AssetRow, account: int) -> bytes:
    """The CREDIT_DEPOSIT command of a deposit.

    Raises:
        DepositBlocked: It is larger than any balance of the ledger may be.
    """
    amount_minor, dust_wei = split_wei(deposit.received_wei, asset.unit_wei)
    if amount_minor > AMOUNT_MINOR_MAX:
        raise DepositBlocked(deposit.index, deposit.token, Reject.AMOUNT_OUT_OF_RANGE.name)
    return command(
        CommandKind.CREDIT_DEPOSIT,
        account=account,
        asset=asset.asset,
        log_index=deposit.log_index,
        deposit_index=deposit.index,
        amount_minor=amount_minor,
        dust_wei=dust_wei,
        chain_block=deposit.block_number,
        **digest_fields("tx", deposit.tx_hash),
        **address_fields("sender", deposit.sender),
    )
