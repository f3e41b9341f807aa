"""Compiles groups of kernels in processes of their own, so that a cold start uses every core.

A worker leaves machine code on the disk and ends. Whoever asked for it then goes on as if it had
been there always: what no worker has left, because it died, is compiled by the first call, as ever.

Two workers may write to one folder, and even compile one function: a file is written under another
name and renamed (matching/kept.py). But then one of them worked for nothing, so every function
belongs to one group.
"""

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from matching.groups import Group
from matching.jit import keeps

WORKERS_MAX: Final = 4
"""A worker holds up to half a GiB."""
_ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Progress:
    """How far workers are; written by their threads, read by whoever tells people."""

    groups: int = 0
    done: int = 0
    failed: list[str] = field(default_factory=list)
    """Groups whose worker died; their kernels are compiled by the process that asked."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def compile_apart(groups: Sequence[Group], progress: Progress, cores: int) -> None:
    """Have workers compile the groups that the disk does not have; those that come first, first.

    Args:
        groups: Those that take the longest first.
        progress: Is kept up to date.
        cores: At most so many workers at a time; with one there is nothing to gain, and with
            nowhere to keep compiled code neither: then nothing is done.
    """
    missing = [group for group in groups if not group.is_kept()]
    if min(cores, len(missing)) < 2 or not keeps():
        return
    progress.groups = len(missing)

    def compile_one(group: Group) -> None:
        if not _work(group):
            progress.failed.append(group.name)
        progress.done += 1

    with ThreadPoolExecutor(min(cores, WORKERS_MAX)) as threads:
        list(threads.map(compile_one, missing))


def _work(group: Group) -> bool:
    """Run one worker to its end; its words go to our stderr."""
    assert group.prepare.__module__ != "__main__", "a worker can import it"
    command = [sys.executable, "-m", __name__, group.prepare.__module__, group.prepare.__qualname__]
    paths = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths}
    # Nothing is ever written to its input, but that ends when this process does.
    with subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as worker:
        return worker.wait() == 0


def _end_with_parent() -> None:
    """Nobody waits for a worker whose parent is gone."""
    # Not through sys.stdin: at its end the interpreter would wait for that one's lock.
    os.read(0, 1)
    os._exit(1)


def main(module: str, function: str) -> None:
    """A worker: compile one group."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    main(*sys.argv[1:])
