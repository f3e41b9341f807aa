"""What one venue is made of. The devnet fills it in; a real deployment reads it from a file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from compliance.valuation import Price
from ledger.audit.group import Group
from ledger.audit.keys import SigningKey
from ledger.settlement.keystore import Signer
from ledger.settlement.manifest import Deployment

ANCHOR_EVERY_BLOCKS: Final = 100
BLOCK_INTERVAL_MS: Final = 80
"""How long a command may wait for its block to fill: five processes work on every block."""


@dataclass(frozen=True, slots=True)
class ComplianceConfig:
    """Stage 7's choices.

    Attributes:
        jurisdiction: Of the venue's legal entity: selects the rule pack's rows.
        sanctions: A folder of OFAC address lists; None takes the small sample in the repository.
        prices: (asset symbol, currency) to price, for thresholds.
    """

    jurisdiction: str
    sanctions: Path | None
    prices: dict[tuple[str, str], Price] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VenueConfig:
    """One venue.

    Attributes:
        folder: Journal, ledger copy, stores, reports.
        group: Who certifies.
        key: The venue's Ed25519 key; its public half stands in the group.
        relayer: Pays gas for batches and anchors; has no other power.
        chain_url: JSON-RPC of the chain that custody stands on.
        deployment: The custody contracts.
        genesis: Commands of the first start, made when the journal is empty.
        compliance: Stage 7.
        host, port: Where the API listens; port 0 lets the system choose.
        now_ns: The clock.
        anchor_every_blocks: How often certified blocks are anchored.
        block_interval_ms: How long a command may wait for its block to fill.
    """

    folder: Path
    group: Group
    key: SigningKey
    relayer: Signer
    chain_url: str
    deployment: Deployment
    genesis: Callable[[], list[bytes]]
    compliance: ComplianceConfig
    host: str
    port: int
    now_ns: Callable[[], int]
    anchor_every_blocks: int = ANCHOR_EVERY_BLOCKS
    block_interval_ms: int = BLOCK_INTERVAL_MS
