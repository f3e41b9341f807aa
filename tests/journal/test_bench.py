"""The figures are measured, not made up: small runs of each give sane numbers."""

import asyncio

import numpy as np

from ledger.journal import bench
from ledger.journal.bench import frames_per_s, journaled_per_s, read_per_s, submit_to_ack_ns
from ledger.journal.journal import Journal
from ledger.journal.layout import FRAME_RECORDS_MAX
from ledger.journal.scan import read_journal
from tests.journal.machine import Machine, Ticker, order, orders


def test_every_figure_has_a_name_a_unit_and_a_yardstick(tmp_path):
    figures = [frames_per_s(tmp_path, 512, 5), read_per_s(tmp_path, 20_000)]
    assert [figure.name for figure in figures] == [
        "journal.append512_per_s",
        "journal.read_per_s",
    ]
    assert all(figure.value > 0 and figure.yardstick > 0 for figure in figures)
    assert {figure.unit for figure in figures} == {"commands/s"}


def test_recording_stands_in_the_journal_and_in_the_engine_in_full_frames(tmp_path):
    journal, machine = Journal.open(tmp_path / "j", bench.VENUE), Machine()
    commands = orders(range(2 * FRAME_RECORDS_MAX + 5))
    before = commands.tobytes()
    bench.record(journal, machine, commands)
    bench.record(journal, machine, orders(range(3)))
    journal.close()
    assert machine.seq == journal.last_seq == len(commands) + 3
    assert commands.tobytes() == before, "the caller's commands are not stamped"
    sizes = [len(frame.commands) for frame in read_journal(tmp_path / "j", bench.VENUE)]
    assert sizes == [FRAME_RECORDS_MAX, FRAME_RECORDS_MAX, 5, 3]


def test_a_journaled_flow_is_all_durable_in_order_and_shares_frames(tmp_path):
    journal, machine = Journal.open(tmp_path / "j", bench.VENUE), Machine()
    bench.record(journal, machine, orders(range(10)))
    commands = orders(range(10, 5_010))
    assert asyncio.run(journaled_per_s(journal, machine, commands, 100, Ticker())) > 0
    journal.close()
    frames = [frame.commands for frame in read_journal(tmp_path / "j", bench.VENUE)]
    assert machine.seq == journal.last_seq == 5_010
    stored = np.concatenate(frames[1:]).view(np.uint8).reshape(-1, 128)[:, 8:]
    sent = commands.view(np.uint8).reshape(-1, 128)[:, 8:]
    assert stored.tobytes() == sent.tobytes()
    assert len(frames) - 1 < 50, "submissions that wait together are synced together"


def test_latencies_come_one_a_command_ascending(tmp_path):
    commands = [order(number) for number in range(9)]
    taken = asyncio.run(submit_to_ack_ns(tmp_path / "j", Machine(), commands, Ticker()))
    assert len(taken) == 9
    assert taken == sorted(taken)
    assert taken[0] > 0
