"""Stage 3, hold, match, settle: the deterministic core. Same commands, same outcomes, same root."""

from ledger.engine.engine import DEPTH, Engine
from ledger.engine.errors import (
    ConservationBroken,
    EngineError,
    SnapshotCorrupt,
    SnapshotVersion,
)
from ledger.engine.views import (
    Balance,
    BatchStatus,
    EngineAsset,
    EngineBatch,
    EngineInstrument,
    EngineOrder,
    EngineWithdrawal,
    Executed,
)

__all__ = [
    "DEPTH",
    "Balance",
    "BatchStatus",
    "ConservationBroken",
    "Engine",
    "EngineAsset",
    "EngineBatch",
    "EngineError",
    "EngineInstrument",
    "EngineOrder",
    "EngineWithdrawal",
    "Executed",
    "SnapshotCorrupt",
    "SnapshotVersion",
]
