"""A naive venue in plain lists, whose days are written down in each of the formats.

It matches by price, then time, lot by lot in Python: too slow to ship, too plain to be wrong.
"""

from dataclasses import dataclass, field
from random import Random

import databento_dbn as dbn

from ledger.records.codes import Side

MID = 10_000
START_NS = 34_200_000_000_000


@dataclass
class Order:
    key: int
    side: Side
    price: int
    lots: int


@dataclass(frozen=True)
class Added:
    time_ns: int
    order: Order


@dataclass(frozen=True)
class Cut:
    """The owner took `lots` back; `left` stay. 0 left: the order ended."""

    time_ns: int
    order: Order
    lots: int
    left: int


@dataclass(frozen=True)
class Moved:
    """The order left its place: `old` is how it stood, `new` has the same key unless a format
    cannot say so."""

    time_ns: int
    old: Order
    new: Order


@dataclass(frozen=True)
class Traded:
    """`fills` are (giving order's key, price, lots, left)."""

    time_ns: int
    key: int
    side: Side
    limit: int
    lots: int
    fills: tuple[tuple[int, int, int, int], ...]
    rest: int


Happening = Added | Cut | Moved | Traded


@dataclass
class Day:
    """A seeded day of one instrument."""

    seed: int
    steps: int
    step_ns: int = 1_000
    lots_max: int = 300
    partial_cuts: bool = True
    happenings: list[Happening] = field(default_factory=list)
    book: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.now_ns = START_NS
        self.next_key = 1_000
        for _ in range(self.steps):
            self.now_ns += self.random.randint(1, 9) * self.step_ns
            self.step()

    def queue(self, side: Side) -> list[Order]:
        """The orders of a side, first to trade first (a stable sort keeps the time order)."""
        sign = -1 if side is Side.BUY else 1
        return sorted((o for o in self.book if o.side is side), key=lambda o: sign * o.price)

    def crossing(self, side: Side, limit: int) -> list[Order]:
        others = self.queue(Side(1 - side))
        if side is Side.BUY:
            return [o for o in others if o.price <= limit]
        return [o for o in others if o.price >= limit]

    def new_key(self) -> int:
        self.next_key += self.random.randint(1, 5)
        return self.next_key

    def step(self) -> None:
        pick = self.random.randrange(100)
        if not self.book or pick < 50:
            self.enter()
        elif pick < 70:
            order = self.random.choice(self.book)
            self.cut(order, self.random.randint(1, order.lots) if self.partial_cuts else order.lots)
        elif pick < 80:
            self.move(self.random.choice(self.book))
        else:
            side = Side(self.random.randrange(2))
            reach = self.random.randint(0, 8)
            self.submit(side, MID + reach if side is Side.BUY else MID - reach, self.size(4))

    def size(self, times: int = 1) -> int:
        return self.random.randint(1, self.lots_max * times)

    def enter(self) -> None:
        side = Side(self.random.randrange(2))
        away = self.random.randint(-1, 6)
        self.submit(side, MID - away if side is Side.BUY else MID + away, self.size())

    def submit(self, side: Side, limit: int, lots: int) -> None:
        key, left, fills = self.new_key(), lots, []
        for maker in self.crossing(side, limit):
            given = min(maker.lots, left)
            if not given:
                break
            maker.lots -= given
            left -= given
            fills.append((maker.key, maker.price, given, maker.lots))
        self.book = [order for order in self.book if order.lots]
        rest = Order(key, side, limit, left)
        if fills:
            done = Traded(self.now_ns, key, side, limit, lots, tuple(fills), left)
            self.happenings.append(done)
        else:
            self.happenings.append(Added(self.now_ns, Order(key, side, limit, left)))
        if left:
            self.book.append(rest)

    def cut(self, order: Order, lots: int) -> None:
        order.lots -= lots
        self.happenings.append(Cut(self.now_ns, Order(**vars(order)), lots, order.lots))
        self.book = [one for one in self.book if one.lots]

    def move(self, order: Order) -> None:
        away = self.random.randint(1, 6)
        price = MID - away if order.side is Side.BUY else MID + away
        new = Order(order.key, order.side, price, self.size())
        if self.crossing(order.side, price) or (price, new.lots) == (order.price, order.lots):
            return
        if price == order.price and new.lots < order.lots:
            return
        self.happenings.append(Moved(self.now_ns, Order(**vars(order)), Order(**vars(new))))
        self.book = [one for one in self.book if one is not order] + [new]

    def depth(self, side: Side) -> list[tuple[int, int, int]]:
        """(price, lots, orders) of every level, best first."""
        levels: dict[int, list[int]] = {}
        for order in self.queue(side):
            levels.setdefault(order.price, []).append(order.lots)
        return [(price, sum(lots), len(lots)) for price, lots in levels.items()]

    def aggressors(self) -> list[Traded]:
        return [one for one in self.happenings if isinstance(one, Traded)]


# LOBSTER: a moved order is deleted and comes back under another id; ids only ever grow.


def _direction(side: Side) -> int:
    return 1 if side is Side.BUY else -1


def _seconds(time_ns: int) -> str:
    return f"{time_ns // 10**9}.{time_ns % 10**9:09d}"


