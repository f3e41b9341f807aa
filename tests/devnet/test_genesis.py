"""The devnet's first commands are what the engine takes, and mean what the venue says."""

import numpy as np

from api.devnet.folder import CUSTOMERS
from api.devnet.genesis import ASSETS, INSTRUMENTS, account_of, genesis_commands
from ledger.engine import Engine
from ledger.records.codes import Reject
from ledger.records.layout import COMMAND
from ledger.settlement.manifest import DeployedToken, Deployment

DEPLOYMENT = Deployment(
    chain_id=31337,
    block=1,
    safe=b"\1" * 20,
    vault=b"\2" * 20,
    anchors=b"\3" * 20,
    tokens=tuple(
        DeployedToken(asset.symbol, asset.token_decimals, bytes([index + 4]) * 20)
        for index, asset in enumerate(ASSETS)
    ),
)


def _engine() -> Engine:
    engine = Engine()
    raw = b"".join(genesis_commands(DEPLOYMENT, bytes(32)))
    commands = np.frombuffer(raw, dtype=COMMAND).copy()
    commands["time_ns"] = 1
    assert set(engine.execute(commands).outcomes["reject"].tolist()) == {int(Reject.NONE)}
    return engine


def test_the_engine_takes_every_genesis_command() -> None:
    engine = _engine()
    assert engine.asset_count == len(ASSETS)
    assert engine.instrument_count == len(INSTRUMENTS)
    assert engine.account_count == account_of(CUSTOMERS[-1]) + 1


def test_a_lot_at_a_tick_is_worth_what_the_decimals_say() -> None:
    engine = _engine()
    for index, listed in enumerate(INSTRUMENTS):
        row = engine.instrument(index)
        assert row is not None
        # One whole base at a price of one whole quote.
        worth = 10**listed.price_decimals * 10**listed.qty_decimals * row.notional_num
        assert worth % row.notional_den == 0
        assert worth // row.notional_den == 10 ** ASSETS[listed.quote].ledger_decimals
        base_decimals = ASSETS[listed.base].ledger_decimals
        assert row.lot_minor * 10**listed.qty_decimals == 10**base_decimals
