"""Certified records by re-execution: a report trusts no stored result, only the commands.

The commands of certified blocks go through a state machine of our own; what comes out is what the
replicas signed, or the records contradict the certificate and not this module.
"""

from collections.abc import Callable
from typing import Final

from compliance.errors import RangeNotCertified
from compliance.ports import CertifiedChunk, Executes, ReadsCommands

SKIP_COMMANDS: Final = 1 << 14
"""How many commands are executed at once on the way to the first that was asked for."""


class ReplayedRecords:
    """Implements `CertifiedRecords`. Reading in order costs one execution of the log.

    Reading backwards builds a new machine and starts at seq 1 again. Not for concurrent use.
    """

    __slots__ = ("_certified_seq", "_machine", "_new_machine", "_source")

    def __init__(
        self, source: ReadsCommands, new_machine: Callable[[], Executes], certified_seq: int
    ) -> None:
        self._source = source
        self._new_machine = new_machine
        self._machine = new_machine()
        self._certified_seq = certified_seq
        assert self._machine.seq == 0, "a new machine has executed nothing"

    def certified_seq(self) -> int:
        """See `CertifiedRecords.certified_seq`; fixed when this was made."""
        return self._certified_seq

    def time_ns(self, seq: int) -> int:
        """See `CertifiedRecords.time_ns`."""
        self._check(seq, seq)
        return int(self._source.commands(seq, 1)["time_ns"][0])

    def read(self, first_seq: int, last_seq: int) -> CertifiedChunk:
        """See `CertifiedRecords.read`.

        Raises:
            RangeNotCertified: The range is empty or reaches beyond the certified log.
        """
        self._check(first_seq, last_seq)
        if first_seq <= self._machine.seq:
            self._machine = self._new_machine()
        while self._machine.seq + 1 < first_seq:
            self._execute(min(SKIP_COMMANDS, first_seq - 1 - self._machine.seq))
        return self._execute(last_seq - first_seq + 1)

    def _execute(self, count: int) -> CertifiedChunk:
        first = self._machine.seq + 1
        commands = self._source.commands(first, count)
        executed = self._machine.execute(commands)
        return CertifiedChunk(first, commands, executed.outcomes, executed.events)

    def _check(self, first_seq: int, last_seq: int) -> None:
        if not 1 <= first_seq <= last_seq <= self._certified_seq:
            raise RangeNotCertified(first_seq, last_seq, self._certified_seq)
