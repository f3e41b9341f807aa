"""Four real replica processes on loopback, and a venue in this process."""

import asyncio
import hashlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from api.devnet.folder import free_ports
from ledger.audit.certifier import Certifier, CutPolicy
from ledger.audit.client import GroupClient
from ledger.audit.group import VENUE, Group
from ledger.audit.keys import write_key_file
from ledger.records.layout import COMMAND
from tests.audit.ground import CountingMachine, author_of, make_commands, make_group

ROOT = Path(__file__).resolve().parent.parent.parent


class Journal:
    """Durable commands, as the certifier reads them."""

    def __init__(self) -> None:
        self.rows = np.zeros(0, COMMAND)

    def extend(self, count: int) -> int:
        more = make_commands(len(self.rows) + 1, count)
        self.rows = np.concatenate([self.rows, more])
        return len(self.rows)

    def commands(self, first_seq: int, limit: int) -> NDArray[Any]:
        return self.rows[first_seq - 1 : first_seq - 1 + limit]


@dataclass
class Cluster:
    root: Path
    group: Group
    machines: dict[int, str] = field(default_factory=dict)
    module: str = "tests.audit.replica_process"
    processes: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, size: int = 4, **options: Any) -> "Cluster":
        group = make_group(size, ports=tuple(free_ports(size)))
        (root / "group.json").write_bytes(group.encode())
        for i in range(size):
            seed = hashlib.sha256(f"test key of r{i}".encode()).digest()
            write_key_file(root / f"r{i}.key", seed)
            (root / f"r{i}.toml").write_text(
                f'group = "group.json"\nname = "r{i}"\nkey = "r{i}.key"\ndirectory = "r{i}"\n'
            )
        return cls(root, group, **options)

    cwd = ROOT

    @property
    def env(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(ROOT)}

    def command(self, i: int) -> tuple[str, ...]:
        config = str(self.root / f"r{i}.toml")
        return sys.executable, "-m", self.module, config, self.machines.get(i, "counting")

    async def start(self, *members: int) -> None:
        for i in members:
            self.processes[i] = await asyncio.create_subprocess_exec(
                *self.command(i), stdout=asyncio.subprocess.PIPE, cwd=self.cwd, env=self.env
            )
        for i in members:
            stdout = self.processes[i].stdout
            assert stdout is not None
            line = await asyncio.wait_for(stdout.readline(), 60)
            assert b"ready" in line, line

    async def kill(self, member: int, how: int = signal.SIGKILL) -> int:
        process = self.processes.pop(member)
        process.send_signal(how)
        return await asyncio.wait_for(process.wait(), 30)

    async def stop(self) -> None:
        for member in tuple(self.processes):
            await self.kill(member)


class VenueSide:
    """The venue's journal, client and certifier, running."""

    def __init__(self, cluster: Cluster, journal: Journal, machine=CountingMachine, **policy):
        self.client = GroupClient(author_of(cluster.group, VENUE))
        self.journal = journal
        self.certifier = Certifier(
            self.client, cluster.root / "venue", journal, machine, CutPolicy(**policy)
        )
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self.tasks = [
            asyncio.create_task(self.client.run()),
            asyncio.create_task(self.certifier.run()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.certifier.close()

    async def certify(self, count: int, timeout_s: int = 60) -> int:
        last = self.journal.extend(count)
        self.certifier.notify()
        await asyncio.wait_for(self.certifier.wait_certified(last), timeout_s)
        return last

    async def until_all_at(self, members, seq: int, timeout_s: int = 60) -> None:
        async with asyncio.timeout(timeout_s):
            for name in members:
                await self.client.wait_replica(name, seq, timeout_s * 1000)
