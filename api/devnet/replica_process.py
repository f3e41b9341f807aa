"""The process of one replica and its operator's signing services.

It stands for an institution: its own ledger, keys and line to the chain. From the venue it takes
nothing but signed batches of commands, and requests to sign what it derives by itself.
"""

import asyncio
from pathlib import Path

from api.devnet.errors import RoleMalformed
from api.devnet.roles import ReplicaRole, read_role
from ledger.audit.group import read_group
from ledger.audit.keys import read_key_file
from ledger.audit.replica import ReplicaConfig, run_replica
from ledger.engine import Engine
from ledger.settlement.chain import ChainClient
from ledger.settlement.custody import Custody
from ledger.settlement.keystore import open_key
from ledger.settlement.manifest import read as read_manifest
from ledger.settlement.signer import (
    ANCHOR_SERVICE,
    BATCH_SERVICE,
    AnchorSigner,
    BatchSigner,
)
from ledger.settlement.store import SettlementStore


def run_replica_process(path: Path) -> int:
    """Serve one replica until SIGTERM; `path` is its role's file."""
    asyncio.run(_serve(read_role(path, ReplicaRole)))
    return 0


async def _serve(role: ReplicaRole) -> None:
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
        custody = Custody(chain, deployment)
        services = {
            BATCH_SERVICE: BatchSigner(signer, custody, store),
            ANCHOR_SERVICE: AnchorSigner(signer, custody, store),
        }
        try:
            await run_replica(config, Engine, services)
        finally:
            store.close()
