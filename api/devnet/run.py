"""`provenue devnet`: a venue in the foreground until Ctrl-C; the next start goes on from there."""

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from api.devnet.credentials import FILE, credentials_of
from api.devnet.devnet import Devnet, DevnetConfig
from api.devnet.folder import locked


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
    """Addresses and keys, everything that a client needs, each on a line of its own."""
    deployment, folder = devnet.deployment, devnet.folder
    gate = devnet.venue.door.gate.url
    lines = [
        ("API, Binance dialect", gate),
        ("its documentation", f"{gate}/docs"),
        ("chain, JSON-RPC", devnet.chain_url),
        ("HotVault", "0x" + deployment.vault.hex()),
        ("AnchorRegistry", "0x" + deployment.anchors.hex()),
        ("Safe of the operators", "0x" + deployment.safe.hex()),
        *((f"token {one.symbol}", "0x" + one.address.hex()) for one in deployment.tokens),
        *(
            (one.name, f"{one.host}:{one.port}, operator {one.operator}")
            for one in folder.group.members
        ),
        ("group file", str(folder.group_file)),
        ("its fingerprint", folder.group.fingerprint),
        ("chain keys, devnet only", str(folder.root / "keys")),
        ("logs", str(folder.logs)),
        ("credentials", str(folder.root / FILE)),
    ]
    credentials = credentials_of(devnet.venue.door, folder)
    for name, one in credentials.customers.items():
        lines.append((f"customer {name}", f"account {one.account}, chain {one.chain_address}"))
        lines.append(("  API key", one.api_key))
        lines.append(("  secret", one.secret))
    lines.append(("regulator's token", credentials.regulator_token))
    for what, where in lines:
        out.print(f"{what:<24}{where}", markup=False)
    replayed = devnet.venue.trading.replayed
    out.print(
        f"[green]ready[/] at command {devnet.venue.trading.engine.seq:,}, of which {replayed:,} "
        "were executed again from the journal. Ctrl-C stops it."
    )
