"""The id map equals a dict, whatever collides."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matching.ids import find_slot, home_place, insert_id, remove_id
from matching.jit import kernel
from matching.layout import ID_ENTRY, NIL

PLACES = 16


@kernel
def find(ids, order_id):
    return find_slot(ids, order_id)


@kernel
def insert(ids, order_id, slot):
    insert_id(ids, order_id, slot)


@kernel
def remove(ids, order_id):
    remove_id(ids, order_id)


@kernel
def home(order_id, places):
    return home_place(order_id, places)


def colliding(place, count):
    """Ids that all want the same place."""
    found, order_id = [], 0
    while len(found) < count:
        order_id += 1
        if home(order_id, PLACES) == place:
            found.append(order_id)
    return found


IDS = st.one_of(
    st.sampled_from(colliding(0, 6) + colliding(PLACES - 1, 6) + colliding(7, 4)),
    st.integers(1, 2**53 - 1),
)


@given(st.lists(st.tuples(st.booleans(), IDS), max_size=60))
def test_id_map_equals_a_dict_under_collisions_and_removals(steps):
    ids, model = np.zeros(PLACES, ID_ENTRY), {}
    for slot, (adds, order_id) in enumerate(steps):
        if order_id in model and not adds:
            remove(ids, order_id)
            del model[order_id]
        elif order_id not in model and adds and len(model) < PLACES // 2:
            insert(ids, order_id, slot)
            model[order_id] = slot
        for known, expected in model.items():
            assert find(ids, known) == expected
        assert find(ids, order_id) == model.get(order_id, NIL)
    assert np.count_nonzero(ids["order_id"]) == len(model)


def test_removing_everything_leaves_no_trace():
    ids = np.zeros(PLACES, ID_ENTRY)
    wanted = colliding(PLACES - 2, 8)
    for slot, order_id in enumerate(wanted):
        insert(ids, order_id, slot)
    for order_id in wanted:
        remove(ids, order_id)
    assert not ids["order_id"].any()
    assert not ids["slot"].any()


@given(st.integers(1, 2**53 - 1), st.sampled_from([1 << bits for bits in range(1, 31)]))
def test_home_place_is_in_range_for_every_id_and_size(order_id, places):
    assert 0 <= home(order_id, places) < places


def test_neighbouring_ids_spread_over_the_whole_map():
    places = 1 << 16
    homes = {home(order_id, places) for order_id in range(1, places // 2 + 1)}
    assert len(homes) > places // 2 * 9 // 10
