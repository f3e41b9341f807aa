"""An Ethereum chain for one machine: py-evm behind JSON-RPC on loopback, blocks on disk.

`run_devchain` is the process; wallets, web3, ape and cast talk to it like to any node. Keys stay
outside: it signs nothing and unlocks nothing. Normative text: docs/spec/settlement.md, section 1.
"""

import asyncio
from collections.abc import Callable

from ledger.settlement.devchain.config import DevchainConfig

__all__ = ["DevchainConfig", "run_devchain"]


async def run_devchain(
    config: DevchainConfig,
    ready: Callable[[str], None] | None = None,
    now_s: Callable[[], int] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve the chain until it is told to stop, then close it.

    Args:
        config: Which chain, and where.
        ready: Called once with the URL when requests are answered; prints one line by default.
        now_s: The clock for block timestamps, in seconds; the wall's by default.
        stop: Ends it when set; without one, SIGINT and SIGTERM do.

    Raises:
        PortInUse: The port is taken.
        ChainLocked, ChainFormat, WrongChain, ChainDamaged: The database cannot be opened.
    """
    from ledger.settlement.devchain import server  # noqa: PLC0415  # py-evm takes a second to load

    lifetime = server.Lifetime(
        ready=ready or server.print_ready,
        now_s=now_s or server.wall_clock_s,
        stop=stop or server.stop_on_signals(),
    )
    await server.serve_chain(config, lifetime)
