"""kill -9 of a real writer under load: everything acknowledged is there, as it was."""

import signal
import subprocess
import sys
from random import Random

import numpy as np
import pytest

from ledger.engine import Engine
from ledger.journal.journal import Journal
from ledger.journal.recovery import recover
from ledger.records.layout import ORDER
from tests.journal.machine import VENUE, Machine, orders


def killed(module, directory, seed, lines_wanted):
    """Run a writer, kill it after so many lines; returns the words of each whole line."""
    command = [sys.executable, "-m", f"tests.journal.{module}", str(directory), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        lines = [process.stdout.readline() for _ in range(lines_wanted + 1)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
    assert process.returncode == -signal.SIGKILL
    assert lines[0] == b"ready\n"
    return [line.decode().split() for line in lines[1:] if line.endswith(b"\n")]


@pytest.mark.parametrize("seed", range(6))
def test_every_acknowledged_command_survives_kill_9(tmp_path, seed):
    """Three lives on one journal, each ended at a random moment."""
    random = Random(seed)
    price_at = {}
    for life in range(3):
        lines = killed("crash_writer", tmp_path / "j", 10 * seed + life, random.randrange(1, 120))
        for first, last, first_price in (map(int, line) for line in lines):
            for seq in range(first, last + 1):
                assert seq not in price_at, "no seq is given twice, in any life"
                price_at[seq] = first_price + seq - first
        journal, machine = Journal.open(tmp_path / "j", VENUE), Machine()
        recover(journal, machine, [])
        assert machine.seq == journal.last_seq >= max(price_at)
        frames = np.concatenate([frame.commands for frame in journal.read()])
        journal.close()
        prices = frames.view(ORDER)["price_ticks"].tolist()
        assert all(prices[seq - 1] == price for seq, price in price_at.items())


@pytest.mark.parametrize("seed", range(2))
def test_the_state_root_after_kill_9_is_the_one_before(tmp_path, seed):
    """Two lives of the real engine: at every point that a life showed, the replay agrees."""
    random = Random(seed)
    for life in range(2):
        lines = killed("crash_venue", tmp_path / "j", 10 * seed + life, random.randrange(1, 25))
        shown = {int(seq): root for seq, root in lines}
        journal, engine = Journal.open(tmp_path / "j", VENUE), Engine()
        assert journal.last_seq >= max(shown)
        commands = np.concatenate([orders(range(0)), *(frame.commands for frame in journal.read())])
        journal.close()
        for seq in [*sorted(shown), len(commands)]:
            engine.execute(commands[engine.seq : seq])
            assert shown.get(seq, engine.state_root().hex()) == engine.state_root().hex()
