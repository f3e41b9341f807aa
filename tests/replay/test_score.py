"""Scores against a model that counts lot by lot."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from api.replay import score as scoring
from api.replay.mirror import Mirror
from api.replay.recorded import Aggression, Fill, Terms
from api.replay.score import EXAMPLES_MAX, SHOWN_MAX, Judge, Match, Reason
from ledger.records.codes import Side

TERMS = Terms("test", 1, 1)
FILLS = st.lists(
    st.builds(Fill, st.integers(1, 4), st.integers(1, 3), st.integers(1, 5)), max_size=5
).map(tuple)


def seated(*keys: int, price: int = 1, lots: int = 5) -> Mirror:
    mirror = Mirror()
    for key in keys:
        mirror.seat(mirror.add(key, Side.SELL, price, lots), key)
    return mirror


def taking(*fills: Fill, time_ns: int = 0) -> Aggression:
    return Aggression(time_ns, Side.BUY, 3, sum(fill.lots for fill in fills), fills)


def lot_by_lot(fills: tuple[Fill, ...]) -> Counter[tuple[int, int]]:
    return Counter((f.key, f.price_ticks) for f in fills for _ in range(f.lots))


@given(told=FILLS, ours=FILLS)
def test_lots_and_orders_are_counted_as_the_model_counts_them(told, ours):
    judge = Judge(TERMS)
    judge.judge(taking(*told), ours, Mirror(), refused=False)
    score = judge.finish()
    mine, theirs = lot_by_lot(ours), lot_by_lot(told)
    agreeing = sum((mine & theirs).values())
    assert score.recorded_lots == sum(theirs.values())
    assert score.predicted_lots == sum(mine.values())
    assert score.agreeing_lots == agreeing
    assert score.recorded_fills == len({fill.key for fill in told})
    assert score.predicted_fills == len({fill.key for fill in ours})
    assert score.agreeing_fills == len({fill.key for fill in told} & {fill.key for fill in ours})
    expected = Match.EXACT if mine == theirs else Match.PARTLY if agreeing else Match.NONE
    assert score.matches == {expected: 1}
    assert len(score.reasons) == (expected is not Match.EXACT)


def test_the_first_reason_in_the_list_is_the_one_named():
    judge = Judge(TERMS)
    told = (Fill(99, 1, 1), Fill(1, 1, 9))
    judge.judge(taking(*told), (), seated(1), refused=False)
    judge.judge(taking(*told), (), seated(1), refused=True)
    assert list(judge.finish().reasons) == [Reason.UNSEEN, Reason.REFUSED]


def test_examples_show_what_differs_and_are_few():
    judge = Judge(TERMS)
    both = Fill(1, 1, 1)
    for time_ns in range(2 * EXAMPLES_MAX):
        many = tuple(Fill(key, 1, 1) for key in range(50, 60))
        judge.judge(taking(both, *many, time_ns=time_ns), (both,), seated(1), refused=False)
    (found,) = judge.finish().reasons.values()
    assert found.aggressors == 2 * EXAMPLES_MAX
    assert [example.time_ns for example in found.examples] == list(range(EXAMPLES_MAX))
    assert [len(example.recorded) for example in found.examples] == [SHOWN_MAX] * EXAMPLES_MAX
    assert found.examples[0].recorded[0] == (50, 1, 1)
    assert found.examples[0].predicted == ()


def test_verdicts_that_wait_are_bounded_and_none_is_lost(monkeypatch):
    monkeypatch.setattr(scoring, "WAITING_MAX", 4)
    judge = Judge(TERMS)
    for key in range(1, 30):
        judge.judge(taking(Fill(99, 1, 5)), (Fill(key, 1, 5),), seated(key, 99), refused=False)
        assert judge._waiting_count <= 4
    assert judge.finish().reasons[Reason.PASSED_OVER].aggressors == 29


def test_an_order_that_gave_less_than_its_turn_was_passed_over():
    judge = Judge(TERMS)
    judge.judge(
        taking(Fill(2, 1, 5), Fill(1, 1, 3)), (Fill(1, 1, 5), Fill(2, 1, 3)), seated(1, 2),
        refused=False,
    )  # fmt: skip
    judge.left(1, 0)
    assert list(judge.finish().reasons) == [Reason.WITHDRAWN]


def test_one_order_passed_over_twice_settles_both_verdicts():
    judge = Judge(TERMS)
    for time_ns in (1, 2):
        taken = taking(Fill(2, 1, 1), time_ns=time_ns)
        judge.judge(taken, (Fill(1, 1, 1),), seated(1, 2), refused=False)
    judge.left(1, 2)
    reasons = judge.finish().reasons
    assert {reason: found.aggressors for reason, found in reasons.items()} == {
        Reason.PASSED_OVER: 1,
        Reason.WITHDRAWN: 1,
    }, "one passed it over a moment before, one in the same instant"


def test_an_unrecorded_trade_waits_for_either_order():
    judge = Judge(TERMS)
    resting = Aggression(5, Side.BUY, 1, 5, (), key=7, rest_lots=5)
    judge.unrecorded(resting, (Fill(1, 1, 5),))
    judge.left(7, 5)
    judge.left(1, 5)
    ((reason, found),) = judge.finish().reasons.items()
    assert (reason, found.aggressors, found.unrecorded) == (Reason.WITHDRAWN, 0, 1)
