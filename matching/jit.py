"""The one place that knows numba's options; keeps `mypy --strict` honest over kernels.

`_nrt=False` leaves array reference counting out of the compiled code. It is undocumented, so
numba is pinned and a test asserts that no kernel's code holds an incref (docs/adr/0002-kernels.md).
Lanes: NUMBA_DISABLE_JIT=1 runs kernels as plain Python, NUMBA_BOUNDSCHECK=1 checks every index.

numba's own cache looks at a kernel's file only, not at the files of the kernels that it calls: a
changed callee would leave stale machine code behind, and two replicas would differ. So compiled
code is kept in a folder named by the digest of all our sources.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba import njit

P = ParamSpec("P")
R = TypeVar("R")

config: Final[Any] = numba.config

i64: Final = cast("Callable[[Any], int]", np.int64)
"""Widens a narrow column's entry, so that unsigned and 32-bit arithmetic never starts."""

COMPILED: Final = not config.DISABLE_JIT
"""Whether kernels are compiled in this process; intrinsics have a plain twin where not."""

_OPTIONS: Final[dict[str, Any]] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "_nrt": False,
}

_HERE: Final = Path(__file__).resolve().parent
_SOURCES: Final = (_HERE, _HERE.parent / "ledger")
"""The packages that hold kernels."""


def _source_digest() -> str:
    digest = hashlib.sha256()
    for package in _SOURCES:
        for path in sorted(package.rglob("*.py")):
            digest.update(str(path.relative_to(package.parent)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _cache_folder() -> str:
    """Where compiled code is kept: NUMBA_CACHE_DIR if set, else beside the sources.

    Empty when neither can be written: numba then finds a folder of the user's by itself.
    """
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else _HERE / "__pycache__"
    folder = base / f"kernels-{_source_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(folder) if os.access(folder, os.W_OK) else ""


if COMPILED:
    config.CACHE_DIR = _cache_folder()


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a pure kernel over preallocated arrays: no allocation, no raise, no I/O."""
    return cast("Callable[P, R]", njit(**_OPTIONS)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a step that kernels call, into each place where it is called."""
    return cast("Callable[P, R]", njit(**_OPTIONS, forceinline=True)(function))
