"""Compares what the engine made of each aggressor with what the recording says, and says why not.

An aggressor is right when the same orders gave the same lots at the same prices. Where an order was
passed over, the reason shows only later, in what becomes of that order: such verdicts wait.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import count
from typing import Final

import msgspec

from api.replay.mirror import Mirror, Resting
from api.replay.recorded import Aggression, Fill, Terms

EXAMPLES_MAX: Final = 3
"""Examples kept of each reason."""
SHOWN_MAX: Final = 4
"""Fills shown of each side of an example."""
WAITING_MAX: Final = 1 << 16
"""Verdicts that wait for an order's fate; beyond that the oldest are settled as kept."""


class Match(StrEnum):
    """How far a prediction holds."""

    EXACT = "exactly"
    ROUNDED = "within rounding"
    PARTLY = "partly"
    NONE = "not at all"


class Reason(StrEnum):
    """Why prediction and recording differ: the first of these that holds."""

    REFUSED = "the engine refused the aggressor"
    UNSEEN = "gap: a giving order was never seen"
    UNSEATED = "gap: a giving order stood across the other side, so the book could not hold it"
    HIDDEN_SIZE = "hidden size: an order gave more than it showed"
    OTHER_PRICE = "an order gave at another price than its own"
    WITHDRAWN = "self-match prevention: the order passed over was cancelled in the same instant"
    LATE = "late message: the order passed over was cancelled soon after"
    PASSED_OVER = "passed over and kept: self-match prevention, other priority, or a lost message"
    MISSING_FILL = "gap: the recording shows fewer lots than the orders had"
    MORE_THAN_ASKED = "gap: the recording shows more lots than the aggressor asked for"
    ROUNDING = "rounding: two records of one fill differ"


class Example(msgspec.Struct, frozen=True):
    """One aggressor that was not predicted, and the first fills that differ.

    Fills are (order key, price ticks, lots).
    """

    time_ns: int
    side: str
    limit_ticks: int
    qty_lots: int
    recorded: tuple[tuple[int, int, int], ...]
    predicted: tuple[tuple[int, int, int], ...]


class Difference(msgspec.Struct):
    """How often one reason held, for aggressors and for predicted trades that were not recorded."""

    aggressors: int = 0
    unrecorded: int = 0
    examples: list[Example] = msgspec.field(default_factory=list)


class Score(msgspec.Struct):
    """The result of a replay.

    Attributes:
        aggressors: That the recording shows taking visible lots.
        matches: How many of them were predicted how far.
        hidden_only: Aggressors that only met hidden orders: nothing to predict.
        hidden_lots: What hidden orders gave, beside visible ones or alone.
        unrecorded: Orders that our book would have matched and the recording shows resting.
        recorded_lots, predicted_lots, agreeing_lots: Of the aggressors' fills.
        recorded_fills, predicted_fills, agreeing_fills: (aggressor, giving order) pairs.
        reasons: For every aggressor that is not exact, and every unrecorded trade.
    """

    aggressors: int = 0
    matches: Counter[Match] = msgspec.field(default_factory=Counter)
    hidden_only: int = 0
    hidden_lots: int = 0
    unrecorded: int = 0
    recorded_lots: int = 0
    predicted_lots: int = 0
    agreeing_lots: int = 0
    recorded_fills: int = 0
    predicted_fills: int = 0
    agreeing_fills: int = 0
    reasons: dict[Reason, Difference] = msgspec.field(default_factory=dict)


class _Waiting(msgspec.Struct, eq=False):
    """A verdict whose reason is an order's fate."""

    time_ns: int
    keys: tuple[int, ...]
    unrecorded: bool
    example: Example
    number: int = 0


def _by_order(fills: Sequence[Fill]) -> dict[tuple[int, int], int]:
    """Lots by (giving order, price)."""
    lots: dict[tuple[int, int], int] = {}
    for fill in fills:
        place = fill.key, fill.price_ticks
        lots[place] = lots.get(place, 0) + fill.lots
    return lots


