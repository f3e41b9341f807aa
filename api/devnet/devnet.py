"""A whole devnet: chain, contracts, replicas and venue, started in order and stopped in reverse."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from eth_account import Account
from web3 import HTTPProvider, Web3

from api.devnet.anvil_process import find_anvil
from api.devnet.errors import ChainNotThere
from api.devnet.folder import CUSTOMERS, FUNDED, LOOPBACK, Folder, open_folder
from api.devnet.genesis import ASSETS, deployment_plan, genesis_commands
from api.devnet.processes import Child, start, start_all, stop_all
from api.devnet.roles import ChainRole, ReplicaRole, write_role
from api.devnet.warmup import load_kernels
from api.venue.config import ComplianceConfig, VenueConfig
from api.venue.venue import Venue
from compliance.valuation import price_of_units
from ledger.audit.keys import read_key_file
from ledger.settlement.deploy import deploy
from ledger.settlement.manifest import Deployment

CHAIN_ID: Final = 31337
SALT_BYTES: Final = 32
"""Behind the commitments to the customers' names."""
CENTS_DECIMALS: Final = 2
PRICE_SOURCE: Final = "devnet: a fixed price, the same in euros and dollars"
"""What decisions record: a devnet has no price feed."""


@dataclass(frozen=True, slots=True)
class DevnetConfig:
    """What to start.

    Attributes:
        root: The folder that keeps everything.
        port: The API's; 0 lets the system choose.
        chain: "embedded", "anvil", or the URL of a node.
        chain_port: Of the chain that is started here; 0 lets the system choose.
        sanctions: A folder of OFAC address lists; None takes the repository's sample.
        jurisdiction: Of the venue's legal entity.
        anchor_every_blocks: How often certified blocks go to the chain.
    """

    root: Path
    port: int = 0
    chain: str = "embedded"
    chain_port: int = 0
    sanctions: Path | None = None
    jurisdiction: str = "EU"
    anchor_every_blocks: int = 100


Say = Callable[[str], object]


def _silent(_text: str) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class Devnet:
    """What runs. `replicas` are in the group's order."""

    config: DevnetConfig
    folder: Folder
    chain_url: str
    deployment: Deployment
    venue: Venue
    chain: Child | None = None
    replicas: list[Child] = field(default_factory=list)

    @classmethod
    async def open(cls, config: DevnetConfig, say: Say = _silent) -> Self:
        """Start everything; the venue is open, and works once `venue.run()` does.

        Args:
            config: What to start.
            say: Told, in a few words, what takes long.

        Raises:
            DevnetError, JournalError, AuditError, SettlementError, ComplianceError, VenueError:
                Something cannot start; what was started is stopped again.
        """
        folder = open_folder(config.root.resolve(), CHAIN_ID)
        children: list[Child] = []
        try:
            say("loading kernels (compiled on the first start, which takes about a minute)")
            await load_kernels(say)
            say("starting the chain and the custody contracts")
            chain, url = await _start_chain(config, folder)
            children += [chain] if chain else []
            deployment = await asyncio.to_thread(_deploy, folder, url)
            say("starting replicas and venue")
            replicas = await start_all(
                [(name, _replica(folder, name, url)) for name in _names(folder)], folder.logs
            )
            children += replicas
            venue = await Venue.open(_venue(config, folder, url, deployment))
        except BaseException:
            await stop_all(children)
            raise
        return cls(config, folder, url, deployment, venue, chain, replicas)

    def children(self) -> list[Child]:
        """Every process of it, the chain first."""
        return [*([self.chain] if self.chain else []), *self.replicas]

    async def stop_venue(self) -> None:
        """Close the venue and its replicas; the chain, which is nobody's, stays."""
        await self.venue.close()
        await stop_all(self.replicas)

    async def close_processes(self) -> None:
        """End what still runs."""
        await stop_all(self.children())

    async def close(self) -> None:
        """Stop everything, the venue first."""
        await self.stop_venue()
        await self.close_processes()


def _names(folder: Folder) -> list[str]:
    return [member.name for member in folder.group.members]


async def _start_chain(config: DevnetConfig, folder: Folder) -> tuple[Child | None, str]:
    if config.chain not in {"embedded", "anvil"}:
        return None, config.chain
    accounts = tuple("0x" + folder.address(name).hex() for name in (*FUNDED, *CUSTOMERS))
    role = ChainRole(str(folder.chain), CHAIN_ID, config.chain_port, accounts)
    path = folder.chain / "chain.json"
    write_role(path, role)
    log = folder.logs / "chain.log"
    if config.chain == "embedded":
        child = await start("chain", ["chain", "--config", str(path)], log)
    else:
        find_anvil()
        child = await start("anvil", [str(path)], log, module="api.devnet.anvil_process")
    return child, child.ready_line.rsplit(" ", 1)[-1]


def _deploy(folder: Folder, url: str) -> Deployment:
    """Deploy the custody contracts, or recognise them.

    Raises:
        ChainNotThere: Nothing answers at the URL.
        SettlementError: See `ledger.settlement.deploy.deploy`.
    """
    w3 = Web3(HTTPProvider(url, exception_retry_configuration=None))
    if not w3.is_connected():
        raise ChainNotThere(url)
    operators = tuple(folder.address(name) for name in _names(folder))
    plan = deployment_plan(operators, guardians=(folder.address("deployer"),))
    secret = folder.chain_key("deployer").read_text().strip()
    return deploy(w3, Account.from_key(secret), plan, folder.deployment)


def _replica(folder: Folder, name: str, url: str) -> list[str]:
    """A replica's file, and the arguments that start it."""
    directory = folder.root / name
    role = ReplicaRole(
        name=name,
        group=str(folder.group_file),
        directory=str(directory),
        audit_key=str(folder.audit_key(name)),
        operator_key=str(folder.chain_key(name)),
        deployment=str(folder.deployment),
        chain_url=url,
    )
    write_role(directory / "replica.json", role)
    return ["replica", "run", "--config", str(directory / "replica.json")]


def _venue(config: DevnetConfig, folder: Folder, url: str, deployment: Deployment) -> VenueConfig:
    prices = {
        (asset.symbol, currency): price_of_units(
            asset.devnet_price_cents, asset.ledger_decimals, CENTS_DECIMALS, PRICE_SOURCE
        )
        for asset in ASSETS
        for currency in ("EUR", "USD")
    }
    return VenueConfig(
        folder=folder.venue,
        group=folder.group,
        key=read_key_file(folder.audit_key("venue")),
        relayer=folder.signer("relayer"),
        chain_url=url,
        deployment=deployment,
        genesis=lambda: genesis_commands(deployment, secrets.token_bytes(SALT_BYTES)),
        compliance=ComplianceConfig(config.jurisdiction, config.sanctions, prices),
        host=LOOPBACK,
        port=config.port,
        now_ns=time.time_ns,
        anchor_every_blocks=config.anchor_every_blocks,
    )
