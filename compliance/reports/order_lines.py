"""The fold from certified records to order-book record lines. The order of its checks is the log's.

Events of Table 2, field 20: NEWO, REME (an amend by its owner), CAME (a cancel by its owner), CAMO
(self-trade prevention took it), EXPI (the validity of IOC, FOK or market ended), REMO (rejected),
PARF and FILL.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from compliance.errors import RecordsInconsistent
from compliance.ports import CertifiedChunk
from compliance.reports.book_state import BookState, Order, OrderForm
from compliance.reports.pack import ReportPackBody
from compliance.reports.text import time_text
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    OrderStatus,
    OrderType,
    Reject,
    Side,
    TimeInForce,
)
from ledger.records.layout import COMMAND_BYTES, ORDER

_SIDES: Final = {int(Side.BUY): "BUYI", int(Side.SELL): "SELL"}
_VALIDITY: Final = {
    int(TimeInForce.GTC): "GTCV",
    int(TimeInForce.IOC): "IOCV",
    int(TimeInForce.FOK): "FOKV",
}
_TYPES: Final = {int(OrderType.LIMIT): "LIMIT", int(OrderType.MARKET): "MARKET"}
_DEFINING: Final = frozenset(
    {CommandKind.LIST_ASSET, CommandKind.LIST_INSTRUMENT, CommandKind.OPEN_ACCOUNT}
)
# A plain integer: masking with the enumeration costs more than the rest of the look-up.
_FORM_FLAGS: Final = int(CommandFlag.POST_ONLY | CommandFlag.BY_QUOTE)
_RESTING: Final = frozenset({OrderStatus.OPEN, OrderStatus.PARTLY_FILLED})
# One log entry gives at most four numbers: its own record, the maker's side of a trade, one that
# is kept free, and the end of the taker's rest. So number // 4 is the index of the log's leaf.
SEQ_STRIDE: Final = 4
_OWN, _MAKER, _REST = 0, 1, 3


class _Command(NamedTuple):
    """One order command with its outcome, as Python integers."""

    seq: int
    time_ns: int
    kind: int
    flags: int
    account: int
    instrument: int
    side: int
    order_type: int
    time_in_force: int
    price_ticks: int
    qty_lots: int
    quote_minor: int
    display_lots: int
    target_id: int
    reject: int
    status: int
    remaining_lots: int
    events: int


class _Event(NamedTuple):
    """One event, as Python integers."""

    kind: int
    order_id: int
    counter_order_id: int
    instrument: int
    trade_id: int
    price_ticks: int
    qty_lots: int
    quote_minor: int
    remaining_lots: int
    counter_remaining_lots: int


class _Mark(NamedTuple):
    """What happened to an order: field 20, 14 and 8, and the trade's fields as JSON."""

    code: str
    number: int
    time_ns: int
    transaction: str = ""


_ORDER_COLUMNS: Final = _Command._fields[1:14]
_OUTCOME_COLUMNS: Final = _Command._fields[14:]


