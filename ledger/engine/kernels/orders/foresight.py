"""Ask early for the memory that the next commands will look at.

A full venue's tables are larger than the caches near a core, and what a command needs is found step
by step: its order's id, the slot, the orders beside it. So the first step is fetched some commands
ahead, the next one when that has come. A hint changes nothing, and may be wrong by then.
"""

from ledger.engine.caches import AHEAD
from ledger.engine.kernels.base.resting import held_asset, is_contract
from ledger.engine.kernels.margin.positions import hash_of, row_at
from ledger.engine.margin_layout import NET
from ledger.engine.state import Commands, Results, State
from ledger.records.codes import CommandKind
from matching.ids import home_place
from matching.intrinsics import prefetch
from matching.jit import i64, inner
from matching.layout import NIL

_NEW_ORDER = int(CommandKind.NEW_ORDER)
_AMEND_ORDER = int(CommandKind.AMEND_ORDER)
_LAST = AHEAD - 1
_FAR = 6
_MIDDLE = 4
_NEAR = 2
"""How many commands ahead: a command takes longer than memory does."""


@inner
def foresee(state: State, commands: Commands, row: int, stop: int) -> None:
    """Fetch for commands after `row` that come before `stop`; `foresee_first` was at the first."""
    if row + _FAR < stop:
        foresee_names(state, commands, row + _FAR, _FAR)
    if row + _MIDDLE < stop:
        foresee_rows(state, commands, row + _MIDDLE)
    if row + _NEAR < stop:
        foresee_neighbours(state, row + _NEAR)


@inner
def foresee_first(state: State, commands: Commands, start: int, stop: int) -> None:
    """Fetch for the first commands of a pass."""
    for ahead in range(min(_FAR, stop - start)):
        foresee_names(state, commands, start + ahead, ahead)


@inner
def foresee_names(state: State, commands: Commands, row: int, ahead: int) -> None:
    """What a command itself names, if it is of one order; its id is its number."""
    c, known = commands.order, state.caches.ahead
    kind, account = i64(c["kind"][row]), i64(c["account"][row])
    instrument = i64(c["instrument"][row])
    known[row & _LAST, 0] = NIL
    known[row & _LAST, 1] = NIL
    known[row & _LAST, 2] = NIL
    if (
        not _NEW_ORDER <= kind <= _AMEND_ORDER
        or account >= state.header["account_count"][0]
        or instrument >= state.header["instrument_count"][0]
    ):
        return
    prefetch(state.caches.slack, account)
    prefetch(state.order_owners, account)
    ids = state.book.ids
    if kind == _NEW_ORDER:
        prefetch(state.seats, account)
        prefetch(state.seats["pair"], account)
        prefetch(state.margin.accounts, account)
        prefetch(ids, home_place(state.header["seq"][0] + 1 + ahead, ids.shape[0]))
    elif c["target_id"][row] > 0:
        place = home_place(c["target_id"][row], ids.shape[0])
        prefetch(ids, place)
        known[row & _LAST, 1] = place
    if is_contract(state, instrument):
        places = state.caches.places
        place = hash_of(account, instrument, NET) & (places.shape[0] - 1)
        prefetch(places, place)
        known[row & _LAST, 0] = place
    elif kind == _NEW_ORDER:
        asset = held_asset(state, instrument, i64(c["side"][row]) & 1)
        prefetch(state.balances, (asset, account))


@inner
def foresee_trade(state: State, results: Results, maker: int) -> None:
    """What paying and counting a trade will look at, while its positions change."""
    taker = results.taker
    counter = i64(state.book.orders["account"][maker])
    instrument, side = taker["instrument"][0], taker["side"][0]
    prefetch(state.credit.volumes, counter)
    prefetch(state.credit.volumes, taker["account"][0])
    prefetch(state.balances, (held_asset(state, instrument, side), counter))
    prefetch(state.balances, (held_asset(state, instrument, 1 - side), counter))


@inner
def foresee_rows(state: State, commands: Commands, row: int) -> None:
    """A position, and the order that is named, where the first look finds them."""
    known = state.caches.ahead
    if known[row & _LAST, 0] != NIL:
        position = row_at(state, known[row & _LAST, 0])
        if position != NIL:
            # Its 112 bytes lie on up to three lines.
            prefetch(state.margin.positions, position)
            prefetch(state.margin.positions["account"], position)
            prefetch(state.margin.positions["margin_minor"], position)
    place, ids = known[row & _LAST, 1], state.book.ids
    if place == NIL or ids["order_id"][place] != commands.order["target_id"][row]:
        return
    slot = i64(ids["slot"][place])
    known[row & _LAST, 2] = slot
    prefetch(state.book.orders, slot)
    prefetch(state.orders, slot)
    prefetch(state.order_links, slot)
    prefetch(state.book.level_of, slot)


@inner
def foresee_neighbours(state: State, row: int) -> None:
    """What stands beside an order that leaves: in its level, in its owner's list; and its hold.

    Its slot may be empty by now, or another's.
    """
    slot = state.caches.ahead[row & _LAST, 2]
    if slot == NIL:
        return
    book, links = state.book, state.order_links
    before, after = i64(book.orders["prev"][slot]), i64(book.orders["next"][slot])
    if before != NIL:
        prefetch(book.orders, before)
    if after != NIL:
        prefetch(book.orders, after)
    earlier, later = i64(links["prev"][slot]), i64(links["next"][slot])
    if earlier != 0:
        prefetch(links, earlier - 1)
    if later != 0:
        prefetch(links, later - 1)
    prefetch(book.levels, i64(book.level_of[slot]))
    side_index = i64(book.orders["side_index"][slot])
    if not is_contract(state, side_index >> 1):
        asset = held_asset(state, side_index >> 1, side_index & 1)
        prefetch(state.balances, (asset, i64(book.orders["account"][slot])))
