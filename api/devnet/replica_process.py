"""The process of one replica and its operator's signing services.

It stands for an institution: its own ledger, keys and line to the chain. From the venue it takes
nothing but signed batches of commands, and requests to sign what it derives by itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from api.devnet.errors import RoleMalformed
from api.devnet.lifeline import hold_on
from api.devnet.roles import ReplicaRole, read_role
from ledger.audit.group import read_group
from ledger.audit.keys import read_key_file
from ledger.audit.ports import Service
from ledger.audit.process import run_replica
from ledger.audit.replica import ReplicaConfig
from ledger.engine import Engine
from ledger.settlement.chain import ChainClient
from ledger.settlement.custody import Custody
from ledger.settlement.keystore import Signer, open_key
from ledger.settlement.manifest import read as read_manifest
from ledger.settlement.signer import (
    ANCHOR_SERVICE,
    BATCH_SERVICE,
    AnchorSigner,
    BatchSigner,
)
from ledger.settlement.store import SettlementStore


@dataclass(frozen=True, slots=True)
class Operator:
    """What an operator's services are made of."""

    signer: Signer
    custody: Custody
    store: SettlementStore


ServicesOf = Callable[[Operator], Mapping[str, Service]]


def honest_services(operator: Operator) -> Mapping[str, Service]:
    """The services that sign what the replica derived, and refuse everything else."""
    parts = operator.signer, operator.custody, operator.store
    return {BATCH_SERVICE: BatchSigner(*parts), ANCHOR_SERVICE: AnchorSigner(*parts)}


def run_replica_process(path: Path, services_of: ServicesOf = honest_services) -> int:
    """Serve one replica until SIGTERM.

    Args:
        path: Its role's file.
        services_of: Makes the operator's services.
    """
    hold_on()
    asyncio.run(_serve(read_role(path, ReplicaRole), services_of))
    return 0


async def _serve(role: ReplicaRole, services_of: ServicesOf) -> None:
    group = read_group(Path(role.group))
    member = group.members[group.index_of(role.name)]
    deployment = read_manifest(Path(role.deployment))
    if deployment is None:
        raise RoleMalformed(role.deployment, "no deployment manifest")
    directory = Path(role.directory)
    config = ReplicaConfig(
        group=group,
        name=role.name,
        key=read_key_file(Path(role.audit_key)),
        directory=directory / "ledger",
        host=member.host,
        port=member.port,
    )
    signer = open_key(Path(role.operator_key))
    store = SettlementStore(directory / "operator.sqlite")
    async with ChainClient(role.chain_url, deployment.chain_id) as chain:
        operator = Operator(signer, Custody(chain, deployment), store)
        try:
            await run_replica(config, Engine, services_of(operator))
        finally:
            store.close()
