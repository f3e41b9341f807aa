"""The engine that other stages call: execute batches, then read.

The work is in the kernels. This file gives them arrays with room, chains the digests that they
count, checks conservation after every batch, and answers reads between two calls of `execute`.
"""

from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from ledger.engine import credit_reads, position_reads, reads
from ledger.engine.chains import chain_records
from ledger.engine.credit_reads import EngineCredit
from ledger.engine.errors import ConservationBroken
from ledger.engine.kernels.base.commands import MARGINS
from ledger.engine.kernels.base.slack import weigh
from ledger.engine.kernels.clock.tick import run_tick
from ledger.engine.kernels.margin.positions import index_positions
from ledger.engine.kernels.run import run
from ledger.engine.kernels.run_margin import run_margin
from ledger.engine.limits import DEFAULT_CAPACITY, Capacity
from ledger.engine.root import state_root
from ledger.engine.snapshot import read_snapshot, write_snapshot
from ledger.engine.state import (
    FRAME,
    TAKER,
    WORD_BYTES,
    Machine,
    Results,
    State,
    view_commands,
)
from ledger.engine.tables import canonical_tables, make_room, new_state
from ledger.engine.views import (
    Balance,
    EngineAsset,
    EngineBatch,
    EngineHold,
    EngineInstrument,
    EngineOrder,
    EnginePerpetual,
    EnginePosition,
    EngineSession,
    EngineWithdrawal,
    Executed,
    PositionRisk,
    Standing,
)
from ledger.records.codes import CommandKind
from ledger.records.layout import COMMAND, COMMAND_BYTES, EVENT, EVENT_BYTES, OUTCOME, OUTCOME_BYTES
from matching.arena import grown
from matching.pins import pin

CHUNK: Final = 4096
"""Commands that the kernel sees at a time; more are executed in several passes."""
COMMAND_WORDS: Final = COMMAND_BYTES // WORD_BYTES
OUTCOME_WORDS: Final = OUTCOME_BYTES // WORD_BYTES
EVENT_WORDS: Final = EVENT_BYTES // WORD_BYTES
_WORD: Final = np.dtype(np.int64)
EVENTS_MIN: Final = 4096
"""Rows of the event buffer to begin with; it doubles when a batch needs more."""


