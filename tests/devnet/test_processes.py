"""Child processes: ready by their first line, ended by pid, and never left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.devnet.errors import ChildDied, DevnetRunning
from api.devnet.folder import free_ports, locked
from api.devnet.processes import log_tail, start, start_all, stop_all
from api.devnet.roles import ChainRole, read_role, write_role

CHAIN_ID = 31337


def _chain(folder: Path, port: int = 0) -> list[str]:
    path = folder / "chain.json"
    write_role(path, ChainRole(str(folder / "chain"), CHAIN_ID, port, ()))
    return ["chain", "--config", str(path)]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_child_says_where_it_is_and_stops_cleanly(tmp_path: Path) -> None:
    async def lifetime() -> int:
        child = await start("chain", _chain(tmp_path), tmp_path / "chain.log")
        assert child.ready_line.startswith("devchain ready http://127.0.0.1:")
        assert _alive(child.pid)
        return await child.stop()

    assert asyncio.run(lifetime()) == 0
    assert log_tail(tmp_path / "chain.log") == ""


def test_a_child_that_ends_before_it_is_ready_tells_why(tmp_path: Path) -> None:
    path = tmp_path / "chain.json"
    path.write_text("{}")
    with pytest.raises(ChildDied) as caught:
        asyncio.run(start("chain", ["chain", "--config", str(path)], tmp_path / "chain.log"))
    assert caught.value.exit_code == 2
    assert "RoleMalformed" in caught.value.log_tail


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    async def clash() -> ChildDied:
        first = await start("chain", _chain(tmp_path / "a"), tmp_path / "a.log")
        port = int(first.ready_line.rsplit(":", 1)[1])
        try:
            with pytest.raises(ChildDied) as caught:
                await start("chain", _chain(tmp_path / "b", port), tmp_path / "b.log")
        finally:
            await first.stop()
        assert f"port={port}" in caught.value.log_tail
        return caught.value

    assert "PortInUse" in asyncio.run(clash()).log_tail


def test_when_one_cannot_start_the_others_are_ended(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("[]")
    good, bad = _chain(tmp_path), ["chain", "--config", str(tmp_path / "bad.json")]
    with pytest.raises(ChildDied):
        asyncio.run(start_all([("good", good), ("bad", bad)], tmp_path / "logs"))
    role = read_role(tmp_path / "chain.json", ChainRole)
    # The database's lock is free again, so the good one is gone.

    async def again() -> None:
        await stop_all([await start("chain", _chain(tmp_path), tmp_path / "again.log")])

    asyncio.run(again())
    assert Path(role.directory).is_dir()


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = f"""
import asyncio, sys
from pathlib import Path
from api.devnet.processes import start
async def main():
    child = await start("chain", {json.dumps(_chain(tmp_path))}, Path({str(tmp_path / "c.log")!r}))
    print(child.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
    deadline = os.times().elapsed + 20
    while _alive(pid) and os.times().elapsed < deadline:
        pass
    assert not _alive(pid)


def test_one_folder_runs_one_devnet(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(DevnetRunning) as caught, locked(tmp_path):
        pass
    assert caught.value.pid == os.getpid()
    with locked(tmp_path):
        pass


def test_free_ports_differ() -> None:
    ports = free_ports(8)
    assert len(set(ports)) == 8
