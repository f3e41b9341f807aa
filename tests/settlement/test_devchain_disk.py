"""What the embedded chain keeps: docs/spec/settlement.md, section 1.3."""

import os
import random
import signal
import socket
import sqlite3
import threading
import time
from contextlib import suppress

import pytest
from web3 import Web3
from web3.exceptions import Web3Exception

from ledger.settlement.devchain.evm import Evm
from ledger.settlement.devchain.store import FILE_NAME, BlockDatabase
from ledger.settlement.errors import (
    ChainDamaged,
    ChainFormat,
    ChainLocked,
    TransactionRefused,
    WrongChain,
)
from tests.settlement.ground import (
    ALICE,
    BOB,
    STRANGER,
    Clock,
    address_of,
    chain_process,
    config_in,
    signed,
    start_process,
    stop_process,
)

KILLS = 4
SEED = 20_26


def opened(directory, **fields) -> Evm:
    return Evm(config_in(directory, **fields), Clock())


def test_a_restart_gives_the_same_head_and_goes_on(tmp_path):
    chain = opened(tmp_path)
    for nonce in range(3):
        chain.seal(signed(ALICE, nonce, value=nonce))
    hashes = [bytes(chain.header(number).hash) for number in range(4)]
    chain.close()

    chain = opened(tmp_path)
    assert [bytes(chain.header(number).hash) for number in range(4)] == hashes
    assert bytes(chain.head().hash) == hashes[-1]
    chain.seal(signed(ALICE, 3))
    assert bytes(chain.head().parent_hash) == hashes[-1]
    chain.close()


def test_two_chains_with_the_same_history_have_the_same_hashes(tmp_path):
    heads = []
    for name in ("one", "two"):
        chain = opened(tmp_path / name)
        for nonce in range(2):
            chain.seal(signed(ALICE, nonce, value=1))
        chain.seal(None)
        heads.append(bytes(chain.head().hash))
        chain.close()
    assert heads[0] == heads[1]


def test_genesis_settings_count_on_the_first_start_only(tmp_path):
    opened(tmp_path).close()
    chain = opened(tmp_path, balance_wei=1)
    assert chain.state(chain.head()).get_balance(address_of(ALICE)) == 10_000 * 10**18
    chain.close()


def test_another_chain_id_is_refused(tmp_path):
    opened(tmp_path).close()
    with pytest.raises(WrongChain) as caught:
        opened(tmp_path, chain_id=1)
    assert (caught.value.expected, caught.value.found) == (1, 31337)
    opened(tmp_path).close()


def test_a_second_process_is_kept_out_while_the_first_runs(tmp_path):
    first = opened(tmp_path)
    with pytest.raises(ChainLocked):
        opened(tmp_path)
    first.seal(signed(ALICE, 0))
    first.close()
    opened(tmp_path).close()


def test_a_file_of_another_version_is_refused_unchanged(tmp_path):
    opened(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version=2")
    connection.close()
    with pytest.raises(ChainFormat) as caught:
        opened(tmp_path)
    assert (caught.value.expected, caught.value.found) == (1, 2)


def test_a_database_of_another_program_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA application_id=7")
    connection.close()
    with pytest.raises(ChainFormat):
        opened(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(ChainDamaged):
        opened(tmp_path)


def test_what_a_refused_transaction_wrote_is_forgotten(tmp_path):
    chain = opened(tmp_path)
    head = bytes(chain.head().hash)
    with pytest.raises(TransactionRefused):
        chain.seal(signed(STRANGER, 0, value=1))
    chain.seal(signed(BOB, 0, value=1))
    assert bytes(chain.head().parent_hash) == head
    chain.close()


def test_the_database_is_a_mapping_with_commit_and_rollback(tmp_path):
    database = BlockDatabase(tmp_path, 1)
    database[b"kept"] = b"1"
    database.commit()
    database[b"kept"] = b"2"
    database[b"lost"] = b"3"
    assert b"lost" in database
    database.rollback()
    assert database[b"kept"] == b"1"
    assert b"lost" not in database
    with pytest.raises(KeyError):
        database[b"lost"]
    with pytest.raises(KeyError):
        del database[b"lost"]
    del database[b"kept"]
    database.close()
    database = BlockDatabase(tmp_path, 1)
    assert database[b"kept"] == b"1", "what was not committed is gone"
    database.close()


def test_a_torn_log_is_cut_to_the_last_whole_block(tmp_path):
    """The tail of SQLite's log is cut at many places, as a crash of the machine may leave it."""
    chain = opened(tmp_path / "whole")
    hashes = [bytes(chain.head().hash)]
    for nonce in range(4):
        chain.seal(signed(ALICE, nonce))
        hashes.append(bytes(chain.head().hash))
    main = (tmp_path / "whole" / FILE_NAME).read_bytes()
    log = (tmp_path / "whole" / (FILE_NAME + "-wal")).read_bytes()
    chain.close()

    reached = set()
    for part in range(20, 41):
        torn = tmp_path / f"torn{part}"
        torn.mkdir()
        (torn / FILE_NAME).write_bytes(main)
        (torn / (FILE_NAME + "-wal")).write_bytes(log[: len(log) * part // 40])
        chain = opened(torn)
        number = chain.head().block_number
        assert bytes(chain.head().hash) == hashes[number]
        assert chain.seal(signed(ALICE, number)), "the chain goes on from there"
        reached.add(number)
        chain.close()
    assert 4 in reached
    assert len(reached) > 1


@pytest.mark.parametrize("round_", range(KILLS))
def test_kill_9_under_load_loses_no_acknowledged_block(tmp_path, round_):
    delay_s = random.Random(SEED + round_).uniform(0.05, 0.4)
    process, url = start_process(tmp_path)
    web3 = Web3(Web3.HTTPProvider(url, exception_retry_configuration=None))
    timer = threading.Timer(delay_s, os.kill, (process.pid, signal.SIGKILL))
    timer.start()
    acknowledged = []
    with suppress(OSError, Web3Exception):
        while True:
            hash_ = web3.eth.send_raw_transaction(signed(ALICE, len(acknowledged)))
            acknowledged.append(hash_)
    process.communicate(timeout=30)
    timer.join()
    with chain_process(tmp_path) as url_after:
        after = Web3(Web3.HTTPProvider(url_after))
        height = after.eth.block_number
        assert len(acknowledged) <= height <= len(acknowledged) + 1
        for number, hash_ in enumerate(acknowledged, start=1):
            assert list(after.eth.get_block(number)["transactions"]) == [hash_]


def test_the_process_stops_cleanly_when_asked(tmp_path):
    process, url = start_process(tmp_path)
    Web3(Web3.HTTPProvider(url)).eth.send_raw_transaction(signed(ALICE, 0))
    started = time.monotonic()
    assert stop_process(process) == ""
    assert time.monotonic() - started < 10
    assert process.returncode == 0
    assert not (tmp_path / (FILE_NAME + "-wal")).exists(), "a clean stop leaves one file"


def test_a_port_in_use_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=rf"PortInUse\(host='127.0.0.1', port={port}\)"):
            start_process(tmp_path, port)
