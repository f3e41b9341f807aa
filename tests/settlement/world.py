"""A whole settlement world for tests: real engine, real contracts and Safe, a real chain process.

Only certification is done here in one process: `Ledger` executes and closes blocks, and each
operator's replica executes the closed blocks with an engine of its own.
"""

import hashlib
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from web3 import HTTPProvider, Web3

from ledger.engine import Engine
from ledger.journal.ports import Ack
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import CommandKind, OrderStatus, Reject
from ledger.records.layout import COMMAND
from ledger.settlement.anchor_rounds import AnchorRounds
from ledger.settlement.artifacts import load
from ledger.settlement.batch_rounds import BatchRounds
from ledger.settlement.chain import ChainClient
from ledger.settlement.coordinator import Coordinator
from ledger.settlement.custody import Custody
from ledger.settlement.deploy import Plan, TokenPlan, deploy
from ledger.settlement.deposits import DepositWatcher
from ledger.settlement.errors import OperatorSilent
from ledger.settlement.keystore import LocalSigner
from ledger.settlement.manifest import read
from ledger.settlement.operators import Operator, Operators
from ledger.settlement.relayer import Relayer
from ledger.settlement.rounds import Venue
from ledger.settlement.signer import ANCHOR_SERVICE, BATCH_SERVICE, AnchorSigner, BatchSigner
from ledger.settlement.store import SettlementStore
from tests.settlement.ground import ALICE, BOB, address_of

NOW_S = 1_800_000_000
THRESHOLD = 3
NAMES = ("ada", "bea", "cai", "dan")
KEYS = {name: (0x1000 + at).to_bytes(32, "big") for at, name in enumerate(NAMES)}
RELAYER_KEY = int(BOB.key.hex(), 16).to_bytes(32, "big")
TOKENS = (
    TokenPlan("USDC", 6, 10**13, 10**9),
    TokenPlan("WETH", 18, 10**23, 10**18),
)
USDC, WETH = 0, 1
LEDGER_DECIMALS = {"USDC": 6, "WETH": 8}
CUSTOMER = 16
PAYEE = b"\x55" * 20


@dataclass(frozen=True)
class Block:
    """A certified block."""

    number: int
    first_seq: int
    last_seq: int
    state_root: bytes
    log_size: int
    log_root: bytes


@dataclass(frozen=True)
class Entries:
    """Its records."""

    first_seq: int
    commands: np.ndarray
    outcomes: np.ndarray

    def cut(self, first: int, last: int) -> "Entries":
        start, end = max(first, self.first_seq), min(last, self.first_seq + len(self.commands) - 1)
        part = slice(start - self.first_seq, end - self.first_seq + 1)
        return Entries(start, self.commands[part], self.outcomes[part])


@dataclass
class Log:
    """A certified history as one party knows it, with that party's engine."""

    engine: Engine = field(default_factory=Engine)
    blocks: list[Block] = field(default_factory=list)
    entries: list[Entries] = field(default_factory=list)

    @property
    def block(self):
        return self.blocks[-1] if self.blocks else None

    def header(self, number):
        return self.blocks[number - 1] if 1 <= number <= len(self.blocks) else None

    def block_of(self, seq):
        return next((one for one in self.blocks if one.first_seq <= seq <= one.last_seq), None)

    def records(self, first_seq, last_seq):
        assert self.block is not None
        assert last_seq <= self.block.last_seq
        for block, entries in zip(self.blocks, self.entries, strict=True):
            if block.last_seq >= first_seq and block.first_seq <= last_seq:
                yield entries.cut(first_seq, last_seq)


