"""The replica's process: configuration file in, one line when ready, a clean stop on SIGTERM."""

import asyncio
import signal
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from ledger.audit.errors import ConfigRefused, GroupRefused
from ledger.audit.group import read_group
from ledger.audit.keys import read_key_file
from ledger.audit.ports import M, MachineFactory, Service
from ledger.audit.replica import Replica, ReplicaConfig


class _ConfigFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`group`, `key` and `directory` are paths, relative to the file's own folder."""

    group: str
    name: str
    key: str
    directory: str
    host: str | None = None
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None


def read_replica_config(path: Path) -> ReplicaConfig:
    """Read a replica's TOML file (docs/spec/consensus.md, section 8).

    Raises:
        ConfigRefused: Unreadable or malformed, or the key is not the group's for this name.
        GroupRefused, KeyRefused, KeyFileRefused: The files that it names.
    """
    try:
        file = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _ConfigFile)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigRefused(str(path), str(error)) from error
    folder = path.parent
    group = read_group(folder / file.group)
    key = read_key_file(folder / file.key)
    try:
        member = group.members[group.index_of(file.name)]
    except GroupRefused as error:
        raise ConfigRefused(str(path), error.reason) from error
    if member.key != key.public:
        raise ConfigRefused(str(path), f"the key is not the one of {file.name} in the group file")
    return ReplicaConfig(
        group=group,
        name=file.name,
        key=key,
        directory=folder / file.directory,
        host=member.host if file.host is None else file.host,
        port=member.port if file.port is None else file.port,
    )


async def run_replica(
    config: ReplicaConfig, machine: MachineFactory[M], services: Mapping[str, Service]
) -> None:
    """Run one replica until SIGTERM or SIGINT; prints one line when it is ready.

    Raises:
        LedgerFileError, RootsDiffer, PortInUse: It could not start, or had to stop.
    """
    replica = Replica(config, machine, services)
    stop, ready = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    announce = asyncio.create_task(_announce(replica, config, ready))
    try:
        await replica.run(stop, ready)
    finally:
        announce.cancel()


async def _announce(replica: Replica[M], config: ReplicaConfig, ready: asyncio.Event) -> None:
    await ready.wait()
    tip = replica.ledger.tip
    torn = f" cut {replica.ledger.torn}" if replica.ledger.torn else ""
    sys.stdout.write(
        f"replica {config.name} ready on {config.host}:{config.port}"
        f" block {tip.number} seq {tip.last_seq}{torn}\n"
    )
    sys.stdout.flush()
