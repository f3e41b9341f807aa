"""A replica as a process: python -m tests.audit.replica_process CONFIG MACHINE."""

import asyncio
import sys
from pathlib import Path

from ledger.audit.errors import ServiceRefusal
from ledger.audit.process import read_replica_config, run_replica
from tests.audit.ground import CountingMachine, WrongMachine


class Echo:
    """Answers with the certified block that holds a seq, and where the engine stands."""

    async def answer(self, state, payload):
        seq = int(payload)
        header = state.block_of(seq)
        if header is None:
            raise ServiceRefusal(f"{seq} is not certified")
        assert state.engine.seq == state.block.last_seq, "the engine is at the certified block"
        await asyncio.sleep(0)
        return f"{header.number} {header.state_root.hex()}".encode()


class Broken:
    """A service with a bug."""

    async def answer(self, state, payload):
        raise ZeroDivisionError(f"{payload!r} at {state.block}")


MACHINES = {"counting": CountingMachine, "wrong": WrongMachine}


def main() -> None:
    config = read_replica_config(Path(sys.argv[1]))
    services = {"echo": Echo(), "broken": Broken()}
    asyncio.run(run_replica(config, MACHINES[sys.argv[2]], services))


if __name__ == "__main__":
    main()
