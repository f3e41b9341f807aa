"""An operator's check that every certified credit happened on the chain: the venue cannot mint.

It walks the certified records once, holds each credit that took effect against the vault's own
log read from the operator's own node, and remembers how far it came.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ledger.records.build import read_address, read_digest
from ledger.records.codes import CommandKind, Reject
from ledger.records.layout import COMMAND, DEPOSIT
from ledger.settlement.custody import Custody, Deposit
from ledger.settlement.deposits import (
    SUSPENSE,
    DepositFeed,
    named_account,
    split_wei,
)
from ledger.settlement.errors import DepositDiffers, DepositUnproven
from ledger.settlement.ports import AssetRow, CertifiedLog, CertifiedRecords
from ledger.settlement.store import DepositMark, SettlementStore
from ledger.settlement.wire import shown

_NOBODY: Final = (b"", -1)


@dataclass(frozen=True, slots=True)
class _Credit:
    """One certified CREDIT_DEPOSIT and whether it took effect."""

    index: int
    account: int
    asset: int
    amount_minor: int
    dust_wei: int
    chain_block: int
    tx_hash: bytes
    log_index: int
    sender: bytes
    reject: Reject


class DepositAudit:
    """One operator's progress through the certified credits."""

    def __init__(self, custody: Custody, store: SettlementStore, depth: int = 0) -> None:
        self._custody = custody
        self._store = store
        self._depth = depth

    async def prove(
        self, log: CertifiedLog, assets: Mapping[bytes, AssetRow], upto_seq: int, upto_index: int
    ) -> None:
        """Prove every credit up to a command, of which the last must be `upto_index`.

        Args:
            log: The certified history.
            assets: The listed assets by token, as `assets_by_token` reads them from the engine.
            upto_seq: The last command to look at.
            upto_index: The last deposit that it may have credited.

        Raises:
            DepositUnproven: A credit, or its absence, that the chain does not bear out.
            DepositDiffers: A credit of something else than was deposited.
            DepositGap, ChainDown, ChainRefused, ChainInconsistent: The operator's node failed.
        """
        mark = self._store.deposit_mark()
        if mark.seq >= upto_seq:
            return
        start = max(mark.chain_block, self._custody.deployment.block)
        feed = DepositFeed(self._custody, start, mark.index, self._depth)
        index, block = mark.index, mark.chain_block
        unknown = _NOBODY
        for records in log.records(mark.seq + 1, upto_seq):
            for credit in _credits(records):
                if credit.reject == Reject.UNKNOWN_ACCOUNT and credit.index == index + 1:
                    unknown = (credit.tx_hash, credit.log_index)
                if credit.reject != Reject.NONE:
                    continue
                deposit = await feed.take()
                if deposit is None:
                    raise DepositUnproven(credit.index)
                _compare(assets, deposit, credit, unknown)
                index, block = credit.index, deposit.block_number
            await asyncio.sleep(0)
        if index != upto_index:
            raise DepositUnproven(index + 1)
        self._store.save_deposit_mark(DepositMark(upto_seq, index, block))


def _compare(
    assets: Mapping[bytes, AssetRow], deposit: Deposit, credit: _Credit, unknown: tuple[bytes, int]
) -> None:
    """Hold a credit against its log; `unknown` names the log last refused for its account."""
    asset = assets.get(deposit.token)
    if asset is None:
        raise DepositDiffers(deposit.index, "token", shown(deposit.token), f"asset {credit.asset}")
    amount_minor, dust_wei = split_wei(deposit.received_wei, asset.unit_wei)
    # An account that was unknown when the deposit's turn came may have been opened since.
    refused = unknown == (deposit.tx_hash, deposit.log_index)
    account = SUSPENSE if refused and credit.account == SUSPENSE else named_account(deposit)
    expected = (
        ("deposit_index", deposit.index, credit.index),
        ("account", account, credit.account),
        ("asset", asset.asset, credit.asset),
        ("amount_minor", amount_minor, credit.amount_minor),
        ("dust_wei", dust_wei, credit.dust_wei),
        ("chain_block", deposit.block_number, credit.chain_block),
        ("tx", deposit.tx_hash, credit.tx_hash),
        ("log_index", deposit.log_index, credit.log_index),
        ("sender", deposit.sender, credit.sender),
    )
    for field, chain, ledger in expected:
        if chain != ledger:
            raise DepositDiffers(deposit.index, field, shown(chain), shown(ledger))


def _credits(records: CertifiedRecords) -> Iterator[_Credit]:
    commands = records.commands.view(COMMAND)
    for at in (commands["kind"] == CommandKind.CREDIT_DEPOSIT).nonzero()[0]:
        row = commands[at : at + 1].view(DEPOSIT)[0]
        yield _Credit(
            index=int(row["deposit_index"]),
            account=int(row["account"]),
            asset=int(row["asset"]),
            amount_minor=int(row["amount_minor"]),
            dust_wei=int(row["dust_wei"]),
            chain_block=int(row["chain_block"]),
            tx_hash=read_digest(row, "tx"),
            log_index=int(row["log_index"]),
            sender=read_address(row, "sender"),
            reject=Reject(int(records.outcomes[at]["reject"])),
        )
