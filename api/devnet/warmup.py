"""Compiles every kernel once, before replicas and venue would all do it at the same time."""

import time
from typing import Final

import numpy as np

from api.devnet.cold import Say, told
from api.devnet.genesis import ASSETS, genesis_commands
from api.devnet.workers import Progress, compile_apart, usable_cores
from ledger.engine import Engine
from ledger.engine import compile_kernels as compile_engine
from ledger.engine import warm as engine_warm
from ledger.journal.ports import Batch
from ledger.readmodel import warm as readmodel_warm
from ledger.readmodel.model import ReadModel
from ledger.readmodel.warm import prepare_folds
from ledger.records.build import command
from ledger.records.codes import CommandKind
from ledger.records.layout import COMMAND
from ledger.settlement.manifest import DeployedToken, Deployment

ACCOUNT: Final = 16
GROUPS: Final = (*engine_warm.GROUPS, *readmodel_warm.GROUPS)
"""What workers compile; those that take the longest first."""


def compile_kernels(progress: Progress | None = None) -> int:
    """Run one small history through engine and read model; returns how long it took, ns.

    What numba compiles is kept on disk, so that every later process only loads it. Where the disk
    has nothing yet, workers compile first, as many as there are cores.
    """
    began_ns = time.perf_counter_ns()
    compile_apart(GROUPS, progress or Progress(), usable_cores())
    compile_engine()
    tokens = tuple(
        DeployedToken(asset.symbol, asset.token_decimals, bytes([at + 1]) * 20)
        for at, asset in enumerate(ASSETS)
    )
    deployment = Deployment(1, 1, b"\1" * 20, b"\2" * 20, b"\3" * 20, tokens)
    order = command(CommandKind.NEW_ORDER, account=ACCOUNT, price_ticks=1, qty_lots=1)
    raw = b"".join([*genesis_commands(deployment, bytes(32)), order])
    commands = np.frombuffer(raw, COMMAND).copy()
    commands["time_ns"] = 1
    engine, history = Engine(), ReadModel(0)
    done = engine.execute(commands)
    history.apply(Batch(done.first_seq, commands, done.outcomes, done.events))
    engine.state_root()
    engine.depth(0, 5)
    prepare_folds()
    return time.perf_counter_ns() - began_ns


async def load_kernels(say: Say) -> int:
    """`compile_kernels` in a thread, with a line of progress every few seconds while it runs."""
    return await told(compile_kernels, say)