def lobster_lines(happenings: list[Happening]) -> list[str]:
    """The message file."""
    name: dict[int, int] = {}
    fresh = iter(range(1, 10**9))

    def line(time_ns: int, kind: int, key: int, lots: int, price: int, side: Side) -> str:
        fields = (kind, name[key], lots, price, _direction(side))
        return ",".join([_seconds(time_ns), *map(str, fields)])

    lines = []
    for one in happenings:
        match one:
            case Added(time_ns, order):
                name[order.key] = next(fresh)
                lines.append(line(time_ns, 1, order.key, order.lots, order.price, order.side))
            case Cut(time_ns, order, lots, left):
                kind = 2 if left else 3
                lines.append(line(time_ns, kind, order.key, lots, order.price, order.side))
            case Moved(time_ns, old, new):
                lines.append(line(time_ns, 3, old.key, old.lots, old.price, old.side))
                name[new.key] = next(fresh)
                lines.append(line(time_ns, 1, new.key, new.lots, new.price, new.side))
            case Traded(time_ns, key, side, limit, _, fills, rest):
                for maker, price, lots, _ in fills:
                    lines.append(line(time_ns, 4, maker, lots, price, Side(1 - side)))
                if rest:
                    name[key] = next(fresh)
                    lines.append(line(time_ns, 1, key, rest, limit, side))
    return lines


# Databento.

TICK = 250_000_000
LETTER = {Side.BUY: dbn.Side.BID, Side.SELL: dbn.Side.ASK}


def dbn_header(version: int = 3, schema: dbn.Schema = dbn.Schema.MBO) -> bytes:
    return dbn.Metadata(
        dataset="XNAS.ITCH", start=0, stype_in=dbn.SType.RAW_SYMBOL,
        stype_out=dbn.SType.INSTRUMENT_ID, schema=schema, version=version,
    ).encode()  # fmt: skip


def record(
    action: dbn.Action, side: dbn.Side, key: int, price: int, lots: int, *,
    time_ns: int = START_NS, flags: int = 0, instrument: int = 7, publisher: int = 2,
) -> bytes:  # fmt: skip
    """One MBO record; `price` in ticks of a quarter."""
    return bytes(
        dbn.MBOMsg(
            publisher,
            instrument,
            time_ns,
            key,
            price * TICK,
            lots,
            action,
            side,
            time_ns + 1,
            flags=flags,
        )
    )


def dbn_records(happenings: list[Happening]) -> list[bytes]:
    """The records, without the header."""
    act, found = dbn.Action, []

    def put(action: dbn.Action, time_ns: int, side: Side, key: int, price: int, lots: int) -> None:
        found.append(record(action, LETTER[side], key, price, lots, time_ns=time_ns))

    for one in happenings:
        match one:
            case Added(time_ns, o):
                put(act.ADD, time_ns, o.side, o.key, o.price, o.lots)
            case Cut(time_ns, o, lots, _):
                put(act.CANCEL, time_ns, o.side, o.key, o.price, lots)
            case Moved(time_ns, _, o):
                put(act.MODIFY, time_ns, o.side, o.key, o.price, o.lots)
            case Traded(time_ns, key, side, limit, lots, fills, rest):
                put(act.TRADE, time_ns, side, key, fills[-1][1], lots - rest)
                for maker, price, given, _ in fills:
                    put(act.FILL, time_ns, Side(1 - side), maker, price, given)
                for maker, price, given, _ in fills:
                    put(act.CANCEL, time_ns, Side(1 - side), maker, price, given)
                if rest:
                    put(act.ADD, time_ns, side, key, limit, rest)
    return found


# Bitstamp: each fill shows as two orders that shrink.

WORD = {Side.BUY: "bid", Side.SELL: "ask"}
BITSTAMP_HEADER = "id,timestamp,exchange.timestamp,price,volume,action,direction"


def bitstamp_lines(happenings: list[Happening]) -> list[str]:
    """The file, header included. A moved order ends and comes back under another id."""
    name: dict[int, int] = {}
    fresh = iter(range(1, 10**9))
    lines = [BITSTAMP_HEADER]

    def put(time_ns: int, key: int, price: int, volume: int, what: tuple[str, Side]) -> None:
        action, side = what
        ms, money = time_ns // 10**6, f"{price // 100}.{price % 100:02d}"
        lines.append(f"{name[key]},{ms},{ms},{money},{volume},{action},{WORD[side]}")

    for one in happenings:
        match one:
            case Added(time_ns, o):
                name[o.key] = next(fresh)
                put(time_ns, o.key, o.price, o.lots, ("created", o.side))
            case Cut(time_ns, o, lots, left):
                assert not left, "the format cannot tell a partial cancel from a fill"
                put(time_ns, o.key, o.price, lots, ("deleted", o.side))
            case Moved(time_ns, old, new):
                put(time_ns, old.key, old.price, old.lots, ("deleted", old.side))
                name[new.key] = next(fresh)
                put(time_ns, new.key, new.price, new.lots, ("created", new.side))
            case Traded(time_ns, key, side, limit, lots, fills, _):
                name[key], mine = next(fresh), lots
                put(time_ns, key, limit, lots, ("created", side))
                for maker, price, given, left in fills:
                    mine -= given
                    action = "changed" if left else "deleted"
                    put(time_ns, maker, price, left, (action, Side(1 - side)))
                    put(time_ns, key, limit, mine, ("changed" if mine else "deleted", side))
    return lines
