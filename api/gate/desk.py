"""Stage 1, the command path: typed requests become commands, for the routes and for in-process use.

The desk knows no HTTP and no decimals: numbers are ticks, lots and minor units. It checks what only
the gate can know (a client id that is already in use, whose order a name means) and leaves the rest
to the engine, whose answer comes back as an `Ack`, rejects included.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from api.gate.ports import ReadsHistory
from api.gate.refusals import (
    CancelReplaceFailed,
    CancelUnknown,
    ClientIdKept,
    CommandRejected,
    DuplicateOrder,
    WithdrawalIdReused,
)
from ledger.journal.ports import Ack, Submits
from ledger.readmodel.views import OrderView, WithdrawalView
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import (
    CancelScope,
    CommandFlag,
    CommandKind,
    EventKind,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    Side,
    TimeInForce,
)

T = TypeVar("T")
NO_TRAVEL = bytes(32)
"""The commitment of a withdrawal that came without a travel-rule payload."""
NO_FLAGS = CommandFlag(0)
OPEN = (OrderStatus.OPEN, OrderStatus.PARTLY_FILLED, OrderStatus.PENDING)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One order to place. A market order has no price; by quote it has no lots either.

    With a STOP or TAKE_PROFIT flag it waits for `trigger_ticks`; with `display_lots` it is an
    iceberg.
    """

    instrument: int
    side: Side
    order_type: OrderType
    client_id: bytes
    time_in_force: TimeInForce = TimeInForce.GTC
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    flags: CommandFlag = NO_FLAGS
    price_ticks: int = 0
    qty_lots: int = 0
    quote_minor: int = 0
    trigger_ticks: int = 0
    display_lots: int = 0
    session: int = 0


@dataclass(frozen=True, slots=True)
class Replaced:
    """A cancel-replace that took effect: the old order as it ended, and the new one's answer."""

    old: OrderView
    ack: Ack


@dataclass(frozen=True, slots=True)
class OrderName:
    """Names one order of the caller: by its id, by its client id, or by both, which must agree."""

    instrument: int
    order_id: int | None = None
    client_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewWithdrawal:
    """One withdrawal to request. The payee gets `amount_minor`; the asset's fee comes on top."""

    asset: int
    amount_minor: int
    payee: bytes
    client_id: bytes
    travel: bytes = NO_TRAVEL
    session: int = 0

    def stands_as(self, view: WithdrawalView) -> bool:
        """Whether an earlier withdrawal is this same one. The commitment is salted: left out."""
        return (view.asset, view.amount_minor, view.payee) == (
            self.asset,
            self.amount_minor,
            self.payee,
        )


