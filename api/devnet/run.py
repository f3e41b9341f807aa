"""`provenue devnet`: a venue in the foreground until Ctrl-C; the next start goes on from there."""

import asyncio
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.customers import IssuedKey, KeyGrant
from api.devnet.devnet import Devnet, DevnetConfig
from api.devnet.folder import CUSTOMERS, locked
from api.devnet.genesis import account_of


@dataclass(frozen=True, slots=True)
class DevnetOptions:
    """What `provenue devnet` was asked for; see `DevnetConfig`."""

    folder: Path
    port: int
    chain: str
    chain_port: int
    sanctions: Path | None
    jurisdiction: str


def run_devnet(options: DevnetOptions) -> int:
    """Run until SIGINT or SIGTERM.

    Returns:
        0 after a clean stop.

    Raises:
        DevnetError and the stages' own errors: It could not start, or had to stop.
    """
    config = DevnetConfig(
        root=options.folder,
        port=options.port,
        chain=options.chain,
        chain_port=options.chain_port,
        sanctions=options.sanctions,
        jurisdiction=options.jurisdiction,
    )
    with locked(options.folder):
        asyncio.run(_run(config))
    return 0


async def _run(config: DevnetConfig) -> None:
    out = Console(highlight=False, soft_wrap=True)
    out.print("starting chain, contracts, replicas and venue …")
    devnet = await Devnet.open(config, out.print)
    try:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, told.set)
        async with devnet.venue.running(), asyncio.TaskGroup() as watching:
            tasks = [watching.create_task(_watch(devnet, out))]
            _introduce(devnet, out)
            await told.wait()
            out.print("stopping …")
            for task in tasks:
                task.cancel()
    finally:
        await devnet.close()


async def _watch(devnet: Devnet, out: Console) -> None:
    """Say when a replica ends by itself: three of four still certify, two do not."""
    waiting = {asyncio.ensure_future(child.died()) for child in devnet.children()}
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                out.print(f"[red]{one.result()}[/]")
    finally:
        for one in waiting:
            one.cancel()


def _introduce(devnet: Devnet, out: Console) -> None:
    """Addresses and keys, everything that a client needs."""
    deployment, folder = devnet.deployment, devnet.folder
    places = Table("what", "where", title="Devnet", title_justify="left")
    places.add_row("API (Binance dialect)", devnet.venue.door.gate.url)
    places.add_row("API documentation", f"{devnet.venue.door.gate.url}/docs")
    places.add_row("chain (JSON-RPC)", devnet.chain_url)
    places.add_row("HotVault", "0x" + deployment.vault.hex())
    places.add_row("AnchorRegistry", "0x" + deployment.anchors.hex())
    places.add_row("Safe of the operators", "0x" + deployment.safe.hex())
    for token in deployment.tokens:
        places.add_row(f"token {token.symbol}", "0x" + token.address.hex())
    for member in folder.group.members:
        places.add_row(member.name, f"{member.host}:{member.port}, operator {member.operator}")
    places.add_row("group file", str(folder.group_file))
    places.add_row("  fingerprint", folder.group.fingerprint)
    places.add_row("keys (devnet only)", str(folder.root / "keys"))
    places.add_row("logs", str(folder.logs))
    out.print(places)
    people = Table("customer", "account", "API key", "secret", "chain address")
    for name, key in issue_keys(devnet).items():
        address = "0x" + folder.address(name).hex()
        people.add_row(name, str(account_of(name)), key.api_key, key.secret, address)
    out.print(people)
    token = devnet.venue.door.regulators.issue_token("devnet", time.time_ns())
    out.print(f"regulator's token  {token}")
    replayed = devnet.venue.trading.replayed
    out.print(f"[green]ready[/] at command {devnet.venue.trading.engine.seq:,}", end="")
    out.print(f", {replayed:,} executed again from the journal. Ctrl-C stops it.")


def issue_keys(devnet: Devnet) -> dict[str, IssuedKey]:
    """A new API key for every customer; secrets are shown once and kept sealed."""
    door, now_ns = devnet.venue.door, time.time_ns()
    keys = {}
    for name in CUSTOMERS:
        account = account_of(name)
        if door.customers.find(account) is None:
            door.customers.open(account, name, now_ns)
        keys[name] = door.customers.issue_key(account, KeyGrant("devnet"), now_ns)
    return keys
