"""Stage 1, the command path: typed requests become commands, for the routes and for in-process use.

The desk knows no HTTP and no decimals: numbers are ticks, lots and minor units. It checks what only
the gate can know (a client id that is already in use, whose order a name means) and leaves the rest
to the engine, whose answer comes back as an `Ack`, rejects included.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from api.ports import ReadsHistory
from api.refusals import CancelUnknown, ClientIdKept, DuplicateOrder, WithdrawalIdReused
from ledger.journal.ports import Ack, Submits
from ledger.readmodel.views import OrderView, WithdrawalView
from ledger.records.build import address_fields, command, digest_fields
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    OrderStatus,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)

NO_TRAVEL = bytes(32)
"""The commitment of a withdrawal that came without a travel-rule payload."""
NO_FLAGS = CommandFlag(0)
_OPEN = (OrderStatus.OPEN, OrderStatus.PARTLY_FILLED)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One order to place. A market order has no price; by quote it has no lots either."""

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
    session: int = 0


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
        if key in self._orders_in_flight or self._history.has_open_client_id(*key):
            raise DuplicateOrder(order.client_id)
        self._orders_in_flight.add(key)
        return await _settled(self._place(key, _new_order(account, order)))

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

    async def cancel_all(self, account: int, instrument: int) -> list[tuple[OrderView, Ack]]:
        """Cancel the account's open orders of one instrument, oldest first.

        Raises:
            CancelUnknown: There is none.
            JournalError: One was not sequenced; those before it were.
        """
        orders = self._history.open_orders(account, instrument)
        if not orders:
            raise CancelUnknown
        names = (OrderName(instrument, order.order_id) for order in orders)
        return list(await asyncio.gather(*(self.cancel(account, name) for name in names)))

    async def amend(
        self, account: int, name: OrderName, qty_lots: int, client_id: bytes | None = None
    ) -> tuple[OrderView, Ack]:
        """Make an open order smaller; it keeps its place in the queue, and its client id.

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
            qty_lots=qty_lots,
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
        after = self._history.order(order.order_id)
        assert after is not None, "an order that was found once is never forgotten while open"
        return after, ack

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
        if order is None or order.status not in _OPEN:
            raise CancelUnknown
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


async def _settled(submission: Coroutine[Any, Any, Ack]) -> Ack:
    """Await a submission that outlives its caller.

    A client that hangs up cancels the caller; the command is under way all the same, and its client
    id has to stay reserved until the outcome is known.
    """
    return await asyncio.shield(asyncio.ensure_future(submission))


def _new_order(account: int, order: NewOrder) -> bytes:
    return command(
        CommandKind.NEW_ORDER,
        account=account,
        flags=order.flags,
        instrument=order.instrument,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        self_trade=order.self_trade,
        price_ticks=order.price_ticks,
        qty_lots=order.qty_lots,
        quote_minor=order.quote_minor,
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
