"""The fold from certified records to order-book record lines. The order of its checks is the log's.

Events of Table 2, field 20: NEWO, TRIG (a pending order's price was reached), REME (an amend by its
owner), REMA (self-trade prevention made it smaller), CAME (its owner's cancel, by name or not),
CAMO (the venue took it), EXPI (its validity ended), REMO (rejected), PARF and FILL.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from compliance.errors import RecordsInconsistent
from compliance.ports import CertifiedChunk
from compliance.reports.book_state import BookState, Order, OrderForm
from compliance.reports.order_codes import (
    CONDITIONAL,
    ENTERING,
    FORM_FLAGS,
    LEAVING,
    REASON_MASK,
    SIDES,
    TYPES,
    VALIDITIES,
    type_name,
)
from compliance.reports.pack import ReportPackBody
from compliance.reports.text import time_text
from ledger.records.codes import (
    CommandFlag,
    CommandKind,
    EventKind,
    ExpireReason,
    OrderStatus,
    OrderType,
    Reject,
    SelfTrade,
    TimeInForce,
    TradeFlag,
)
from ledger.records.layout import COMMAND_BYTES, ORDER

_DEFINING: Final = frozenset(
    {CommandKind.LIST_ASSET, CommandKind.LIST_INSTRUMENT, CommandKind.OPEN_ACCOUNT}
)
_RESTING: Final = frozenset({OrderStatus.OPEN, OrderStatus.PARTLY_FILLED})
_STAYING: Final = frozenset({TimeInForce.GTC, TimeInForce.GTD})
# One log entry gives at most four numbers: its own record, the other side of a trade or of a
# prevented one, one that is kept free, and the end of the rest. So number // 4 is the log's leaf.
SEQ_STRIDE: Final = 4
_OWN, _OTHER, _REST = 0, 1, 3


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
    self_trade: int
    price_ticks: int
    qty_lots: int
    quote_minor: int
    trigger_ticks: int
    display_lots: int
    expire_ns: int
    target_id: int
    reject: int
    status: int
    remaining_lots: int
    events: int


class _Event(NamedTuple):
    """One event, as Python integers."""

    kind: int
    flags: int
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


_ORDER_COLUMNS: Final = _Command._fields[1:17]
_OUTCOME_COLUMNS: Final = _Command._fields[17:]


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
        own: Order | None = None
        if command.kind in ENTERING:
            own = self._new_order(command)
            if command.reject != Reject.NONE:
                self._rejected(own, command)
                return
            if own is None:
                raise RecordsInconsistent(command.seq, "an accepted order that cannot be read")
            self._state.orders[own.order_id] = own
            self._write(own, _Mark("NEWO", self._number(_OWN), command.time_ns))
        elif command.reject != Reject.NONE:
            return
        elif command.kind == CommandKind.CANCEL_ORDER:
            order = self._state.standing(command.seq, command.target_id)
            self._leave(order, "CAME", self._number(_OWN), command.time_ns)
        elif command.kind == CommandKind.AMEND_ORDER:
            self._amended(command)
        if events:
            own = self._events(command, own, events)
        if own is not None:
            self._conclude(own, command, self._leaf + len(events))

    def _amended(self, command: _Command) -> None:
        order = self._state.standing(command.seq, command.target_id)
        taken = order.rest - command.remaining_lots
        if not 0 < taken < order.rest:
            raise RecordsInconsistent(command.seq, "an amend that does not shrink its order")
        order.shrink(taken)
        self._write(order, _Mark("REME", self._number(_OWN), command.time_ns))

    def _rejected(self, order: Order | None, command: _Command) -> None:
        """A rejected order has an identification code too (Article 9(1)), if it names a book."""
        if order is None:
            self.unattributed += self._emit
            return
        order.rest = order.shown = 0
        self._write(order, _Mark("REMO", self._number(_OWN), command.time_ns))

    def _events(self, command: _Command, own: Order | None, events: list[_Event]) -> Order | None:
        """Tell a command's events; returns its own order unless a trigger ended its turn before."""
        last_trades = {e.order_id: e for e in events if e.kind == EventKind.TRADE}
        ended = {e.order_id for e in events if e.kind == EventKind.ORDER_EXPIRED}
        working = 0 if own is None else own.order_id
        for leaf, event in enumerate(events, self._leaf + 1):
            if event.kind == EventKind.TRADE:
                last = last_trades[event.order_id] is event
                if event.order_id == command.seq:
                    filled = last and command.status == OrderStatus.FILLED
                else:
                    filled = last and event.order_id not in ended
                self._trade(event, leaf, command, may_fill=filled)
            elif event.kind == EventKind.ORDER_EXPIRED:
                self._expired(event, leaf, command, working)
            elif event.kind == EventKind.ORDER_REDUCED:
                order = self._state.standing(command.seq, event.order_id)
                order.shrink(event.qty_lots)
                if order.rest != event.remaining_lots:
                    raise RecordsInconsistent(command.seq, "a reduction that leaves a wrong rest")
                self._write(order, _Mark("REMA", leaf * SEQ_STRIDE + _OWN, command.time_ns))
                self._prevented(event, leaf, command)
            elif event.kind == EventKind.ORDER_TRIGGERED:
                if own is not None:
                    self._conclude(own, command, leaf - 1)
                    own = None
                working = event.order_id
                self._triggered(event, leaf, command, events[leaf - self._leaf :])
        return own

    def _triggered(self, event: _Event, leaf: int, command: _Command, follow: list[_Event]) -> None:
        order = self._state.standing(command.seq, event.order_id)
        if order.active:
            raise RecordsInconsistent(command.seq, "a trigger of an order that does not wait")
        if order.size == 0:
            order.size = order.rest = _whole(order, follow)
            order.come()
        order.active = True
        order.priority_ns = command.time_ns
        self._write(order, _Mark("TRIG", leaf * SEQ_STRIDE + _OWN, command.time_ns))

    def _expired(self, event: _Event, leaf: int, command: _Command, working: int) -> None:
        order = self._state.standing(command.seq, event.order_id)
        code = LEAVING.get(event.flags & REASON_MASK)
        if code is None:
            raise RecordsInconsistent(command.seq, "an order that left for an unknown reason")
        if order.rest == 0:
            # Nothing was left to expire: prevention, not its validity, took what did not trade.
            code = "CAMO"
        self._leave(order, code, leaf * SEQ_STRIDE + _OWN, command.time_ns)
        taker = self._state.orders.get(working)
        prevented = event.flags & REASON_MASK == ExpireReason.SELF_TRADE
        prevented = prevented and event.counter_order_id == working
        if prevented and taker is not None and taker.decrement:
            self._prevented(event, leaf, command)

    def _prevented(self, event: _Event, leaf: int, command: _Command) -> None:
        """The incoming order of a prevented self-trade lost as much; at nothing it leaves later."""
        taker = self._state.standing(command.seq, event.counter_order_id)
        taker.shrink(event.qty_lots)
        if taker.rest < 0:
            raise RecordsInconsistent(command.seq, "a reduction that leaves a wrong rest")
        taker.come()
        if taker.rest:
            self._write(taker, _Mark("REMA", leaf * SEQ_STRIDE + _OTHER, command.time_ns))

    def _conclude(self, order: Order, command: _Command, leaf: int) -> None:
        """Where a command's outcome says that its own order stands, after its own trades."""
        if command.status == OrderStatus.EXPIRED:
            # One that may rest ends by itself only through self-trade prevention; so does one of
            # which nothing is left.
            stays = command.time_in_force in _STAYING and order.form.limit
            left = self._state.standing(command.seq, order.order_id)
            code = "CAMO" if stays or left.rest == 0 else "EXPI"
            self._leave(left, code, leaf * SEQ_STRIDE + _REST, command.time_ns)
        elif command.status == OrderStatus.FILLED:
            if order.order_id in self._state.orders:
                raise RecordsInconsistent(command.seq, "a filled order that has no last trade")
        elif command.status == OrderStatus.PENDING:
            if order.active:
                raise RecordsInconsistent(command.seq, "an order that waits for no trigger")
        elif command.status not in _RESTING or not order.rest == command.remaining_lots > 0:
            raise RecordsInconsistent(command.seq, "an order's status does not follow from trades")

    def _trade(self, event: _Event, leaf: int, command: _Command, *, may_fill: bool) -> None:
        """Both sides of a trade; a liquidation is no order and has no record of its own."""
        maker = self._state.standing(command.seq, event.counter_order_id)
        maker.give(event.qty_lots, command.time_ns)
        sound = event.qty_lots > 0 and event.order_id != event.counter_order_id
        taker: Order | None = None
        if event.order_id:
            taker = self._state.standing(command.seq, event.order_id)
            if event.flags & TradeFlag.AUCTION:
                taker.give(event.qty_lots, command.time_ns)
            else:
                taker.rest -= event.quote_minor if taker.form.by_quote else event.qty_lots
                taker.come()
            sound = sound and taker.rest >= 0
        if not sound or not maker.rest == event.counter_remaining_lots >= 0:
            raise RecordsInconsistent(command.seq, f"trade {event.trade_id} leaves a wrong rest")
        book = maker.form.instrument
        price = book.price_json(event.price_ticks)
        shared = (
            f'","TraddQty":{{"Unit":"{book.size(event.qty_lots)}"}},'
            f'"TxId":"{event.instrument}T{event.trade_id}","TxPric":{{"Pric":{price}}}}}'
        )
        number = leaf * SEQ_STRIDE
        if taker is not None:
            auction = event.flags & TradeFlag.AUCTION
            role = "PASV" if auction else "AGRE"
            mark = _Mark("", number + _OWN, command.time_ns, role + shared)
            # A command's outcome says that its order is filled; of the others their rest does.
            told = event.order_id == command.seq or taker.form.by_quote or taker.rest == 0
            filled = taker.rest == 0 if auction else may_fill and told
            self._fill(taker, mark, filled=filled)
        mark = _Mark("", number + _OTHER, command.time_ns, "PASV" + shared)
        self._fill(maker, mark, filled=not maker.rest)

    def _fill(self, order: Order, mark: _Mark, *, filled: bool) -> None:
        if filled:
            # By quote, less than a lot's worth can be left over: the order is filled all the same.
            order.rest = order.shown = 0
            del self._state.orders[order.order_id]
        code = "FILL" if filled else "PARF"
        transaction = f',"TxData":{{"PssvOrAggrssvInd":"{mark.transaction}'
        self._write(order, _Mark(code, mark.number, mark.time_ns, transaction))

    def _leave(self, order: Order, code: str, number: int, time_ns: int) -> None:
        order.rest = order.shown = 0
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
            shown=min(size, command.display_lots or size),
            priority_ns=command.time_ns,
            trigger_ticks=command.trigger_ticks,
            expire_ns=command.expire_ns,
            decrement=command.self_trade == SelfTrade.DECREMENT,
            active=not form.conditional,
        )

    def _form(self, command: _Command) -> OrderForm | None:
        key = (
            command.instrument, command.side, command.order_type, command.time_in_force,
            command.flags & FORM_FLAGS
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
        side, validity = SIDES.get(command.side), VALIDITIES.get(command.time_in_force)
        if book is None or side is None or validity is None or command.order_type not in TYPES:
            return None
        post_only = bool(command.flags & CommandFlag.POST_ONLY)
        by_quote = bool(command.flags & CommandFlag.BY_QUOTE)
        conditional = bool(command.flags & CONDITIONAL)
        name = type_name(command.order_type, command.flags)
        return OrderForm(
            instrument=book,
            by_quote=by_quote,
            conditional=conditional,
            limit=command.order_type == OrderType.LIMIT,
            side=f'","SchmeNm":{{"Prtry":"PVSC"}}}}}},"InstrData":{{"BuySellInd":"{side}",',
            passive=f'","PssvOnlyInd":{str(post_only).lower()},"RmngQty":',
            kind=(
                f',"SlfExctnPrvntn":true}},"OrdrClssfctn":{{"OrdrTp":"{name}",'
                f'"OrdrTpClssfctn":"{"STOP" if conditional else "LMTO"}"}},'
            ),
            capacity=f'"TradgCpcty":"{self._pack.trading_capacity}"',
            ident=(f'"}},"FinInstrm":{book.fin_instrm},"OrdrBookId":"{book.symbol}","OrdrId":"'),
            tail=f'","TradVn":"{self._pack.mic}","VldtyPrd":{{',
            validity=f'"VldtyPrdCd":"{validity}"}}}}}}',
        )

    def _write(self, order: Order, mark: _Mark) -> None:
        if not self._emit:
            return
        form, by_quote = order.form, order.form.by_quote
        book = form.instrument
        rest = shown = initial = book.quantity_json(order.rest, by_quote=by_quote)
        if order.size != order.rest:
            initial = book.quantity_json(order.size, by_quote=by_quote)
        if order.shown != order.rest:
            shown = book.quantity_json(order.shown, by_quote=by_quote)
        created = now = priority = time_text(order.created_ns)
        if mark.time_ns != order.created_ns:
            now = time_text(mark.time_ns)
        if order.priority_ns != order.created_ns:
            priority = time_text(order.priority_ns)
        standing = "ACTI" if order.rest and order.active else "INAC"
        until = f'"VldtyDtTm":"{time_text(order.expire_ns)}",' if order.expire_ns else ""
        self.lines.append(
            f'{{"OrdrData":{{"ClntId":{{"Prsn":{{"Id":"{order.client}{form.side}'
            f'"DispdQty":{shown},"InitlQty":{initial},"OrdrSts":["FIRM"],'
            f'"OrdrVldtySts":"{standing}{form.passive}'
            f"{rest}{form.kind}{_prices(order)}{form.capacity}{mark.transaction}}},"
            f'"OrdrIdData":{{"DtOfRct":"{created[:10]}",'
            f'"EvtTp":{{"Cd":"{mark.code}{form.ident}{order.order_id}",'
            f'"Prty":{{"TmStmp":"{priority}"}},"SeqNb":{mark.number},"TmStmp":"{now}{form.tail}'
            f"{until}{form.validity}"
        )


def _whole(order: Order, follow: list[_Event]) -> int:
    """The size of an order that closes a whole position: what became of it, all together.

    It never rests, so all of it is in the events that follow its trigger.
    """
    return sum(
        event.qty_lots
        for event in follow
        if event.order_id == order.order_id
        or (
            event.counter_order_id == order.order_id
            and event.kind != EventKind.TRADE
            and order.decrement
        )
    )


def _prices(order: Order) -> str:
    """The limit and the trigger, if it has them (fields 23 and 25)."""
    book, prices = order.form.instrument, []
    if order.form.limit:
        prices.append(f'"LmtPric":{book.price_json(order.price_ticks)}')
    if order.form.conditional:
        prices.append(f'"StopPric":{book.price_json(order.trigger_ticks)}')
    return f'"OrdrPrics":{{{",".join(prices)}}},' if prices else ""


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