class Judge:
    """Keeps the score of one replay."""

    def __init__(self, terms: Terms) -> None:
        self.score = Score()
        self._terms = terms
        self._waiting: dict[int, dict[int, _Waiting]] = {}
        """By the key of each order watched, then by the verdict's number."""
        self._waiting_count = 0
        self._numbers = count()

    def judge(
        self, taken: Aggression, predicted: Sequence[Fill], mirror: Mirror, *, refused: bool
    ) -> None:
        """Score one recorded aggressor. `mirror` is the book before it."""
        score = self.score
        told, ours = _by_order(taken.fills), _by_order(predicted)
        told_keys, our_keys = {key for key, _ in told}, {key for key, _ in ours}
        agreeing = sum(min(lots, ours.get(place, 0)) for place, lots in told.items())
        score.aggressors += 1
        score.hidden_lots += taken.hidden_lots
        score.recorded_lots += sum(told.values())
        score.predicted_lots += sum(ours.values())
        score.agreeing_lots += agreeing
        score.recorded_fills += len(told_keys)
        score.predicted_fills += len(our_keys)
        score.agreeing_fills += len(told_keys & our_keys)
        match = self._match(told, ours, agreeing)
        score.matches[match] += 1
        if match is Match.EXACT:
            return
        example = _example(taken, predicted)
        if match is Match.ROUNDED:
            self._settle(Reason.ROUNDING, example, unrecorded=False)
            return
        reason = Reason.REFUSED if refused else self._reason(told, mirror.orders)
        passed = _passed_over(told, ours)
        if reason is None and passed is not None:
            self._wait(_Waiting(taken.time_ns, (passed,), unrecorded=False, example=example))
        else:
            reason = reason or _by_size(told, ours)
            self._settle(reason, example, unrecorded=False)

    def unrecorded(self, resting: Aggression, predicted: Sequence[Fill]) -> None:
        """Note an order that our book matched and the recording shows resting."""
        assert resting.key is not None
        self.score.unrecorded += 1
        keys = (*(fill.key for fill in predicted[:1]), resting.key)
        example = _example(resting, predicted)
        self._wait(_Waiting(resting.time_ns, keys, unrecorded=True, example=example))

    def hidden(self, taken: Aggression) -> None:
        """Note an aggressor that only met hidden orders."""
        self.score.hidden_only += 1
        self.score.hidden_lots += taken.hidden_lots

    def left(self, key: int, time_ns: int) -> None:
        """An order was cancelled or reduced by its owner: the fate of one that was passed over."""
        for waiting in list(self._waiting.get(key, {}).values()):
            since_ns = time_ns - waiting.time_ns
            if since_ns <= 0:
                reason = Reason.WITHDRAWN
            elif since_ns <= self._terms.late_ns:
                reason = Reason.LATE
            else:
                reason = Reason.PASSED_OVER
            self._close(waiting, reason)

    def gave(self, key: int) -> None:
        """An order traded, so it was there: the fate of one that was passed over."""
        for waiting in list(self._waiting.get(key, {}).values()):
            self._close(waiting, Reason.PASSED_OVER)

    def finish(self) -> Score:
        """Settle what still waits; the score is complete."""
        while self._waiting:
            self._close_oldest()
        return self.score

    def _match(
        self, told: Mapping[tuple[int, int], int], ours: Mapping[tuple[int, int], int], agree: int
    ) -> Match:
        if told == ours:
            return Match.EXACT
        slack = self._terms.rounding_lots
        if all(abs(told.get(at, 0) - ours.get(at, 0)) <= slack for at in {*told, *ours}):
            return Match.ROUNDED
        return Match.PARTLY if agree else Match.NONE

    def _reason(
        self, told: Mapping[tuple[int, int], int], orders: Mapping[int, Resting]
    ) -> Reason | None:
        """What the giving orders themselves explain."""
        found = set()
        for (key, price_ticks), lots in told.items():
            order = orders.get(key)
            if order is None:
                found.add(Reason.UNSEEN)
            elif not order.order_id:
                found.add(Reason.UNSEATED)
            elif lots > order.lots + self._terms.rounding_lots:
                found.add(Reason.HIDDEN_SIZE)
            elif price_ticks != order.price_ticks:
                found.add(Reason.OTHER_PRICE)
        return min(found, key=list(Reason).index) if found else None

    def _wait(self, waiting: _Waiting) -> None:
        while self._waiting_count >= WAITING_MAX:
            self._close_oldest()
        waiting.number = next(self._numbers)
        self._waiting_count += 1
        for key in waiting.keys:
            self._waiting.setdefault(key, {})[waiting.number] = waiting

    def _close_oldest(self) -> None:
        """Settle the first verdict of the order that has been watched longest."""
        first = next(iter(next(iter(self._waiting.values())).values()))
        self._close(first, Reason.PASSED_OVER)

    def _close(self, waiting: _Waiting, reason: Reason) -> None:
        self._waiting_count -= 1
        for key in waiting.keys:
            verdicts = self._waiting[key]
            del verdicts[waiting.number]
            if not verdicts:
                del self._waiting[key]
        self._settle(reason, waiting.example, unrecorded=waiting.unrecorded)

    def _settle(self, reason: Reason, example: Example, *, unrecorded: bool) -> None:
        difference = self.score.reasons.setdefault(reason, Difference())
        if unrecorded:
            difference.unrecorded += 1
        else:
            difference.aggressors += 1
        if len(difference.examples) < EXAMPLES_MAX:
            difference.examples.append(example)


def _passed_over(
    told: Mapping[tuple[int, int], int], ours: Mapping[tuple[int, int], int]
) -> int | None:
    """The first order that the engine would have had give, and that gave nothing, or less."""
    keys = {key for key, _ in told}
    for key, _ in ours:
        if key not in keys:
            return key
    if sum(told.values()) != sum(ours.values()):
        return None
    return next((key for (key, at), lots in ours.items() if lots > told.get((key, at), 0)), None)


def _by_size(told: Mapping[tuple[int, int], int], ours: Mapping[tuple[int, int], int]) -> Reason:
    """The same orders, seated and large enough, gave other sizes: the record itself lacks some."""
    more = sum(told.values()) > sum(ours.values())
    return Reason.MORE_THAN_ASKED if more else Reason.MISSING_FILL


def _example(taken: Aggression, predicted: Sequence[Fill]) -> Example:
    both = set(taken.fills) & set(predicted)
    recorded, ours = (
        tuple((fill.key, fill.price_ticks, fill.lots) for fill in fills if fill not in both)
        for fills in (taken.fills, predicted)
    )
    side = taken.side.name.lower()
    return Example(
        taken.time_ns, side, taken.limit_ticks, taken.qty_lots,
        recorded[:SHOWN_MAX], ours[:SHOWN_MAX],
    )  # fmt: skip
