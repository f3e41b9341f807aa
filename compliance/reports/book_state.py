"""What a record of an order needs from before it: listings, clients, and the orders in the book.

A fold over certified records. It trusts nothing that it can check: an event about an order that
is not in the book, or a remainder that does not follow, names the record where history breaks.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compliance.errors import RecordsInconsistent
from compliance.reports.order_codes import DERIVATIVES
from compliance.reports.pack import ReportPackBody
from compliance.reports.text import decimal_text
from ledger.records.build import read_digest
from ledger.records.codes import CommandKind
from ledger.records.layout import ACCOUNT, ASSET, INSTRUMENT

PSEUDONYM_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class ListedAsset:
    """An asset as records spell it."""

    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class ListedInstrument:
    """An instrument, with the fragments that every record of its book shares.

    Attributes:
        symbol: Order book code (field 16).
        fin_instrm: JSON of the crypto-asset's identification (field 17).
        price_ccy: JSON members that name the price's currency (field 28).
        price_decimals: A price is ticks x 10^-price_decimals.
        lot_units, size_decimals: A size is lots x lot_units x 10^-size_decimals: units of the base
            asset, or contracts.
        quote_decimals: A sum is minor units x 10^-quote_decimals.
    """

    symbol: str
    fin_instrm: str
    price_ccy: str
    price_decimals: int
    lot_units: int
    size_decimals: int
    quote_decimals: int

    def size(self, lots: int) -> str:
        """A size in units of the base asset, or in contracts."""
        return decimal_text(lots * self.lot_units, self.size_decimals)

    def price_json(self, ticks: int) -> str:
        """A price with its currency (fields 23, 27, 28)."""
        price = decimal_text(ticks, self.price_decimals)
        return f'{{"MntryVal":{{"Amt":{{{self.price_ccy},"Value":"{price}"}}}}}}'

    def quantity_json(self, quantity: int, *, by_quote: bool) -> str:
        """Lots as units of the base asset, or a sum of the quote asset (fields 32 to 37)."""
        if not by_quote:
            return f'{{"Unit":"{self.size(quantity)}"}}'
        total = decimal_text(quantity, self.quote_decimals)
        return f'{{"MntryVal":{{{self.price_ccy},"Value":"{total}"}}}}'


@dataclass(frozen=True, slots=True)
class OrderForm:
    """The JSON fragments that all orders of one book, side, type and validity share."""

    instrument: ListedInstrument
    by_quote: bool
    conditional: bool
    limit: bool
    side: str
    passive: str
    kind: str
    capacity: str
    ident: str
    tail: str
    validity: str


@dataclass(slots=True)
class Order:
    """What the next record of an order repeats. `size` and `rest` are lots; quote if by quote.

    `shown` is what the market sees of `rest`, `priority_ns` since when it has its place; a pending
    order has none and is not `active`. `decrement` is its self-trade prevention.
    """

    order_id: int
    client: str
    form: OrderForm
    price_ticks: int
    created_ns: int
    display_lots: int
    size: int
    rest: int
    shown: int
    priority_ns: int
    trigger_ticks: int
    expire_ns: int
    decrement: bool
    active: bool

    def come(self) -> None:
        """Before it rests an order shows a slice of what it is, or all."""
        self.shown = min(self.rest, self.display_lots or self.rest)

    def give(self, lots: int, time_ns: int) -> None:
        """A resting order trades; the next slice of an iceberg stands behind its level."""
        self.rest -= lots
        self.shown -= lots
        if self.shown <= 0 < self.rest:
            self.come()
            self.priority_ns = time_ns

    def shrink(self, lots: int) -> None:
        """It gets smaller where it stands; hidden lots go first."""
        self.size -= lots
        self.rest -= lots
        self.shown = min(self.shown, self.rest)


def pseudonym(subject: bytes) -> str:
    """A client's name in reports: XX and 32 characters, from the account's subject commitment.

    160 bits of the salted commitment in base32 fit the 35 characters of {NATIONAL_ID}; XX says
    that no country issued it. Who stands behind it is disclosed outside the ledger.
    """
    return "XX" + base64.b32encode(subject[:PSEUDONYM_BYTES]).decode("ascii")


class BookState:
    """The fold's state. `orders` holds what is in the book, by order id."""

    __slots__ = ("_pack", "assets", "clients", "instruments", "orders")

    def __init__(self, pack: ReportPackBody) -> None:
        self._pack = pack
        self.assets: dict[int, ListedAsset] = {}
        self.instruments: dict[int, ListedInstrument] = {}
        self.clients: dict[int, str] = {}
        self.orders: dict[int, Order] = {}

    def define(self, seq: int, kind: int, record: NDArray[Any]) -> None:
        """Take in an accepted listing or account: one 128-byte record, shape (1,)."""
        if kind == CommandKind.LIST_ASSET:
            asset = record.view(ASSET)[0]
            self.assets[int(asset["asset"])] = ListedAsset(
                _symbol(seq, asset["symbol"]), int(asset["ledger_decimals"])
            )
        elif kind == CommandKind.LIST_INSTRUMENT:
            row = record.view(INSTRUMENT)[0]
            self.instruments[int(row["instrument"])] = self._instrument(seq, row)
        elif kind == CommandKind.OPEN_ACCOUNT:
            account = record.view(ACCOUNT)[0]
            self.clients[int(account["account"])] = pseudonym(read_digest(account, "subject"))

    def _instrument(self, seq: int, row: np.void) -> ListedInstrument:
        base, quote = self.assets.get(int(row["base"])), self.assets.get(int(row["quote"]))
        if base is None or quote is None:
            raise RecordsInconsistent(seq, "an instrument of an asset that is not listed")
        derivative = DERIVATIVES.get(int(row["product"]))
        if derivative is None:
            raise RecordsInconsistent(seq, "an instrument of an unknown product")
        return ListedInstrument(
            symbol=_symbol(seq, row["symbol"]),
            fin_instrm=_fin_instrm(base.symbol, self._pack.dti, derivative),
            price_ccy=_currency(quote.symbol, self._pack),
            price_decimals=int(row["price_decimals"]),
            lot_units=1 if derivative else int(row["lot_minor"]),
            size_decimals=int(row["qty_decimals"]) if derivative else base.decimals,
            quote_decimals=quote.decimals,
        )

    def standing(self, seq: int, order_id: int) -> Order:
        """An order that must be in the book.

        Raises:
            RecordsInconsistent: It is not.
        """
        order = self.orders.get(order_id)
        if order is None:
            raise RecordsInconsistent(seq, f"order {order_id} is not in the book")
        return order


def _symbol(seq: int, raw: bytes) -> str:
    """Symbols enter reports unescaped, so only letters and digits may pass."""
    text = bytes(raw).decode("ascii", "replace")
    if not text.isascii() or not text.isalnum():
        raise RecordsInconsistent(seq, "a symbol that is not letters and digits")
    return text


def _fin_instrm(symbol: str, dti: Mapping[str, str], derivative: str) -> str:
    code = dti.get(symbol)
    name = f'"DTI":"{code}"' if code else f'"DTIShrtNm":"{symbol}"'
    mark = f',"Drvtv":"{derivative}"' if derivative else ""
    return f"{{{name}{mark}}}"


def _currency(symbol: str, pack: ReportPackBody) -> str:
    if symbol in pack.currencies:
        return f'"Ccy":"{symbol}"'
    code = pack.dti.get(symbol)
    return f'"DTI":"{code}"' if code else f'"DTIShrtNm":"{symbol}"'