class Engine:
    """The deterministic state machine of stage 3.

    The same commands give the same outcomes, events and state root, whatever the batch split, the
    process, or whether kernels are compiled. One thread at a time.
    """

    def __init__(self, capacity: Capacity = DEFAULT_CAPACITY) -> None:
        self._begin(new_state(capacity))

    def _begin(self, state: State) -> None:
        self._staged = view_commands(np.zeros(CHUNK, COMMAND))
        self._command_words = self._staged.words.reshape(-1)
        self._outcomes = np.zeros(CHUNK, OUTCOME)
        self._outcome_words = self._outcomes.view(np.int64)
        self._frame = np.zeros(1, FRAME)
        # Views of the frame's columns: binding one costs more than reading it.
        self._event_count = self._frame["event_count"]
        self._chained = self._frame["chained"]
        self._drifted = self._frame["drifted"]
        self._taker = np.zeros(1, TAKER)
        self._give_room(state, np.zeros(EVENTS_MIN, EVENT))
        weigh(self._pinned_state)

    def _give_room(self, state: State, events: NDArray[Any]) -> None:
        """Work with these arrays from now on."""
        self._state = state
        self._seq = state.header["seq"]
        self._events = events
        self._event_words = events.view(np.int64)
        words = self._event_words.reshape(-1, EVENT_WORDS)
        results = Results(self._outcomes, events, words, self._frame, self._taker)
        self._machine = pin(Machine(state, self._staged, results))
        self._pinned_state = self._machine.state
        if not state.caches.places.any() and int(state.header["position_count"][0]):
            index_positions(self._pinned_state)

    # Executing.

    def execute(self, commands: NDArray[Any]) -> Executed:
        """Execute commands in order.

        Args:
            commands: 128-byte records, shape (n,), n >= 0; any command layout. Not changed.

        Returns:
            One outcome a command, and the events; the arrays belong to the caller.

        Raises:
            ConservationBroken: An asset no longer sums to zero: a bug; the engine is unusable.
        """
        assert commands.ndim == 1, "commands come as a row of records"
        assert commands.itemsize == COMMAND_BYTES, "a command has 128 bytes"
        size = len(commands) * COMMAND_WORDS
        # A new array of words over records, or the other way, costs a third of a view.
        words: NDArray[np.int64] = np.ndarray(size, _WORD, np.ascontiguousarray(commands))
        first_seq = int(self._seq[0]) + 1
        self._event_count[0] = 0
        # Copied as words: numpy copies records field by field.
        if len(commands) <= CHUNK:
            outcome_words = self._execute_chunk(words, len(commands))
        else:
            outcome_words = self._execute_chunks(words, len(commands))
        outcomes: NDArray[Any] = np.ndarray(len(commands), OUTCOME, outcome_words)
        count = int(self._event_count[0])
        event_words = self._event_words[: count * EVENT_WORDS].copy()
        return Executed(first_seq, outcomes, np.ndarray(count, EVENT, event_words))

    def _execute_chunks(self, words: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Execute more commands than fit the staging arrays."""
        outcomes = np.empty(count * OUTCOME_WORDS, np.int64)
        for first in range(0, count, CHUNK):
            size = min(CHUNK, count - first)
            part = words[first * COMMAND_WORDS : (first + size) * COMMAND_WORDS]
            done = outcomes[first * OUTCOME_WORDS : (first + size) * OUTCOME_WORDS]
            done[:] = self._execute_chunk(part, size)
        return outcomes

    def _execute_chunk(self, words: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Execute what fits the staging arrays; returns its outcomes, as words.

        Raises:
            ConservationBroken: An asset no longer sums to zero.
        """
        self._command_words[: len(words)] = words
        self._run(count)
        if self._drifted[0]:
            self._report_drift()
        return self._outcome_words[: count * OUTCOME_WORDS].copy()

    def _run(self, count: int) -> None:
        """Execute the staged commands; kernels only ever see arrays of the engine's own making."""
        self._chained[0] = 0
        done, made_room = 0, False
        while done < count:
            before = done
            done = run(self._machine, done, count)
            if done < count:
                done = self._run_seldom(done, count)
            if done > before:
                made_room = False
                continue
            assert not made_room or self._wants_events(), "room was made for this command"
            self._make_room()
            made_room = True
        if self._chained[0]:
            chain_records(self._state, self._staged, self._outcomes[:count])

    def _run_seldom(self, done: int, count: int) -> int:
        """Execute what `run` stopped for, if it is of another dispatcher; the next command."""
        kind = int(self._staged.header["kind"][done])
        if kind in {CommandKind.TICK, CommandKind.SET_PHASE}:
            return done + int(run_tick(self._machine, done))
        if kind in MARGINS:
            return run_margin(self._machine, done, count)
        return done

    def _wants_events(self) -> bool:
        """Whether the kernel stopped for want of events: a TICK may do so more than once."""
        return self._events_wanted() > len(self._events)

    def _events_wanted(self) -> int:
        """Rows of the event buffer that the kernel must have to go on."""
        return int(self._frame["event_count"][0]) + int(self._frame["events_wanted"][0])

    def _make_room(self) -> None:
        """The kernel stopped before what may not fit: double what is full."""
        self._give_room(make_room(self._state), grown(self._events, self._events_wanted()))

    def _report_drift(self) -> None:
        """Every change of a balance was counted, and those of some asset do not cancel."""
        drift = self._state.drift_minor
        asset = int(np.flatnonzero(drift)[0])
        raise ConservationBroken(asset, int(drift[asset]))

    def machine(self) -> Machine:
        """What dispatchers are given, as kernels take it: for those who compile them unrun."""
        return self._machine

    def assert_conservation(self) -> tuple[int, ...]:
        """Sum every asset over all accounts, held and available.

        Returns:
            What customers and the venue own of each asset: the negative of custody's balance.

        Raises:
            ConservationBroken: An asset does not sum to zero.
        """
        return reads.assert_conservation(self._state)

    def state_root(self) -> bytes:
        """32 bytes over the whole state; docs/spec/engine.md says of what."""
        return state_root(canonical_tables(self._state))

    def snapshot(self) -> bytes:
        """The whole state as bytes: versioned and checksummed (docs/spec/engine.md)."""
        return write_snapshot(canonical_tables(self._state))

    @classmethod
    def restore(cls, snapshot: bytes) -> Self:
        """An engine in the state that `snapshot` wrote.

        Raises:
            SnapshotVersion: Another version of the format wrote it.
            SnapshotCorrupt: Its bytes are not what was written, or contradict each other.
        """
        engine = cls.__new__(cls)
        engine._begin(read_snapshot(snapshot))  # noqa: SLF001 - its own class
        engine.assert_conservation()
        return engine

    # Reading: for between two calls of `execute`.

    def _count(self, name: str) -> int:
        return int(self._state.header[name][0])

    @property
    def seq(self) -> int:
        """The last executed command; 0 before the first."""
        return self._count("seq")

    @property
    def time_ns(self) -> int:
        """The time of the last command that took effect."""
        return self._count("time_ns")

    @property
    def account_count(self) -> int:
        """Accounts that exist; also the next account's id. The first 16 are the venue's."""
        return self._count("account_count")

    @property
    def asset_count(self) -> int:
        """Assets that are listed; also the next asset's id."""
        return self._count("asset_count")

    @property
    def instrument_count(self) -> int:
        """Instruments that are listed; also the next instrument's id."""
        return self._count("instrument_count")

    @property
    def open_order_count(self) -> int:
        """Orders that rest in the books."""
        return int(self._state.book.pool["order_open"][0])

    @property
    def deposit_index(self) -> int:
        """The last deposit credited; the vault counts them from 1."""
        return self._count("deposit_index")

    @property
    def last_batch(self) -> int:
        """The last batch that was cut; 0 before the first."""
        return self._count("batch_count")

    @property
    def hold_count(self) -> int:
        """Holds that risk and compliance ever placed; the next one is number `hold_count + 1`."""
        return self._count("hold_count")

    @property
    def report_count(self) -> int:
        """Reports recorded; the next one is number `report_count + 1`."""
        return self._count("report_count")

    @property
    def anchor_index(self) -> int:
        """The last anchor recorded; 0 before the first."""
        return self._count("anchor_index")

    @property
    def anchored_block(self) -> int:
        """The certified block that the last anchor stands for."""
        return self._count("anchored_block")

    def balance(self, account: int, asset: int) -> Balance:
        """One account's money in one asset; zero for what does not exist."""
        return reads.balance(self._state, account, asset)

    def depth(self, instrument: int, levels: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Bids and asks, best first: DEPTH rows, at most `levels` each; empty when unknown."""
        return reads.depth(self._state, instrument, levels)

    def order(self, order_id: int) -> EngineOrder | None:
        """An open order, or None."""
        return reads.order(self._state, order_id)

    def withdrawal(self, withdrawal_id: int) -> EngineWithdrawal | None:
        """A withdrawal in any state, or None."""
        return reads.withdrawal(self._state, withdrawal_id)

    def pending_withdrawals(self) -> list[int]:
        """Ids of withdrawals HELD or CLEARED, ascending."""
        return reads.pending_withdrawals(self._state)

    def cleared_count(self) -> int:
        """Withdrawals that wait for the next batch."""
        return reads.cleared_count(self._state)

    def hold(self, hold_id: int) -> EngineHold | None:
        """What risk or compliance froze under a number, resolved or not, or None."""
        return reads.hold(self._state, hold_id)

    def open_holds(self, account: int) -> list[EngineHold]:
        """What is frozen of an account's money, by number."""
        return reads.open_holds(self._state, account)

    def batch(self, batch: int) -> EngineBatch | None:
        """One batch with its payouts in order, or None."""
        return reads.batch(self._state, batch)

    def asset(self, asset: int) -> EngineAsset | None:
        """A listed asset, or None."""
        return reads.asset(self._state, asset)

    def standing(self, account: int) -> Standing:
        """Equity, maintenance and initial margin at the marks of the last TICK."""
        return reads.standing(self._state, account)

    def position(self, account: int, instrument: int, leg: int = 0) -> EnginePosition | None:
        """An account's position in a perpetual; None when it never had one."""
        return position_reads.position(self._state, account, instrument, leg)

    def positions(self, account: int) -> list[EnginePosition]:
        """All positions that an account ever had, flat ones included."""
        return position_reads.positions(self._state, account)

    def position_risk(self, account: int, instrument: int, leg: int = 0) -> PositionRisk | None:
        """What an open position risks: prices of liquidation and bankruptcy, its ADL light."""
        return position_reads.position_risk(self._state, account, instrument, leg)

    def adl_lights(self, instrument: int) -> list[tuple[int, int, int]]:
        """(account, leg, light) of every open position of a perpetual; the fund's has light 0."""
        return position_reads.adl_lights(self._state, instrument)

    def predicted_funding_ppb(self, instrument: int) -> int:
        """A perpetual's funding rate if the interval ended now."""
        return position_reads.predicted_funding_ppb(self._state, instrument)

    def perpetual(self, instrument: int) -> EnginePerpetual | None:
        """A perpetual's index and its health, mark, multiplier and funding; None for others."""
        return position_reads.perpetual(self._state, instrument)

    def is_hedged(self, account: int) -> bool:
        """Whether an account is in hedge mode."""
        return position_reads.is_hedged(self._state, account)

    def credit(self, account: int) -> EngineCredit:
        """A margin account's terms, and what it owes."""
        return credit_reads.credit_of(self._state, account)

    def volume_minor(self, account: int) -> int:
        """What an account, or its master, traded in thirty days, in valuation units."""
        return credit_reads.volume_minor(self._state, account)

    def fee_tier(self, account: int, schedule: int) -> int | None:
        """An account's tier, 1..6, in a fee schedule; None when that was never set."""
        return credit_reads.fee_tier(self._state, account, schedule)

    def session(self, instrument: int) -> EngineSession | None:
        """Phase, price band, and what an auction would do now; None for what does not exist."""
        return reads.session(self._state, instrument)

    def mark_ticks(self, instrument: int) -> int:
        """A perpetual's mark; 0 for what has none."""
        return reads.mark_ticks(self._state, instrument)

    def instrument(self, instrument: int) -> EngineInstrument | None:
        """A listed instrument, or None."""
        return reads.instrument(self._state, instrument)