class OrderLines:
    """Folds chunks; `lines` are the records of the last chunk that was emitted."""

    __slots__ = (
        "_emit", "_forms", "_leaf", "_pack", "_state",
        "first_ns", "last_ns", "lines", "unattributed",
    )  # fmt: skip

    def __init__(self, pack: ReportPackBody) -> None:
        self.lines: list[str] = []
        self.unattributed = 0
        self.first_ns = -1
        self.last_ns = -1
        self._emit = False
        self._leaf = 0
        self._pack = pack
        self._state = BookState(pack)
        self._forms: dict[tuple[int, ...], OrderForm | None] = {}

    def take(self, chunk: CertifiedChunk, *, emit: bool) -> None:
        """Fold one chunk, right after the one before.

        Raises:
            RecordsInconsistent: The chunk contradicts itself, or what came before.
        """
        _check_shape(chunk)
        self._emit = emit
        self.lines = []
        raw = np.ascontiguousarray(chunk.commands)
        seqs = range(chunk.first_seq, chunk.first_seq + len(raw))
        orders = [raw.view(ORDER)[name].tolist() for name in _ORDER_COLUMNS]
        outcomes = [chunk.outcomes[name].tolist() for name in _OUTCOME_COLUMNS]
        events = [chunk.events[name].tolist() for name in _Event._fields]
        happened = map(_Event._make, zip(*events, strict=True))
        rows = zip(seqs, *orders, *outcomes, strict=True)
        for index, order in enumerate(map(_Command._make, rows)):
            caused = [next(happened) for _ in range(order.events)]
            self._command(order, caused)
            if order.kind in _DEFINING and order.reject == Reject.NONE:
                self._state.define(order.seq, order.kind, raw[index : index + 1])
            self._leaf += 1 + order.events
        if emit and len(raw):
            self.first_ns = int(raw["time_ns"][0]) if self.first_ns < 0 else self.first_ns
            self.last_ns = int(raw["time_ns"][-1])

    def _command(self, command: _Command, events: list[_Event]) -> None:
        if command.kind == CommandKind.NEW_ORDER:
            order = self._new_order(command)
            if command.reject != Reject.NONE:
                self._rejected(order, command)
            elif order is None:
                raise RecordsInconsistent(command.seq, "an accepted order that cannot be read")
            else:
                self._accepted(order, command, events)
        elif command.reject != Reject.NONE:
            return
        elif command.kind == CommandKind.CANCEL_ORDER:
            order = self._state.standing(command.seq, command.target_id)
            self._leave(order, "CAME", self._number(_OWN), command.time_ns)
        elif command.kind == CommandKind.AMEND_ORDER:
            order = self._state.standing(command.seq, command.target_id)
            taken = order.rest - command.remaining_lots
            if not 0 < taken < order.rest:
                raise RecordsInconsistent(command.seq, "an amend that does not shrink its order")
            order.size -= taken
            order.rest -= taken
            self._write(order, _Mark("REME", self._number(_OWN), command.time_ns))

    def _rejected(self, order: Order | None, command: _Command) -> None:
        """A rejected order has an identification code too (Article 9(1)), if it names a book."""
        if order is None:
            self.unattributed += self._emit
            return
        order.rest = 0
        self._write(order, _Mark("REMO", self._number(_OWN), command.time_ns))

    def _accepted(self, order: Order, command: _Command, events: list[_Event]) -> None:
        self._state.orders[order.order_id] = order
        self._write(order, _Mark("NEWO", self._number(_OWN), command.time_ns))
        trades = sum(event.kind == EventKind.TRADE for event in events)
        for leaf, event in enumerate(events, self._leaf + 1):
            if event.kind == EventKind.TRADE:
                trades -= 1
                filled = command.status == OrderStatus.FILLED and not trades
                self._trade(event, leaf, command.time_ns, filled=filled)
            elif event.kind == EventKind.ORDER_EXPIRED:
                left = self._state.standing(command.seq, event.order_id)
                self._leave(left, "CAMO", leaf * SEQ_STRIDE + _OWN, command.time_ns)
        if command.status == OrderStatus.EXPIRED:
            # A good-till-cancelled limit order ends by itself only through self-trade prevention.
            good = command.time_in_force == TimeInForce.GTC and order.form.limit
            last = (self._leaf + len(events)) * SEQ_STRIDE + _REST
            left = self._state.standing(command.seq, order.order_id)
            self._leave(left, "CAMO" if good else "EXPI", last, command.time_ns)
        elif command.status == OrderStatus.FILLED:
            if order.order_id in self._state.orders:
                raise RecordsInconsistent(command.seq, "a filled order that has no last trade")
        elif command.status not in _RESTING or not order.rest == command.remaining_lots > 0:
            raise RecordsInconsistent(command.seq, "an order's status does not follow from trades")

    def _trade(self, event: _Event, leaf: int, time_ns: int, *, filled: bool) -> None:
        taker = self._state.standing(event.order_id, event.order_id)
        maker = self._state.standing(event.order_id, event.counter_order_id)
        taker.rest -= event.quote_minor if taker.form.by_quote else event.qty_lots
        maker.rest -= event.qty_lots
        sound = taker is not maker and event.qty_lots > 0 and taker.rest >= 0
        if not sound or not maker.rest == event.counter_remaining_lots >= 0:
            raise RecordsInconsistent(taker.order_id, f"trade {event.trade_id} leaves a wrong rest")
        book = taker.form.instrument
        price = book.price_json(event.price_ticks)
        shared = (
            f'","TraddQty":{{"Unit":"{book.size(event.qty_lots)}"}},'
            f'"TxId":"{event.instrument}T{event.trade_id}","TxPric":{{"Pric":{price}}}}}'
        )
        number = leaf * SEQ_STRIDE
        self._fill(taker, _Mark("", number + _OWN, time_ns, "AGRE" + shared), filled=filled)
        self._fill(
            maker, _Mark("", number + _MAKER, time_ns, "PASV" + shared), filled=not maker.rest
        )

    def _fill(self, order: Order, mark: _Mark, *, filled: bool) -> None:
        if filled:
            # By quote, less than a lot's worth can be left over: the order is filled all the same.
            order.rest = 0
            del self._state.orders[order.order_id]
        code = "FILL" if filled else "PARF"
        transaction = f',"TxData":{{"PssvOrAggrssvInd":"{mark.transaction}'
        self._write(order, _Mark(code, mark.number, mark.time_ns, transaction))

    def _leave(self, order: Order, code: str, number: int, time_ns: int) -> None:
        order.rest = 0
        del self._state.orders[order.order_id]
        self._write(order, _Mark(code, number, time_ns))

    def _number(self, place: int) -> int:
        return self._leaf * SEQ_STRIDE + place

    def _new_order(self, command: _Command) -> Order | None:
        """The order that a command asks for; None when it names no book, client or code."""
        form = self._form(command)
        client = self._state.clients.get(command.account)
        if form is None or client is None:
            return None
        size = command.quote_minor if form.by_quote else command.qty_lots
        return Order(
            order_id=command.seq,
            client=client,
            form=form,
            price_ticks=command.price_ticks,
            created_ns=command.time_ns,
            display_lots=command.display_lots,
            size=size,
            rest=size,
        )

    def _form(self, command: _Command) -> OrderForm | None:
        key = (
            command.instrument, command.side, command.order_type, command.time_in_force,
            command.flags & _FORM_FLAGS
        )  # fmt: skip
        form = self._forms.get(key)
        if form is None:
            form = self._make_form(command)
            if form is not None:
                # Only readable combinations are kept: hostile ones cannot fill the memory.
                self._forms[key] = form
        return form

    def _make_form(self, command: _Command) -> OrderForm | None:
        book = self._state.instruments.get(command.instrument)
        side, kind = _SIDES.get(command.side), _TYPES.get(command.order_type)
        validity = _VALIDITY.get(command.time_in_force)
        if book is None or side is None or kind is None or validity is None:
            return None
        post_only = bool(command.flags & CommandFlag.POST_ONLY)
        by_quote = bool(command.flags & CommandFlag.BY_QUOTE)
        name = {(True, False): "LIMIT_MAKER", (False, True): "MARKET_BY_QUOTE"}.get(
            (post_only, by_quote), kind
        )
        return OrderForm(
            instrument=book,
            by_quote=by_quote,
            limit=command.order_type == OrderType.LIMIT,
            side=f'","SchmeNm":{{"Prtry":"PVSC"}}}}}},"InstrData":{{"BuySellInd":"{side}",',
            passive=f'","PssvOnlyInd":{str(post_only).lower()},"RmngQty":',
            kind=(
                f',"SlfExctnPrvntn":true}},"OrdrClssfctn":{{"OrdrTp":"{name}",'
                f'"OrdrTpClssfctn":"LMTO"}},'
            ),
            capacity=f'"TradgCpcty":"{self._pack.trading_capacity}"',
            ident=(f'"}},"FinInstrm":{book.fin_instrm},"OrdrBookId":"{book.symbol}","OrdrId":"'),
            tail=(f'","TradVn":"{self._pack.mic}","VldtyPrd":{{"VldtyPrdCd":"{validity}"}}}}}}'),
        )

    def _write(self, order: Order, mark: _Mark) -> None:
        if not self._emit:
            return
        form, by_quote = order.form, order.form.by_quote
        book = form.instrument
        rest = shown = initial = book.quantity_json(order.rest, by_quote=by_quote)
        if order.size != order.rest:
            initial = book.quantity_json(order.size, by_quote=by_quote)
        if 0 < order.display_lots < order.rest:
            shown = book.quantity_json(order.display_lots, by_quote=by_quote)
        prices = ""
        if form.limit:
            prices = f'"OrdrPrics":{{"LmtPric":{book.price_json(order.price_ticks)}}},'
        created = now = time_text(order.created_ns)
        if mark.time_ns != order.created_ns:
            now = time_text(mark.time_ns)
        self.lines.append(
            f'{{"OrdrData":{{"ClntId":{{"Prsn":{{"Id":"{order.client}{form.side}'
            f'"DispdQty":{shown},"InitlQty":{initial},"OrdrSts":["FIRM"],'
            f'"OrdrVldtySts":"{"ACTI" if order.rest else "INAC"}{form.passive}'
            f"{rest}{form.kind}{prices}{form.capacity}{mark.transaction}}},"
            f'"OrdrIdData":{{"DtOfRct":"{created[:10]}",'
            f'"EvtTp":{{"Cd":"{mark.code}{form.ident}{order.order_id}",'
            f'"Prty":{{"TmStmp":"{created}"}},"SeqNb":{mark.number},"TmStmp":"{now}{form.tail}'
        )


def _check_shape(chunk: CertifiedChunk) -> None:
    """Outcomes and events must be the commands' own, in order, before anything is read."""
    count = len(chunk.commands)
    assert chunk.commands.dtype.itemsize == COMMAND_BYTES, chunk.commands.dtype
    seqs: Any = np.arange(chunk.first_seq, chunk.first_seq + count)
    if len(chunk.outcomes) != count or (chunk.outcomes["seq"] != seqs).any():
        raise RecordsInconsistent(chunk.first_seq, "outcomes are not the commands' own")
    if (chunk.outcomes["kind"] != chunk.commands["kind"]).any():
        raise RecordsInconsistent(chunk.first_seq, "an outcome of another kind than its command")
    owners = np.repeat(seqs, chunk.outcomes["events"])
    if len(owners) != len(chunk.events) or (chunk.events["seq"] != owners).any():
        raise RecordsInconsistent(chunk.first_seq, "events are not the commands' own")
