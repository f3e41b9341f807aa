"""Child processes: started, known to be ready by their first line, watched, and ended by pid."""

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.devnet.errors import ChildDied, ChildNotReady
from api.devnet.lifeline import VARIABLE

READY_TIMEOUT_S: Final = 90
"""A cold start compiles kernels first."""
STOP_TIMEOUT_S: Final = 10
LOG_TAIL_BYTES: Final = 2_000


@dataclass(slots=True)
class Child:
    """One running child.

    Attributes:
        name: What people call it ("replica-2").
        process: The operating system's process.
        ready_line: The first line it printed: where it can be reached.
        log: Where its stderr, and its stdout after that line, go.
    """

    name: str
    process: asyncio.subprocess.Process
    ready_line: str
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def stop(self) -> int:
        """End it: SIGTERM, then after a while SIGKILL. Returns its exit code."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()

    async def died(self) -> ChildDied:
        """Wait until it ends by itself; the error says how."""
        code = await self.process.wait()
        return ChildDied(self.name, code, log_tail(self.log))


def log_tail(log: Path) -> str:
    """The end of a log, for an error that a person reads."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return stream.read().decode(errors="replace")


async def start(name: str, arguments: list[str], log: Path, module: str = "api.cli") -> Child:
    """Start `provenue ARGUMENTS`, or another module's command, and wait for its ready line.

    Raises:
        ChildDied: It ended before it was ready.
        ChildNotReady: It printed nothing in time; it has been ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
            env=os.environ | {"PYTHONUNBUFFERED": "1", VARIABLE: "1"}, start_new_session=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise ChildNotReady(name, READY_TIMEOUT_S, log_tail(log)) from None
    if not line:
        raise ChildDied(name, await process.wait(), log_tail(log))
    return Child(name, process, line.decode(errors="replace").strip(), log)


async def start_all(wanted: list[tuple[str, list[str]]], folder: Path) -> list[Child]:
    """Start several at once; when one fails, the others are ended and its error is raised."""
    starts = [start(name, arguments, folder / f"{name}.log") for name, arguments in wanted]
    results = await asyncio.gather(*starts, return_exceptions=True)
    children = [result for result in results if isinstance(result, Child)]
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        await stop_all(children)
        raise failures[0]
    return children


async def stop_all(children: list[Child]) -> None:
    """End every child, all at once."""
    await asyncio.gather(*(child.stop() for child in children))