class Desk:
    """Builds, names and submits the commands of customers."""

    def __init__(self, submits: Submits, history: ReadsHistory) -> None:
        self._submits = submits
        self._history = history
        # Client ids of commands between here and their acknowledgement. As many as commands can be
        # under way, which the sequencer's queue bounds.
        self._orders_in_flight: set[tuple[int, bytes]] = set()
        self._withdrawals_in_flight: set[tuple[int, bytes]] = set()

    async def place(self, account: int, order: NewOrder) -> Ack:
        """Place one order.

        Raises:
            DuplicateOrder: An open order, or one on its way, has this client id.
            JournalError: It was not sequenced.
        """
        key = (account, order.client_id)
        if self._in_use(*key):
            raise DuplicateOrder(order.client_id)
        self._orders_in_flight.add(key)
        return await _settled(self._place(key, _new_order(account, order)))

    async def replace(self, account: int, name: OrderName, order: NewOrder) -> Replaced:
        """Cancel one open order and place another on its side: both, or neither.

        Raises:
            CancelReplaceFailed: Neither happened: the name means no open order of this account on
                this side, the client id is in use, or the engine refused the new order.
            JournalError: It was not sequenced.
        """
        try:
            old = self._open_order(account, name)
        except CancelUnknown as refusal:
            raise CancelReplaceFailed(refusal, None) from None
        if old.side is not order.side:
            raise CancelReplaceFailed(CancelUnknown(), None)
        key = (account, order.client_id)
        reused = old.client_id == order.client_id
        if key in self._orders_in_flight or (not reused and self._history.has_open_client_id(*key)):
            raise CancelReplaceFailed(None, DuplicateOrder(order.client_id))
        self._orders_in_flight.add(key)
        raw = _new_order(account, order, CommandKind.REPLACE_ORDER, old.order_id)
        ack = await _settled(self._place(key, raw))
        if ack.reject in (Reject.UNKNOWN_ORDER, Reject.NOT_OWNER):
            raise CancelReplaceFailed(CancelUnknown(), None)
        if ack.reject is not Reject.NONE:
            raise CancelReplaceFailed(None, CommandRejected(ack))
        return Replaced(self._known(old.order_id), ack)

    async def place_pair(self, account: int, first: NewOrder, second: NewOrder) -> tuple[Ack, Ack]:
        """Place two orders of which one cancels the other. The second one waits for a trigger.

        When the second is refused the first is cancelled, and what the engine said of the second
        is raised. If the first has traded away before that, both answers are returned: the second
        with its reject, for by the rule of the pair it would be gone.

        Raises:
            DuplicateOrder: A client id is in use, or both have the same.
            CommandRejected: Neither order stands.
            JournalError: One was not sequenced; the first may stand.
        """
        return await _settled(self._place_pair(account, first, second))

    async def _place_pair(self, account: int, first: NewOrder, second: NewOrder) -> tuple[Ack, Ack]:
        if first.client_id == second.client_id or self._in_use(account, second.client_id):
            raise DuplicateOrder(second.client_id)
        ack = await self.place(account, first)
        if ack.reject is not Reject.NONE:
            raise CommandRejected(ack)
        key = (account, second.client_id)
        if self._in_use(*key):
            await self._take_back(account, first, ack)
            raise DuplicateOrder(second.client_id)
        self._orders_in_flight.add(key)
        raw = _new_order(account, second, target_id=ack.subject_id, flags=CommandFlag.OCO)
        other = await self._place(key, raw)
        if other.reject is not Reject.NONE and await self._take_back(account, first, ack):
            raise CommandRejected(other)
        return ack, other

    async def _take_back(self, account: int, order: NewOrder, ack: Ack) -> bool:
        """Cancel an order that was just placed; False when it is gone by itself."""
        raw = command(
            CommandKind.CANCEL_ORDER,
            account=account,
            instrument=order.instrument,
            target_id=ack.subject_id,
        )
        return (await self._submits.submit(raw)).reject is Reject.NONE

    def _in_use(self, account: int, client_id: bytes) -> bool:
        key = (account, client_id)
        return key in self._orders_in_flight or self._history.has_open_client_id(*key)

    def _known(self, order_id: int) -> OrderView:
        return known(self._history.order(order_id))

    async def cancel(self, account: int, name: OrderName) -> tuple[OrderView, Ack]:
        """Cancel one open order; returns it as it stands after, and the acknowledgement.

        Raises:
            CancelUnknown: The name means no open order of this account.
            JournalError: It was not sequenced.
        """
        order = self._open_order(account, name)
        raw = command(
            CommandKind.CANCEL_ORDER,
            account=account,
            instrument=order.instrument,
            target_id=order.order_id,
        )
        return await self._changed(order, raw)

    async def cancel_all(self, account: int, instrument: int) -> tuple[list[OrderView], Ack]:
        """Cancel the account's open orders of one instrument, in one command.

        Returns the orders as they ended, in the order in which they left: resting ones first.

        Raises:
            CancelUnknown: There is none.
            JournalError: It was not sequenced.
        """
        if not self._history.open_orders(account, instrument):
            raise CancelUnknown
        raw = command(
            CommandKind.CANCEL_ALL,
            account=account,
            flags=CancelScope.INSTRUMENT,
            instrument=instrument,
        )
        ack = await self._submits.submit(raw)
        if ack.reject is not Reject.NONE:
            raise CommandRejected(ack)
        left = ack.events[ack.events["kind"] == EventKind.ORDER_EXPIRED]
        if not len(left):
            raise CancelUnknown
        return [self._known(order_id) for order_id in left["order_id"].tolist()], ack

    async def amend(
        self, account: int, name: OrderName, qty_lots: int, client_id: bytes | None = None
    ) -> tuple[OrderView, Ack]:
        """Make an open order smaller; it keeps its place in the queue, and its client id.

        `qty_lots` counts what was ordered: with what self-trade prevention has taken off since.

        Returns the order as it stands after, and the acknowledgement.

        Raises:
            CancelUnknown: The name means no open order of this account.
            ClientIdKept: Another client id was asked for.
            JournalError: It was not sequenced.
        """
        order = self._open_order(account, name)
        if client_id is not None and client_id != order.client_id:
            raise ClientIdKept(client_id)
        raw = command(
            CommandKind.AMEND_ORDER,
            account=account,
            instrument=order.instrument,
            target_id=order.order_id,
            qty_lots=max(0, qty_lots - order.prevented_lots),
        )
        return await self._changed(order, raw)

    async def withdraw(self, account: int, wish: NewWithdrawal) -> int | Ack:
        """Request a withdrawal; the id of the one that stands when the same came before.

        Raises:
            WithdrawalIdReused: The client id stands for another withdrawal, or for one on its way.
            JournalError: It was not sequenced.
        """
        standing = self.standing_withdrawal(account, wish)
        if standing is not None:
            return standing
        key = (account, wish.client_id)
        self._withdrawals_in_flight.add(key)
        return await _settled(self._withdraw(key, _new_withdrawal(account, wish)))

    def standing_withdrawal(self, account: int, wish: NewWithdrawal) -> int | None:
        """The id of the same withdrawal, if it was requested before.

        Raises:
            WithdrawalIdReused: The client id stands for another withdrawal, or for one on its way.
        """
        key = (account, wish.client_id)
        if key in self._withdrawals_in_flight:
            raise WithdrawalIdReused(wish.client_id)
        earlier = self._history.withdrawal_by_client_id(*key)
        if earlier is None:
            return None
        if not wish.stands_as(earlier):
            raise WithdrawalIdReused(wish.client_id)
        return earlier.withdrawal_id

    async def _changed(self, order: OrderView, raw: bytes) -> tuple[OrderView, Ack]:
        ack = await self._submits.submit(raw)
        return self._known(order.order_id), ack

    async def _place(self, key: tuple[int, bytes], raw: bytes) -> Ack:
        try:
            return await self._submits.submit(raw)
        finally:
            self._orders_in_flight.discard(key)

    async def _withdraw(self, key: tuple[int, bytes], raw: bytes) -> Ack:
        try:
            return await self._submits.submit(raw)
        finally:
            self._withdrawals_in_flight.discard(key)

    def _open_order(self, account: int, name: OrderName) -> OrderView:
        order = find_order(self._history, account, name)
        if order is None or order.status not in OPEN:
            raise CancelUnknown
        return order


