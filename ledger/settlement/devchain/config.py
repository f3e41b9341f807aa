"""What a development chain is made of. The genesis fields count on the first start only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ETHER_WEI: Final = 10**18
CHAIN_ID: Final = 31337
"""The number that development chains use by convention; no public network has it."""
GAS_LIMIT: Final = 60_000_000
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class DevchainConfig:
    """One development chain.

    Attributes:
        directory: Where `chain.sqlite3` lives; created when absent.
        accounts: 20-byte addresses that own `balance_wei` each in the genesis block.
        balance_wei: Their genesis balance.
        chain_id: EIP-155 chain id; a database of another chain is refused.
        gas_limit: Of every block.
        port: 0 lets the operating system choose.
    """

    directory: Path
    accounts: tuple[bytes, ...] = ()
    balance_wei: int = 10_000 * ETHER_WEI
    chain_id: int = CHAIN_ID
    gas_limit: int = GAS_LIMIT
    port: int = 0
