"""Stage 3, hold, match, settle: the deterministic core. Same commands, same outcomes, same root."""

from ledger.engine.engine import Engine
from ledger.engine.errors import (
    ConservationBroken,
    EngineError,
    SnapshotCorrupt,
    SnapshotVersion,
)
from ledger.engine.limits import DEFAULT_CAPACITY, Capacity
from ledger.engine.reads import DEPTH
from ledger.engine.views import (
    Balance,
    BatchStatus,
    EngineAsset,
    EngineBatch,
    EngineHold,
    EngineInstrument,
    EngineOrder,
    EnginePerpetual,
    EnginePosition,
    EngineSession,
    EngineWithdrawal,
    Executed,
    PositionRisk,
    Standing,
)
from ledger.engine.warm import compile_kernels

__all__ = [
    "DEFAULT_CAPACITY",
    "DEPTH",
    "Balance",
    "BatchStatus",
    "Capacity",
    "ConservationBroken",
    "Engine",
    "EngineAsset",
    "EngineBatch",
    "EngineError",
    "EngineHold",
    "EngineInstrument",
    "EngineOrder",
    "EnginePerpetual",
    "EnginePosition",
    "EngineSession",
    "EngineWithdrawal",
    "Executed",
    "PositionRisk",
    "SnapshotCorrupt",
    "SnapshotVersion",
    "Standing",
    "compile_kernels",
]
