"""Where a function's machine code is kept between processes, in place of numba's own cache.

numba trusts every byte of its files: one that is cut ends every start with an error, one with a
flipped bit is other machine code, which no replica would agree with. It also keeps an index for all
types of a function, in which two processes can mix two types up. Here each function and each kind
of arguments has one file, which is loaded only when it is whole and was made of the same source, by
the same compiler, for the same processor; or else it is compiled again and written anew. A disk
that takes no file costs the next start its time, and nothing else.
"""

import hashlib
import pickle
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import llvmlite
import numba
import numpy as np
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from matching import kept

_MADE_BY: Final = (numba.__version__, llvmlite.__version__, np.__version__)
"""What decides about machine code besides its source: numpy lays out the arrays."""


class Shelf:
    """The files of one function; numba calls it as it would its own cache."""

    def __init__(self, function: Callable[..., object], folder: Path) -> None:
        code = function.__code__
        self._folder = folder
        name = f"{function.__module__}.{function.__qualname__}-{code.co_firstlineno}"
        self._name = f"{name}.{sys.implementation.cache_tag}".translate(_NO_BRACKETS)
        self._source = _digest_of(Path(code.co_filename))
        # Two functions that differ in what they enclose only would have one name.
        self._keeps = bool(self._source) and function.__closure__ is None

    @property
    def cache_path(self) -> str:
        """The folder."""
        return str(self._folder)

    def load_overload(self, kinds: object, target: Any) -> Any:  # noqa: ANN401 - numba has no types
        """The code for arguments of these types, or None."""
        target.refresh()
        payload = kept.read(self._path(kinds), self._identity(target)) if self._keeps else None
        if payload is None:
            return None
        kept_kinds, parts = pickle.loads(payload)  # noqa: S301 - we wrote these bytes
        if kept_kinds != kinds:
            return None
        return CompileResult._rebuild(target, *parts)  # noqa: SLF001 - as numba's cache does

    def save_overload(self, kinds: object, compiled: Any) -> None:  # noqa: ANN401 - numba has no types
        """Keep what was compiled for arguments of these types, if the disk takes it."""
        # Code that holds addresses of this process is of no use to another.
        if self._keeps and not compiled.library.has_dynamic_globals:
            payload = dumps((kinds, compiled._reduce()))  # noqa: SLF001 - as numba's cache does
            kept.write(self._path(kinds), self._identity(compiled.target_context), payload)

    def has_any(self, target: Any) -> bool:  # noqa: ANN401 - numba has no types
        """Whether there is whole code for any types, for this processor."""
        identity, files = self._identity(target), self._folder.glob(f"{self._name}.*.nbc")
        return self._keeps and any(kept.read(path, identity) is not None for path in files)

    def flush(self) -> None:
        """Forget what is kept."""
        for path in self._folder.glob(f"{self._name}.*.nbc"):
            path.unlink(missing_ok=True)

    def _path(self, kinds: object) -> Path:
        digest = hashlib.sha256(repr(kinds).encode()).hexdigest()
        return self._folder / f"{self._name}.{digest[:16]}.nbc"

    def _identity(self, target: Any) -> bytes:  # noqa: ANN401 - numba has no types
        """What the code was made of, by what, and for which processor."""
        machine = target.codegen().magic_tuple()
        return repr((self._name, self._source, _MADE_BY, machine)).encode()


_NO_BRACKETS: Final = str.maketrans("", "", "<>")
"""Of functions in functions, whose names have some."""


@cache
def _digest_of(source: Path) -> str:
    """Names what a source file says; empty when there is no such file."""
    return hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else ""
