"""The figures are measured, not made up: small runs of each give sane numbers."""

import asyncio

from ledger.journal.bench import frames_per_s, journaled, read_per_s, submit_to_ack_ns
from tests.journal.machine import Machine, Ticker, order, orders


def test_every_figure_has_a_name_a_unit_and_a_yardstick(tmp_path):
    figures = [
        frames_per_s(tmp_path, 512, 5),
        read_per_s(tmp_path, 20_000),
        asyncio.run(journaled(tmp_path / "j", Machine(), orders(range(2_000)), 512, Ticker())),
    ]
    assert [figure.name for figure in figures] == [
        "journal.append512_per_s",
        "journal.read_per_s",
        "engine.journaled512",
    ]
    assert all(figure.value > 0 and figure.yardstick > 0 for figure in figures)
    assert {figure.unit for figure in figures} == {"commands/s"}


def test_latencies_come_one_a_command_ascending(tmp_path):
    commands = [order(number) for number in range(9)]
    taken = asyncio.run(submit_to_ack_ns(tmp_path / "j", Machine(), commands, Ticker()))
    assert len(taken) == 9
    assert taken == sorted(taken)
    assert taken[0] > 0
