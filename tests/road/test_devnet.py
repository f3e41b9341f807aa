"""`provenue devnet` as its user has it: killed with -9, it goes on where it stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ccxt
import pytest

from api.demo.funding import Purse
from api.devnet.devnet import CHAIN_ID
from api.devnet.folder import open_folder
from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.group import read_group
from ledger.engine import Engine
from ledger.settlement.manifest import read as read_manifest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Running:
    """A devnet's process, and what it printed before it was ready."""

    process: subprocess.Popen[str]
    lines: list[str]

    def place(self, what: str) -> str:
        """What stands behind a word of the introduction."""
        (line,) = (line for line in self.lines if line.startswith(f"{what} "))
        return line.split()[-1]


@contextlib.contextmanager
def devnet(folder: Path) -> Iterator[Running]:
    """A running devnet; whatever the test leaves of it is killed."""
    command = [sys.executable, "-m", "api.cli", "devnet", "--dir", str(folder)]
    command += ["--port", "0", "--chain-port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("ready at"):
                break
        else:
            pytest.fail("".join(lines))
        try:
            yield Running(process, lines)
        finally:
            process.kill()


def client(folder: Path, running: Running, name: str) -> ccxt.binance:
    """An unmodified ccxt with only its base URLs changed."""
    mine = json.loads((folder / "credentials.json").read_text())["customers"][name]
    exchange = ccxt.binance({"apiKey": mine["api_key"], "secret": mine["secret"]})
    gate = running.place("API,")
    exchange.urls["api"] = {
        face: f"{gate}/{url.split('/', 3)[3]}" for face, url in exchange.urls["api"].items()
    }
    return exchange


def deposit(folder: Path, running: Running) -> None:
    """Alice brings 1,000,000 USDC to the vault."""
    deployment = read_manifest(folder / "deployment.json")
    assert deployment is not None
    purse = Purse(running.place("chain,"), deployment, open_folder(folder, CHAIN_ID))
    purse.deposit("alice", 0, 1_000_000)


def free_usdc(exchange: ccxt.binance) -> float:
    return exchange.fetch_balance().get("USDC", {}).get("free", 0)


def test_acknowledged_orders_survive_kill_9_and_end_certified(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    with devnet(folder) as running:
        alice = client(folder, running, "alice")
        deposit(folder, running)
        deadline = os.times().elapsed + 30
        while not free_usdc(alice) and os.times().elapsed < deadline:
            continue
        placed = [
            alice.create_order("BTC/USDC", "limit", "buy", 0.01, 50_000 + step)["id"]
            for step in range(20)
        ]
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    with devnet(folder) as running:
        alice = client(folder, running, "alice")
        assert [order["id"] for order in alice.fetch_open_orders("BTC/USDC")] == placed
        alice.cancel_order(placed[0], "BTC/USDC")
        assert free_usdc(alice) > 0
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=60) == 0
    group = read_group(folder / "group.json")
    for member in group.members:
        report = verify_ledger(folder / member.name / "ledger", group, Engine())
        assert report.header is not None
        assert report.header.last_seq >= int(placed[-1])


def test_a_second_start_in_the_same_folder_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    with devnet(folder):
        command = [sys.executable, "-m", "api.cli", "devnet", "--dir", str(folder)]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 2
    assert "DevnetRunning" in second.stderr