class Ledger(Log):
    """The venue: sequences and executes at once, certifies when it is waited for."""

    def __init__(self, followers) -> None:
        super().__init__()
        self.followers = followers
        self.open: list[bytes] = []
        self.time_ns = NOW_S * 10**9
        self.rejects: list[tuple[CommandKind, Reject]] = []
        self.outcomes: list[np.ndarray] = []

    async def submit(self, raw: bytes) -> Ack:
        return self.execute(raw)

    def execute(self, raw: bytes) -> Ack:
        self.time_ns += 1
        raw = self.time_ns.to_bytes(8, "little") + raw[8:]
        done = self.engine.execute(np.frombuffer(raw, COMMAND))
        outcome = done.outcomes[0]
        self.open.append(raw)
        self.outcomes.append(done.outcomes.copy())
        kind, reject = CommandKind(int(outcome["kind"])), Reject(int(outcome["reject"]))
        if reject:
            self.rejects.append((kind, reject))
        return Ack(
            seq=int(outcome["seq"]), time_ns=self.time_ns, kind=kind, reject=reject,
            status=OrderStatus.NONE, subject_id=int(outcome["subject_id"]), filled_lots=0,
            filled_quote_minor=0, remaining_lots=0, amount_minor=int(outcome["amount_minor"]),
            events=done.events,
        )  # fmt: skip

    def run(self, kind: CommandKind, **fields) -> Ack:
        ack = self.execute(command(kind, **fields))
        assert ack.reject == Reject.NONE, ack
        return ack

    def certify(self) -> None:
        """Close a block of everything executed since the last; replicas execute it themselves."""
        if not self.open:
            return
        commands = np.frombuffer(b"".join(self.open), COMMAND)
        first = self.block.last_seq + 1 if self.block else 1
        entries = Entries(first, commands, np.concatenate(self.outcomes))
        self._close(entries)
        for follower in self.followers:
            done = follower.engine.execute(commands)
            assert follower.engine.state_root() == self.engine.state_root()
            assert done.outcomes.tobytes() == entries.outcomes.tobytes()
            follower.blocks.append(self.block)
            follower.entries.append(entries)
        self.open, self.outcomes = [], []

    def _close(self, entries: Entries) -> None:
        last = entries.first_seq + len(entries.commands) - 1
        before = self.block.log_root if self.block else b""
        root = hashlib.sha256(before + entries.commands.tobytes()).digest()
        number = len(self.blocks) + 1
        state_root = self.engine.state_root()
        self.blocks.append(Block(number, entries.first_seq, last, state_root, 2 * last, root))
        self.entries.append(entries)

    async def wait_certified(self, seq: int) -> None:
        self.certify()
        assert self.block.last_seq >= seq


class Line:
    """The venue's line to the operators' services, each over its own replica."""

    def __init__(self) -> None:
        self.services = {}
        self.asked = []

    async def request(self, operator, service, payload, _):
        self.asked.append((operator, service))
        if operator not in self.services:
            raise OperatorSilent(operator, "not there")
        state, services = self.services[operator]
        return await services[service].answer(state, payload)


