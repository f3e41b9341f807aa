"""Stage 6 of one venue: the chain, the operators, and the three flows between them."""

from dataclasses import dataclass
from typing import Final, Self

from api.venue.config import VenueConfig
from api.venue.loops import Loop
from api.venue.trading import Trading
from ledger.settlement.anchor_rounds import AnchorRounds
from ledger.settlement.batch_rounds import BatchRounds
from ledger.settlement.chain import ChainClient
from ledger.settlement.coordinator import Coordinator
from ledger.settlement.custody import Custody
from ledger.settlement.deposits import DepositWatcher
from ledger.settlement.errors import SettlementError
from ledger.settlement.operators import Operator, Operators
from ledger.settlement.ports import AsksOperators, CertifiedLog, WaitsCertified
from ledger.settlement.relayer import Relayer
from ledger.settlement.rounds import Venue as Sides
from ledger.settlement.store import SettlementStore

NS_PER_S: Final = 1_000_000_000
DEPOSITS_EVERY_MS: Final = 250


@dataclass(frozen=True, slots=True)
class Certification:
    """Stage 5 as settlement sees it: certified history, its clock, and the line to operators."""

    log: CertifiedLog
    certifier: WaitsCertified
    line: AsksOperators


@dataclass(frozen=True, slots=True)
class Settling:
    """What is open."""

    custody: Custody
    store: SettlementStore
    deposits: DepositWatcher
    anchor_rounds: AnchorRounds
    batches: Coordinator
    anchors: Coordinator

    @classmethod
    async def open(
        cls, config: VenueConfig, trading: Trading, certification: Certification
    ) -> Self:
        """Connect to the chain and take up the rounds where they stand.

        Raises:
            ChainDown, WrongChain: The chain is not there, or not the one of the deployment.
            StoreVersion: The settlement database is of another version.
        """
        chain = ChainClient(config.chain_url, config.deployment.chain_id)
        try:
            await chain.ensure_chain()
            store = SettlementStore(config.folder / "settlement.sqlite")
        except BaseException:
            chain.close()
            raise
        custody = Custody(chain, config.deployment)
        team = tuple(
            Operator(member.name, bytes.fromhex(member.operator[2:]))
            for member in config.group.members
        )
        operators = Operators(certification.line, team)
        relayer = Relayer(chain, config.relayer, store)
        sides = Sides(trading.engine, certification.log, certification.certifier, trading.sequencer)
        anchor_rounds = AnchorRounds(sides, custody, config.anchor_every_blocks)
        batch_rounds = BatchRounds(sides, custody, lambda: config.now_ns() // NS_PER_S)
        return cls(
            custody=custody,
            store=store,
            deposits=DepositWatcher(custody, trading.engine, trading.sequencer),
            anchor_rounds=anchor_rounds,
            batches=Coordinator(batch_rounds, custody, operators, relayer, store),
            anchors=Coordinator(anchor_rounds, custody, operators, relayer, store),
        )

    def deposit_loop(self) -> Loop:
        """The work that brings deposits in."""
        return Loop("deposits", self.deposits.poll, (SettlementError,), DEPOSITS_EVERY_MS)

    def close(self) -> None:
        """Let go of the chain and the database."""
        self.store.close()
        self.custody.client.close()
