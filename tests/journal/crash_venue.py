"""A venue with the real engine as a process of its own, to be killed: prints seq and state root.

Usage: python -m tests.journal.crash_venue DIRECTORY SEED
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from ledger.engine import Engine
from ledger.journal.journal import Journal
from ledger.journal.recovery import recover
from ledger.journal.sequencer import Sequencer
from tests.engine.streams import Stream, as_commands
from tests.journal.machine import VENUE, Ticker

ROUND = 50


async def main(directory, seed):
    journal, engine = Journal.open(directory, VENUE), Engine()
    recover(journal, engine, [])
    sequencer = Sequencer(journal, engine, [], Ticker(journal.last_time_ns))
    sequencer.start()
    sys.stdout.write("ready\n")
    raw, random, at = Stream(seed).take(20_000), Random(seed), 0
    while True:
        # Between rounds nothing is in flight, so the root belongs to the last answer.
        sys.stdout.write(f"{engine.seq} {engine.state_root().hex()}\n")
        sys.stdout.flush()
        submissions = []
        for _ in range(random.randrange(1, ROUND)):
            size = random.choice([1, 2, 30])
            part = raw[at : at + size]
            at = (at + size) % (len(raw) - ROUND)
            submissions.append(sequencer.submit_many(as_commands(part)))
        await asyncio.gather(*submissions)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
