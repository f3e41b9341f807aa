"""The one place that knows numba's options; keeps `mypy --strict` honest over kernels.

`_nrt=False` leaves array reference counting out of the compiled code. It is undocumented, so
numba is pinned and a test asserts that no kernel's code holds an incref (docs/adr/0002-kernels.md).
Lanes: NUMBA_DISABLE_JIT=1 runs kernels as plain Python, NUMBA_BOUNDSCHECK=1 checks every index.

A shelf (shelf.py) looks at a kernel's file only, not at the files of the kernels that it calls: a
changed callee would leave stale machine code behind, and two replicas would differ. So the compiled
code of a module is kept in a folder named by the digest of all sources that it imports, directly
or not.
"""

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba import typeof

from matching.kept import takes_files
from matching.parts import CEntry, Kernel, Part
from matching.shelf import Shelf

P = ParamSpec("P")
R = TypeVar("R")

config: Final[Any] = numba.config

i64: Final = cast("Callable[[Any], int]", np.int64)
"""Widens a narrow column's entry, so that unsigned and 32-bit arithmetic never starts."""

COMPILED: Final = not config.DISABLE_JIT
"""Whether kernels are compiled in this process; intrinsics have a plain twin where not."""

_OPTIONS: Final[dict[str, Any]] = {
    "nopython": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": False,
    "_nrt": False,
}

_ROOT: Final = Path(__file__).resolve().parent.parent
_BASE: Final = Path(config.CACHE_DIR) if config.CACHE_DIR else _ROOT / "matching" / "__pycache__"
"""NUMBA_CACHE_DIR if set, else beside the sources."""
_OURS: Final = ("matching.", "ledger.")
_LOWERING: Final = "matching.pins"
"""What says how kernels reach their arrays: it is in all machine code, whoever imports it."""


def _path(module: str) -> Path | None:
    """The source file of a module of ours; a package's own file says nothing about kernels."""
    if not module.startswith(_OURS):
        return None
    path = _ROOT / (module.replace(".", "/") + ".py")
    return path if path.is_file() else None


def _imported(source: bytes) -> Iterator[str]:
    """Modules of ours that a source may name; some of the names are not modules."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def _read(module: str) -> tuple[bytes, tuple[str, ...]] | None:
    """A source of ours and the modules that it may name; read and parsed once a process."""
    path = _path(module)
    if path is None:
        return None
    source = path.read_bytes()
    return source, tuple(_imported(source))


def source_closure(module: str) -> dict[str, bytes]:
    """The sources of a module and of all that it imports from us, by name."""
    sources: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        found = None if name in sources else _read(name)
        if found is not None:
            sources[name], imported = found
            waiting.extend(imported)
    return sources


@cache
def _folder(module: str) -> Path:
    """Where a module's compiled code is kept, if the disk takes it."""
    digest = hashlib.sha256()
    for name, source in sorted((source_closure(_LOWERING) | source_closure(module)).items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(source).digest())
    # Checked code is other code.
    lane = "checked" if config.BOUNDSCHECK else "kernels"
    return _BASE / f"{lane}-{digest.hexdigest()[:16]}"


_made: Final[list[Part]] = []
"""Every function of the modules imported so far, as kernels see it, in order."""


def _part(function: Callable[P, R], **more: object) -> Part:
    _made.append(Part(function, {**_OPTIONS, **more}))
    return _made[-1]


def _shelf(function: Callable[..., object]) -> Shelf:
    return Shelf(function, _folder(function.__module__))


def _whole(function: Callable[P, R], part: Part) -> Callable[P, R]:
    return cast("Callable[P, R]", Kernel(part, _OPTIONS, _shelf(function)))


def translated_count() -> int:
    """How many functions this process has translated: for people who wait for a cold start.

    What machine code on the disk was made of is not among them.
    """
    return sum(bool(part.overloads) for part in _made)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a pure kernel over preallocated arrays: no allocation, no raise, no I/O."""
    return _whole(function, _part(function)) if COMPILED else function


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a small kernel into each place that calls it."""
    return _whole(function, _part(function, forceinline=True)) if COMPILED else function


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part that only kernels call."""
    return cast("Callable[P, R]", _part(function)) if COMPILED else function


def prepare(function: Callable[..., object], *arguments: object) -> None:
    """Compile a kernel for arguments of these types, without a call; nothing in plain Python."""
    if COMPILED:
        assert isinstance(function, Kernel), "Python calls kernels"
        kind_of: Any = typeof
        function.compile(tuple(kind_of(argument) for argument in arguments))


def is_kept(function: Callable[..., object]) -> bool:
    """Whether the disk has a kernel's machine code; always in plain Python."""
    return not isinstance(function, Kernel) or function.is_kept()


def keeps() -> bool:
    """Whether compiled code can be kept in a folder of ours, for other processes to load."""
    return COMPILED and takes_files(_folder(__name__))


def c_entry(function: Callable[..., int], arguments: int) -> CEntry:
    """Compile a function of so many int64 words, addresses among them, to be called from C."""
    assert COMPILED, "plain Python has no address"
    return CEntry(function, arguments, _OPTIONS, _shelf(function))
