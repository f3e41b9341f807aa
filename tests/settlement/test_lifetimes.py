"""Random lifetimes: money moves while venue, operators and disks fail; then the books are compared.

Everything is real but certification (see world.py). A seed that fails prints itself and stays.
"""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from ledger.records.codes import Reject, WithdrawalStatus
from ledger.settlement.errors import (
    ChainDown,
    ChainRefused,
    NotMined,
    OperatorSilent,
    QuorumShort,
    SettlementError,
)
from ledger.settlement.store import RoundStep, SettlementStore
from tests.settlement.ground import ALICE, BOB, signed
from tests.settlement.world import CUSTOMER, NAMES, USDC, World

SEEDS = (1, 2, 3, 4)
STEPS = 45
EXPECTED = (QuorumShort, ChainRefused, ChainDown, NotMined, OperatorSilent)
"""What may go wrong for a while; anything else ends the test."""


class Killed(BaseException):
    """The venue's process ends here."""


class Lifetime:
    """One seed's world and what it should come to."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.deposited = 1_000_000_000
        self.asked: dict[int, tuple[bytes, int]] = {}
        self.reports = 0
        self.log: list[str] = []

    # What customers and the outside do

    def deposit(self) -> None:
        amount = self.random.randrange(1, 10**6)
        self.world.deposit(amount, self.random.choice([CUSTOMER, CUSTOMER, 4711]))
        self.deposited += amount

    def withdraw(self) -> None:
        payee = bytes([self.random.randrange(1, 9)]) * 20
        amount = self.random.randrange(1, 10**6)
        self.asked[self.world.withdraw(amount, USDC, payee)] = (payee, amount)

    def report(self) -> None:
        self.reports += 1
        self.world.report(self.reports)
        self.world.anchor_rounds.demand(self.world.ledger.engine.seq)

    def certify(self) -> None:
        self.world.ledger.certify()

    def mine(self) -> None:
        self.world.web3.provider.make_request("evm_mine", [])

    def steal_a_nonce(self) -> None:
        """Somebody uses the relayer's key elsewhere."""
        nonce = self.world.web3.eth.get_transaction_count(BOB.address)
        self.world.web3.eth.send_raw_transaction(signed(BOB, nonce, gas=21_000))

    def front_run(self) -> None:
        """A stranger relays what is signed."""
        world = self.world
        for rounds in (world.batch_rounds, world.anchor_rounds):
            round_ = world.memory.open_round(rounds.kind)
            if round_ and round_.step in (RoundStep.SIGNED, RoundStep.PREPARED):
                nonce = world.web3.eth.get_transaction_count(ALICE.address)
                data = rounds.calldata(round_)
                raw = signed(ALICE, nonce, to=rounds.target, data=data, gas=3_000_000)
                world.web3.eth.send_raw_transaction(raw)

    # What the venue does, and what befalls it

    def poll(self) -> None:
        asyncio.run(self.world.watcher.poll())

    def advance(self) -> None:
        coordinator = self.random.choice([self.world.batches, self.world.anchors])
        asyncio.run(coordinator.advance())

    def restart(self) -> None:
        self.world.restart()
        if self.reports:
            self.world.anchor_rounds.demand(self.world.ledger.engine.seq)

    def restart_operator(self) -> None:
        self.world.restart_operator(self.random.choice(NAMES))

    def silence_operators(self) -> None:
        """One or two operators are gone until they are restarted."""
        for name in self.random.sample(NAMES, self.random.choice([1, 2])):
            self.world.line.services.pop(name, None)

    def killed_while_advancing(self, patched: pytest.MonkeyPatch) -> None:
        """The side effect happens, the write does not, the process is gone."""

        def killed(*_):
            raise Killed

        with patched.context() as patch:
            patch.setattr(SettlementStore, "save_round", killed)
            with suppress(Killed):
                self.advance()
        self.restart()

    def lose_the_database(self) -> None:
        """Only while no anchor is half signed: that needs a person (section 6 says why)."""
        open_anchor = self.world.memory.open_round(self.world.anchor_rounds.kind)
        if open_anchor is not None and open_anchor.step < RoundStep.EXECUTED:
            return
        self.world.memory.close()
        for path in self.world.directory.glob("venue.sqlite3*"):
            path.unlink()
        self.restart()

    def step(self, patched: pytest.MonkeyPatch) -> None:
        actions = {
            self.deposit: 4, self.withdraw: 6, self.report: 2, self.certify: 3, self.mine: 1,
            self.steal_a_nonce: 1, self.front_run: 2, self.poll: 4, self.advance: 22,
            self.restart: 2, self.restart_operator: 3, self.silence_operators: 1,
            self.lose_the_database: 1, self.killed_while_advancing: 3,
        }  # fmt: skip
        (action,) = self.random.choices(list(actions), list(actions.values()))
        self.log.append(action.__name__)
        try:
            action(patched) if action == self.killed_while_advancing else action()
        except EXPECTED as error:
            self.log.append(f"  {error}")

    def heal(self) -> None:
        """Everybody is back; the venue settles all that is left."""
        for name in NAMES:
            self.world.restart_operator(name)
        self.world.restart()
        self.world.ledger.certify()
        self.world.anchor_rounds.demand(self.world.ledger.engine.seq)
        self.poll()
        for coordinator in (self.world.batches, self.world.anchors) * 3:
            for _ in range(40):
                try:
                    asyncio.run(coordinator.settle())
                    break
                except EXPECTED as error:
                    self.log.append(f"  healing: {error}")

    def books_agree(self) -> None:
        world, engine = self.world, self.world.ledger.engine
        world.ledger.certify()
        statuses = Counter(engine.withdrawal(one).status for one in self.asked)
        assert statuses.keys() <= {WithdrawalStatus.PAID}, statuses
        paid = Counter[bytes]()
        for payee, amount in self.asked.values():
            paid[payee] += amount
        for payee, amount in paid.items():
            assert world.balance_of(payee) == amount
        left = self.deposited - sum(paid.values())
        assert world.balance_of(world.deployment.vault) == left
        customers = (CUSTOMER, 5)
        assert sum(engine.balance(one, USDC).available_minor for one in customers) == left
        cursor = asyncio.run(world.chain.vault_cursor())
        assert cursor.seq == engine.last_batch
        assert cursor.deposits == engine.deposit_index
        tip = asyncio.run(world.chain.anchor_tip())
        assert tip.index == engine.anchor_index
        for number in range(1, self.reports + 1):
            digest = number.to_bytes(32, "big")
            assert world.registry.functions.reportAnchor(digest).call() >= 1
        late = {Reject.NOTHING_CLEARED, Reject.UNKNOWN_ACCOUNT, Reject.OUT_OF_TURN}
        assert {reject for _, reject in world.ledger.rejects} <= late


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_fails_every_withdrawal_is_paid_once_and_the_books_agree(
    funded, monkeypatch, seed
):
    life = Lifetime(funded, seed)
    try:
        for _ in range(STEPS):
            life.step(monkeypatch)
        life.heal()
        life.books_agree()
    except (AssertionError, SettlementError) as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(life.log)) from error


def test_the_mark_of_proof_never_outruns_what_was_signed(funded):
    """After a lifetime of one operator: its mark is that of a batch it was asked about."""
    funded.withdraw(5)
    asyncio.run(funded.batches.settle())
    for name in NAMES:
        mark = funded.store(name).deposit_mark()
        assert mark == replace(mark, seq=funded.ledger.engine.batch(1).cut_seq, index=1)