def known(order: OrderView | None) -> OrderView:
    """An order that was open a moment ago: it is not forgotten yet."""
    assert order is not None, "an order that was found once is never forgotten while open"
    return order


def find_order(history: ReadsHistory, account: int, name: OrderName) -> OrderView | None:
    """The order that the name means, if it is the account's and of that instrument."""
    if name.order_id is not None:
        order = history.order(name.order_id)
    else:
        assert name.client_id is not None, "a name has an id or a client id"
        order = history.order_by_client_id(account, name.client_id)
    if order is None or (order.account, order.instrument) != (account, name.instrument):
        return None
    if name.client_id is not None and order.client_id != name.client_id:
        return None
    return order


async def _settled(submission: Coroutine[Any, Any, T]) -> T:
    """Await a submission that outlives its caller.

    A client that hangs up cancels the caller; the command is under way all the same, and its client
    id has to stay reserved until the outcome is known.
    """
    return await asyncio.shield(asyncio.ensure_future(submission))


def _new_order(
    account: int,
    order: NewOrder,
    kind: CommandKind = CommandKind.NEW_ORDER,
    target_id: int = 0,
    flags: CommandFlag = NO_FLAGS,
) -> bytes:
    return command(
        kind,
        account=account,
        flags=order.flags | flags,
        instrument=order.instrument,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        self_trade=order.self_trade,
        price_ticks=order.price_ticks,
        qty_lots=order.qty_lots,
        quote_minor=order.quote_minor,
        trigger_ticks=order.trigger_ticks,
        display_lots=order.display_lots,
        target_id=target_id,
        client_id=order.client_id,
        session=order.session,
    )


def _new_withdrawal(account: int, wish: NewWithdrawal) -> bytes:
    return command(
        CommandKind.REQUEST_WITHDRAWAL,
        account=account,
        asset=wish.asset,
        amount_minor=wish.amount_minor,
        client_id=wish.client_id,
        session=wish.session,
        **address_fields("payee", wish.payee),
        **digest_fields("travel", wish.travel),
    )
