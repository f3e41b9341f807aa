"""The venue's account that pays for transactions. It has no power: anybody may relay a batch.

A transaction's bytes are given back to be stored before they are broadcast, and only ever broadcast
again as they are, so that a crash can repeat a step but never double it.
"""

import asyncio
from typing import Final

from ledger.settlement.chain import ChainClient, ChainReceipt
from ledger.settlement.custody import named_revert
from ledger.settlement.errors import ChainRefused, ExecutionReverted, NonceTaken, NotMined
from ledger.settlement.keystore import Signer
from ledger.settlement.store import Round, SettlementStore
from ledger.settlement.transactions import SignedTransaction, Transaction, sign_transaction

GAS_MARGIN_PERCENT: Final = 25
"""On top of the estimate: the state may move between estimate and execution."""
ASK_TIMES_MAX: Final = 30
ASK_EVERY_S: Final = 1
"""A broadcast transaction is asked for this often, this far apart, before the caller may go on."""


class Relayer:
    """Prepares and delivers one transaction at a time."""

    def __init__(
        self,
        client: ChainClient,
        signer: Signer,
        store: SettlementStore,
        ask_times: int = ASK_TIMES_MAX,
    ) -> None:
        self._client = client
        self._signer = signer
        self._store = store
        self._ask_times = ask_times

    @property
    def address(self) -> bytes:
        """The paying account's 20-byte address."""
        return self._signer.address

    async def prepare(self, to: bytes, data: bytes) -> SignedTransaction:
        """Sign a call of a contract with the lowest nonce that is free. Nothing is broadcast.

        Raises:
            RevertedWith, ExecutionReverted: The contract would refuse it as the chain stands.
            ChainDown, ChainRefused: The node failed.
        """
        try:
            gas = await self._client.estimate_gas(to, data, self.address)
        except ExecutionReverted as error:
            raise named_revert(error) from error
        fees = await self._client.fees()
        nonce = await self._client.nonce(self.address)
        held = self._store.prepared_nonces()
        while nonce in held:
            nonce += 1
        transaction = Transaction(
            chain_id=self._client.chain_id,
            nonce=nonce,
            tip_wei=fees.tip_wei,
            fee_cap_wei=fees.cap_wei,
            gas=gas + gas * GAS_MARGIN_PERCENT // 100,
            to=to,
            data=data,
        )
        return sign_transaction(transaction, self._signer)

    async def deliver(self, round_: Round) -> ChainReceipt:
        """Broadcast a prepared transaction, or find that it was, and wait until it is mined.

        Raises:
            NonceTaken: Another transaction used its nonce; it will never be mined.
            NotMined: Not within the time given; call again.
            ChainDown, ChainRefused: The node failed, or refuses it for now.
        """
        receipt = await self._client.receipt(round_.tx_hash)
        if receipt is not None:
            return receipt
        try:
            await self._client.broadcast(round_.raw)
        except ChainRefused:
            # Already known, already mined, or truly refused: the receipt and the nonce tell which.
            receipt = await self._client.receipt(round_.tx_hash)
            if receipt is not None:
                return receipt
            if await self._nonce_lost(round_):
                raise NonceTaken(round_.nonce) from None
            raise
        for _ in range(self._ask_times):
            receipt = await self._client.receipt(round_.tx_hash)
            if receipt is not None:
                return receipt
            await asyncio.sleep(ASK_EVERY_S)
        raise NotMined(round_.tx_hash)

    async def _nonce_lost(self, round_: Round) -> bool:
        """Whether the nonce is used already, or lies beyond a gap that nobody is to fill."""
        mined = await self._client.nonce(self.address)
        return mined > round_.nonce or (
            mined < round_.nonce and mined not in self._store.prepared_nonces()
        )
