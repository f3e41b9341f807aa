"""The one place that knows numba's options; keeps `mypy --strict` honest over kernels.

`_nrt=False` leaves array reference counting out of the compiled code. It is undocumented, so
numba is pinned and a test asserts that no kernel's code holds an incref (docs/adr/0002-kernels.md).
Lanes: NUMBA_DISABLE_JIT=1 runs kernels as plain Python, NUMBA_BOUNDSCHECK=1 checks every index.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS: Final[dict[str, Any]] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "_nrt": False,
}


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a pure kernel over preallocated arrays: no allocation, no raise, no I/O."""
    return cast("Callable[P, R]", njit(**_OPTIONS)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a small step that kernels call; LLVM decides about inlining it."""
    return cast("Callable[P, R]", njit(**_OPTIONS)(function))
