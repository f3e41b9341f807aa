"""The mirror against the plainest model: lists of orders."""

from hypothesis import given
from hypothesis import strategies as st

from api.replay.mirror import Mirror
from ledger.records.codes import Side

BUY, SELL = Side.BUY, Side.SELL
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "seat", "vacate", "remove"]),
        st.integers(0, 9),
        st.sampled_from([BUY, SELL]),
        st.integers(1, 6),
    ),
    max_size=80,
)


@given(steps=STEPS)
def test_best_prices_and_crossings_are_those_of_the_seated_orders(steps):
    mirror, next_id = Mirror(), 1
    model: dict[int, tuple[Side, int, bool]] = {}
    for what, key, side, price in steps:
        if what == "add" and key not in model:
            mirror.add(key, side, price, 5)
            model[key] = side, price, False
        elif key not in model:
            continue
        elif what == "seat" and not model[key][2]:
            mirror.seat(mirror.orders[key], next_id)
            assert mirror.seats[next_id].seat_lots == mirror.seats[next_id].seat_size == 5
            next_id += 1
            model[key] = (*model[key][:2], True)
        elif what == "vacate":
            mirror.vacate(mirror.orders[key])
            model[key] = (*model[key][:2], False)
        elif what == "remove":
            mirror.remove(mirror.orders[key])
            del model[key]
        bids = [at for s, at, seated in model.values() if seated and s is BUY]
        asks = [at for s, at, seated in model.values() if seated and s is SELL]
        assert mirror.best(BUY) == max(bids, default=0)
        assert mirror.best(SELL) == min(asks, default=0)
        for at in range(1, 7):
            assert mirror.crosses(BUY, at) == any(at >= ask for ask in asks)
            assert mirror.crosses(SELL, at) == any(at <= bid for bid in bids)
        assert {key: order.side for key, order in mirror.orders.items()} == {
            key: side for key, (side, _, _) in model.items()
        }
        assert len(mirror.seats) == len(bids) + len(asks)


@given(keys=st.lists(st.integers(0, 99), unique=True, max_size=20), gone=st.data())
def test_a_level_keeps_the_order_of_arrival(keys, gone):
    mirror = Mirror()
    for key in keys:
        mirror.add(key, BUY, 7, 1)
    leaving = gone.draw(st.sets(st.sampled_from(keys))) if keys else set()
    for key in leaving:
        mirror.remove(mirror.orders[key])
    left = [key for key in keys if key not in leaving]
    assert [list(level.orders) for level in mirror.levels[BUY].values()] == ([left] if left else [])
