"""The process that serves the embedded chain."""

import asyncio
from pathlib import Path

from api.devnet.lifeline import hold_on
from api.devnet.roles import ChainRole, read_role
from ledger.settlement.devchain import DevchainConfig, run_devchain


def run_chain_process(path: Path) -> int:
    """Serve the embedded chain until SIGTERM; `path` is its role's file."""
    hold_on()
    role = read_role(path, ChainRole)
    config = DevchainConfig(
        directory=Path(role.directory),
        accounts=tuple(bytes.fromhex(account[2:]) for account in role.accounts),
        chain_id=role.chain_id,
        port=role.port,
    )
    asyncio.run(run_devchain(config))
    return 0
