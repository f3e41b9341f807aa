"""Tells people who wait for a cold start how far it is; a warm one is over before that."""

import asyncio
from collections.abc import Callable
from typing import Final

from api.devnet.workers import Progress
from matching.jit import translated_count

PROGRESS_S: Final = 3
"""How often somebody who waits is told."""

Say = Callable[[str], object]


async def told(work: Callable[[Progress], int], say: Say) -> int:
    """Run what may compile kernels in a thread, with a line every few seconds; its answer."""
    progress = Progress()
    waiting = asyncio.ensure_future(asyncio.to_thread(work, progress))
    waited_s = 0
    while not (await asyncio.wait([waiting], timeout=PROGRESS_S))[0]:
        waited_s += PROGRESS_S
        say(f"compiling kernels: {described(progress)} after {waited_s} s")
    for name in progress.failed:
        say(f"a process that should compile {name} failed: compiled here instead")
    return waiting.result()


def described(progress: Progress) -> str:
    """How far a cold start is: what workers have done, then what this process does itself."""
    if progress.done < progress.groups:
        return f"{progress.done} of {progress.groups} groups"
    return f"{translated_count()} functions in this process"


def load_kernels_of(prepare: Callable[[], object], say: Say) -> None:
    """Have some kernels ready in this process, with a line every few seconds while it compiles."""

    def prepared(_progress: Progress) -> int:
        prepare()
        return translated_count()

    asyncio.run(told(prepared, say))
