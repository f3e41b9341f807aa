"""Shared ground of the audit tests: parties with known keys, commands, a small state machine."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.audit.bodies import Submit
from ledger.audit.certificate import NO_DIGEST
from ledger.audit.group import VENUE, Group, Member, Venue
from ledger.audit.keys import SigningKey
from ledger.audit.messages import Author, Signed
from ledger.records.build import command
from ledger.records.codes import CommandKind
from ledger.records.layout import COMMAND, EVENT, OUTCOME

CHAIN_ID = 31337
ORIGIN = "provenue.test/ledger"


def key_of(name: str) -> SigningKey:
    """A party's key, from its name."""
    return SigningKey.from_seed(hashlib.sha256(f"test key of {name}".encode()).digest())


def make_group(size: int = 4, *, ports: tuple[int, ...] = (), epoch: int = 0) -> Group:
    """A group of replicas r0, r1, … with known keys; n = 1 in development mode."""
    members = tuple(
        Member(
            name=f"r{i}",
            ed25519=key_of(f"r{i}").public.hex(),
            operator="0x" + hashlib.sha256(f"operator {i}".encode()).hexdigest()[:40],
            host="127.0.0.1",
            port=ports[i] if ports else 1000 + i,
        )
        for i in range(size)
    )
    venue = Venue(name="venue", ed25519=key_of("venue").public.hex())
    return Group(ORIGIN, CHAIN_ID, epoch, venue, members, development=size == 1)


def author_of(group: Group, sender: int) -> Author:
    """The pen of a member, or of the venue."""
    return Author(group, sender, key_of(group.name_of(sender)))


def make_commands(first_seq: int, count: int, salt: int = 0) -> NDArray[Any]:
    """`count` commands, all different, with growing times."""
    raw = b"".join(
        command(
            CommandKind.NEW_ORDER,
            time_ns=1_700_000_000_000_000_000 + (first_seq + i) * 1000,
            account=16 + (first_seq + i) % 5,
            qty_lots=first_seq + i,
            price_ticks=1 + salt,
        )
        for i in range(count)
    )
    return np.frombuffer(raw, COMMAND)


def make_batch(
    group: Group,
    number: int,
    *,
    first_seq: int,
    count: int = 3,
    previous: bytes = NO_DIGEST,
    salt: int = 0,
) -> Signed:
    """The venue's signed batch."""
    body = Submit(previous, first_seq, make_commands(first_seq, count, salt).tobytes())
    return author_of(group, VENUE).sign(0, number, body)


def make_chain(group: Group, blocks: int, count: int = 3) -> list[Signed]:
    """Batches 1..blocks that follow each other."""
    chain: list[Signed] = []
    for number in range(1, blocks + 1):
        previous = chain[-1].digest if chain else NO_DIGEST
        chain.append(
            make_batch(
                group,
                number,
                first_seq=(number - 1) * count + 1,
                count=count,
                previous=previous,
            )
        )
    return chain


@dataclass
class Done:
    first_seq: int
    outcomes: NDArray[Any]
    events: NDArray[Any]


class CountingMachine:
    """A deterministic state machine: a hash chain over commands; seq modulo 3 events a command."""

    def __init__(self) -> None:
        self._seq = 0
        self._state = bytes(32)

    @property
    def seq(self) -> int:
        return self._seq

    def execute(self, commands: NDArray[Any]) -> Done:
        first = self._seq + 1
        outcomes = np.zeros(len(commands), OUTCOME)
        rows = []
        for i, row in enumerate(commands):
            self._seq += 1
            self._state = hashlib.sha256(self._state + row.tobytes()).digest()
            outcomes[i]["seq"] = self._seq
            outcomes[i]["kind"] = row["kind"]
            outcomes[i]["events"] = self._seq % 3
            for index in range(self._seq % 3):
                event = np.zeros((), EVENT)
                event["seq"], event["index"] = self._seq, index
                event["amount_minor"] = self._result(self._seq)
                rows.append(event)
        events = np.array(rows, EVENT) if rows else np.zeros(0, EVENT)
        return Done(first, outcomes, events)

    def _result(self, seq: int) -> int:
        return 7 * seq

    def state_root(self) -> bytes:
        return self._state


class WrongMachine(CountingMachine):
    """An engine with a bug: from command `wrong_from` on, its events carry another amount."""

    wrong_from = 1

    def _result(self, seq: int) -> int:
        return 7 * seq + (seq >= self.wrong_from)


Factory = Callable[[], CountingMachine]
