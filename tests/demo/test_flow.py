"""The invented flow is repeatable and well-formed."""

from hypothesis import given
from hypothesis import strategies as st

from api.demo.flow import LIVE_MAX, SeededFlow
from api.replay.intents import Action
from ledger.records.codes import OrderType, TimeInForce
from matching.units import PRICE_TICKS_MAX


@given(st.integers(0, 2**32), st.integers(0, 400))
def test_a_seed_always_gives_the_same_intents(seed: int, count: int) -> None:
    flow = SeededFlow(seed, count)
    assert list(flow) == list(flow)
    assert len(list(flow)) == count == flow.repairs.rows


@given(st.integers(0, 2**32))
def test_amends_and_cancels_name_live_orders_and_amends_shrink(seed: int) -> None:
    live: dict[int, int] = {}
    for intent in SeededFlow(seed, 600):
        if intent.action is Action.ADD:
            assert intent.key not in live
            assert intent.qty_lots > 0
            if intent.time_in_force is TimeInForce.GTC:
                assert 0 < intent.price_ticks <= PRICE_TICKS_MAX
                live[intent.key] = intent.qty_lots
        elif intent.action is Action.AMEND:
            assert 0 < intent.qty_lots <= live[intent.key]
            live[intent.key] = intent.qty_lots
        else:
            del live[intent.key]
        assert len(live) <= LIVE_MAX + 1


def test_every_kind_of_order_occurs() -> None:
    intents = list(SeededFlow(1, 2_000))
    assert {i.action for i in intents} == set(Action)
    # The spot dialect has no good-till-date.
    assert {i.time_in_force for i in intents} == set(TimeInForce) - {TimeInForce.GTD}
    assert {i.order_type for i in intents} == set(OrderType)
