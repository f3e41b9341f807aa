"""Takes a round to the chain and back, one persisted step at a time: docs/spec/settlement.md, 6.

    ─propose→ PROPOSED ─collect→ SIGNED ─prepare→ PREPARED ─deliver→ EXECUTED ─record→ RECORDED

Each step is on disk before the next begins, and each begins by asking the chain where it stands. A
crash anywhere is therefore answered by `advance` alone: it goes on, sends the same bytes again, or
stops with HeadDiffers.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from ledger.settlement.custody import Custody
from ledger.settlement.errors import (
    HeadDiffers,
    NonceTaken,
    QuorumShort,
    RevertedWith,
    SettlementError,
    TransactionFailed,
)
from ledger.settlement.operators import Operators
from ledger.settlement.relayer import Relayer
from ledger.settlement.rounds import Executed, Rounds, Stale
from ledger.settlement.store import Round, RoundStep, SettlementStore

RETRY_FIRST_S: Final = 1
RETRY_MAX_S: Final = 60


@dataclass(slots=True, eq=False)
class Coordinator:
    """Drives one kind of rounds. Two coordinators (batches, anchors) share all but `rounds`.

    Attributes:
        rounds: Batches or anchors.
        custody: The contracts, through the venue's own node.
        operators: Who signs.
        relayer: Who pays for the transactions.
        store: What this venue remembers.
        depth: Blocks that must lie on an execution before it is recorded in the ledger.
        faults: Who did not sign the last round that was asked for, and why.
        alarm: Why the last attempt of `run` failed; None when it did not.
    """

    rounds: Rounds
    custody: Custody
    operators: Operators
    relayer: Relayer
    store: SettlementStore
    depth: int = 0
    faults: tuple[SettlementError, ...] = ()
    alarm: SettlementError | None = None

    async def advance(self) -> Round | None:
        """Do the next step.

        Returns:
            The round as it now stands; None when nothing is due (or the chain is not deep enough).

        Raises:
            HeadDiffers: Never to be retried: somebody must look.
            QuorumShort, RevertedWith, TransactionFailed, NotMined, NotCertified, ChainDown, …: This
                step was not done; calling again is safe.
        """
        round_ = self.store.open_round(self.rounds.kind)
        after = await (self.rounds.propose() if round_ is None else self._step(round_))
        if after is not None:
            self.store.save_round(after)
        return after

    async def _step(self, round_: Round) -> Round | None:
        if round_.step == RoundStep.EXECUTED:
            return await self._record(round_)
        standing = await self.rounds.standing(round_)
        if isinstance(standing, Executed):
            return _executed(round_, standing)
        if isinstance(standing, Stale):
            return await self.rounds.renew(round_)
        if round_.step == RoundStep.PROPOSED:
            return await self._collect(round_)
        if round_.step == RoundStep.SIGNED:
            return await self._prepare(round_)
        return await self._deliver(round_)

    async def settle(self) -> list[Round]:
        """Advance until nothing is due; returns the rounds that were recorded."""
        recorded = []
        while (round_ := await self.advance()) is not None:
            if round_.step == RoundStep.RECORDED:
                recorded.append(round_)
        return recorded

    async def run(self, stop: asyncio.Event, interval_s: int = 1) -> None:
        """Settle for ever: every `interval_s`, or with growing pauses while something is wrong.

        Raises:
            HeadDiffers: The chain holds what this ledger did not decide.
        """
        pause_s = interval_s
        while not stop.is_set():
            try:
                await self.settle()
            except HeadDiffers as error:
                self.alarm = error
                raise
            except SettlementError as error:
                self.alarm = error
                pause_s = min(RETRY_MAX_S, max(RETRY_FIRST_S, 2 * pause_s))
            else:
                self.alarm = None
                pause_s = interval_s
            await _wait(stop, pause_s)

    async def _collect(self, round_: Round) -> Round:
        quorum = await self.custody.quorum()
        message = self.rounds.message(round_)
        try:
            collected = await self.operators.collect(
                self.rounds.service, message, round_.digest, quorum
            )
        except QuorumShort as error:
            self.faults = error.faults
            raise
        self.faults = collected.faults
        return replace(round_, step=RoundStep.SIGNED, signatures=collected.signatures)

    async def _prepare(self, round_: Round) -> Round:
        calldata = self.rounds.calldata(round_)
        try:
            signed = await self.relayer.prepare(self.rounds.target, calldata)
        except RevertedWith as error:
            if error.name == "QuorumNotReached":
                # The Safe's owners or threshold changed since: ask the present ones.
                unsigned = replace(round_, step=RoundStep.PROPOSED, signatures=b"")
                self.store.save_round(unsigned)
            raise
        return replace(
            round_,
            step=RoundStep.PREPARED,
            raw=signed.raw,
            tx_hash=signed.hash,
            nonce=signed.nonce,
        )

    async def _deliver(self, round_: Round) -> Round:
        try:
            receipt = await self.relayer.deliver(round_)
        except NonceTaken:
            return _unprepared(round_)
        try:
            return _executed(round_, self.rounds.executed_in(receipt))
        except TransactionFailed:
            self.store.save_round(_unprepared(round_))
            raise

    async def _record(self, round_: Round) -> Round | None:
        head = await self.custody.client.head()
        if head.number < round_.chain_block + self.depth:
            return None
        await self.rounds.record(round_)
        return replace(round_, step=RoundStep.RECORDED)


def _executed(round_: Round, done: Executed) -> Round:
    return replace(
        round_,
        step=RoundStep.EXECUTED,
        tx_hash=done.tx_hash,
        chain_block=done.chain_block,
        deferred=done.deferred,
    )


def _unprepared(round_: Round) -> Round:
    return replace(round_, step=RoundStep.SIGNED, raw=b"", tx_hash=b"", nonce=-1)


async def _wait(stop: asyncio.Event, seconds: int) -> None:
    """Until the event is set, or the time is over."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