class World:
    """Everything, with the venue's service objects made afresh from disk by `restart`."""

    def __init__(self, url: str, directory: Path) -> None:
        self.directory = directory
        self.web3 = Web3(HTTPProvider(url, exception_retry_configuration=None))
        self.url = url
        plan = Plan(
            owners=tuple(LocalSigner(key).address for key in KEYS.values()),
            threshold=THRESHOLD,
            guardians=(address_of(ALICE),),
            tokens=TOKENS,
        )
        manifest = directory / "deployment.json"
        self.deployment = read(manifest) or deploy(self.web3, ALICE, plan, manifest)
        self.vault = self._contract("HotVault", self.deployment.vault)
        self.registry = self._contract("AnchorRegistry", self.deployment.anchors)
        self.tokens = [self._contract("DevToken", one.address) for one in self.deployment.tokens]
        self.logs = {name: Log() for name in NAMES}
        self.ledger = Ledger(list(self.logs.values()))
        self.clients: list[ChainClient] = []
        self.stores: list[SettlementStore] = []
        self.line = Line()
        for name in NAMES:
            self.restart_operator(name)
        self._nonces = itertools.count()
        self.restart()

    def _contract(self, name: str, address: bytes):
        return self.web3.eth.contract(Web3.to_checksum_address(address), abi=load(name).abi)

    def custody(self) -> Custody:
        client = ChainClient(self.url, self.deployment.chain_id)
        self.clients.append(client)
        return Custody(client, self.deployment)

    def store(self, name: str) -> SettlementStore:
        store = SettlementStore(self.directory / f"{name}.sqlite3")
        self.stores.append(store)
        return store

    def restart_operator(self, name: str) -> None:
        """The operator's services anew, from what is on its disk."""
        signer, custody, store = LocalSigner(KEYS[name]), self.custody(), self.store(name)
        services = {
            BATCH_SERVICE: BatchSigner(signer, custody, store),
            ANCHOR_SERVICE: AnchorSigner(signer, custody, store),
        }
        self.line.services[name] = (self.logs[name], services)

    def restart(self) -> None:
        """The venue's settlement service anew, from what is on its disk."""
        custody, store = self.custody(), self.store("venue")
        ledger = self.ledger
        venue = Venue(ledger.engine, ledger, ledger, ledger)
        team = tuple(Operator(name, LocalSigner(key).address) for name, key in KEYS.items())
        operators = Operators(self.line, team)
        relayer = Relayer(custody.client, LocalSigner(RELAYER_KEY), store, ask_times=1)
        self.batch_rounds = BatchRounds(venue, custody, lambda: NOW_S)
        self.anchor_rounds = AnchorRounds(venue, custody, every_blocks=10)
        self.batches = Coordinator(self.batch_rounds, custody, operators, relayer, store)
        self.anchors = Coordinator(self.anchor_rounds, custody, operators, relayer, store)
        self.watcher = DepositWatcher(custody, ledger.engine, ledger)
        self.chain = custody
        self.memory = store

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for store in self.stores:
            store.close()

    # What people do

    def send(self, function, owner=ALICE):
        """Sign and send a contract call; returns the receipt, of success."""
        nonce = self.web3.eth.get_transaction_count(owner.address)
        built = function.build_transaction({"from": owner.address, "nonce": nonce})
        raw = owner.sign_transaction(built).raw_transaction
        receipt = self.web3.eth.wait_for_transaction_receipt(
            self.web3.eth.send_raw_transaction(raw), poll_latency=0.01
        )
        assert receipt["status"] == 1
        return receipt

    def list_assets(self, *assets: int, checks: int = 0) -> None:
        for asset in assets or (USDC, WETH):
            token = self.deployment.tokens[asset]
            self.ledger.run(
                CommandKind.LIST_ASSET,
                asset=asset,
                ledger_decimals=LEDGER_DECIMALS[token.symbol],
                token_decimals=token.decimals,
                required_checks=checks,
                supply_max_minor=2**61,
                symbol=token.symbol.encode(),
                **address_fields("token", token.address),
            )

    def open_accounts(self, count: int = 1) -> None:
        for _ in range(count):
            self.ledger.run(CommandKind.OPEN_ACCOUNT, account=self.ledger.engine.account_count)

    def mint(self, asset: int = USDC, amount_wei: int = 10**24) -> None:
        token = self.tokens[asset]
        self.send(token.functions.mint(ALICE.address, amount_wei))
        self.send(token.functions.approve(self.deployment.vault, 2**256 - 1))

    def deposit(self, amount_wei: int, account: int = CUSTOMER, asset: int = USDC):
        return self.send(
            self.vault.functions.deposit(self.deployment.tokens[asset].address, amount_wei, account)
        )

    def withdraw(self, amount_minor: int, asset: int = USDC, payee: bytes = PAYEE) -> int:
        ack = self.ledger.run(
            CommandKind.REQUEST_WITHDRAWAL,
            account=CUSTOMER,
            asset=asset,
            amount_minor=amount_minor,
            client_id=b"%d" % next(self._nonces),
            **address_fields("payee", payee),
        )
        return ack.seq

    def report(self, number: int) -> None:
        self.ledger.run(
            CommandKind.RECORD_REPORT,
            report_kind=1,
            from_seq=1,
            to_seq=1,
            **digest_fields("report", number.to_bytes(32, "big")),
            **digest_fields("pack", b"\x07" * 32),
        )

    def balance_of(self, payee: bytes = PAYEE, asset: int = USDC) -> int:
        return self.tokens[asset].functions.balanceOf(Web3.to_checksum_address(payee)).call()
