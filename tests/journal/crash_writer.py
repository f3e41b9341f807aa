"""A venue's writer as a process of its own, to be killed: prints every acknowledged seq.

Usage: python -m tests.journal.crash_writer DIRECTORY SEED
"""

import asyncio
import sys
from pathlib import Path
from random import Random

from ledger.journal.journal import Journal
from ledger.journal.recovery import recover
from ledger.journal.sequencer import Sequencer
from tests.journal.machine import VENUE, Machine, Ticker, order, orders

CLIENTS = 8


async def client(sequencer, random):
    """Submit for ever; a line is out before the next submission, so the parent knows it."""
    while True:
        first_price = random.randrange(1 << 30)
        if random.random() < 0.5:
            ack = await sequencer.submit(order(first_price))
            first, last = ack.seq, ack.seq
        else:
            count = random.choice([1, 30, 2000])
            bulk = await sequencer.submit_many(orders(range(first_price, first_price + count)))
            first, last = bulk.first_seq, bulk.first_seq + len(bulk.outcomes) - 1
        sys.stdout.write(f"{first} {last} {first_price}\n")
        sys.stdout.flush()


async def main(directory, seed):
    journal = Journal.open(directory, VENUE)
    machine = Machine()
    recover(journal, machine, [])
    sequencer = Sequencer(journal, machine, [], Ticker(journal.last_time_ns))
    sequencer.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*(client(sequencer, Random(seed * 100 + n)) for n in range(CLIENTS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
