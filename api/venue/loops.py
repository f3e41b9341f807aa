"""Work that repeats while the venue runs: each round is whole, and a typed fault only delays it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

RETRY_MAX_MS: Final = 10_000


@dataclass(slots=True)
class Loop:
    """One repeated piece of work.

    Attributes:
        name: For people.
        work: One round of it.
        survives: Expected errors after which the next round is tried, later and later.
        every_ms: The pause between rounds.
        alarm: Why the last round failed; None when it did not.
    """

    name: str
    work: Callable[[], Awaitable[object]]
    survives: tuple[type[Exception], ...]
    every_ms: int
    alarm: Exception | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Repeat until told to stop. Anything that it does not survive ends the venue."""
        pause_ms = self.every_ms
        while not stop.is_set():
            try:
                await self.work()
            except self.survives as error:
                self.alarm = error
                pause_ms = min(RETRY_MAX_MS, 2 * pause_ms)
            else:
                self.alarm = None
                pause_ms = self.every_ms
            await pause(stop, pause_ms)


async def pause(stop: asyncio.Event, milliseconds: int) -> None:
    """Wait, but no longer than until the event is set."""
    try:
        await asyncio.wait_for(stop.wait(), milliseconds / 1000)
    except TimeoutError:
        return
