"""Kernels that belong together: what one process compiles when several share a cold start."""

from collections.abc import Callable
from dataclasses import dataclass

from matching.jit import is_kept


@dataclass(frozen=True, slots=True)
class Group:
    """Kernels that one process compiles; no kernel is in two groups."""

    prepare: Callable[[], None]
    """Compiles them; another process finds it by module and name."""
    kernels: tuple[Callable[..., object], ...]
    """Those by which one sees whether that has been done."""

    @property
    def name(self) -> str:
        """What people are told."""
        return f"{self.prepare.__module__}:{self.prepare.__qualname__}"

    def is_kept(self) -> bool:
        """Whether the disk has all of it."""
        return all(is_kept(function) for function in self.kernels)
