"""What a book that stands alone is told, and what it answers: fixed-width records.

Normative text: docs/spec/matching.md, section 8; the same in C: docs/spec/provenue_book.h.
"""

from enum import IntEnum
from typing import Final

import numpy as np

MESSAGE: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("qty_lots", "<i8"),
        ("price_ticks", "<u4"),
        ("kind", "u1"),
        ("side", "u1"),
        ("flags", "u1"),
        ("zero", "u1"),
    ]
)
"""One message, 24 bytes. A cancel reads order_id alone; a modify, price_ticks and qty_lots too."""

REPORT: Final = np.dtype(
    [
        ("order_id", "<i8"),
        ("maker_id", "<i8"),
        ("qty_lots", "<i8"),
        ("price_ticks", "<u4"),
        ("message", "<u4"),
        ("kind", "<u2"),
        ("side", "<u2"),
        ("reject", "<u4"),
    ]
)
"""One report, 40 bytes, every byte written. `message` is the message's place in the call, `side`
the side of `order_id`; maker_id is 0 but in a trade, reject 0 but in a refusal."""


class MessageKind(IntEnum):
    """What a message asks for."""

    NEW = 1
    CANCEL = 2
    MODIFY = 3


class BookSide(IntEnum):
    """The side of an order."""

    BUY = 0
    SELL = 1


IOC: Final = 1
"""Flag of a new order: what does not trade at once is cancelled."""


class ReportKind(IntEnum):
    """What happened."""

    ACCEPTED = 1
    TRADE = 2
    CANCELLED = 3
    MODIFIED = 4
    REFUSED = 5


class BookReject(IntEnum):
    """Why a message was refused, in the order of the checks. A refusal changes nothing."""

    NONE = 0
    BAD_KIND = 1
    BAD_SIDE = 2
    BAD_FLAGS = 3
    BAD_ID = 4
    ID_TAKEN = 5
    UNKNOWN_ORDER = 6
    BAD_PRICE = 7
    BAD_LOTS = 8
    LEVEL_FULL = 9
    NO_ROOM = 10


ORDER_ID_MAX: Final = 2**63 - 1
LEVEL_LOTS_MAX: Final = 2**62
"""Most lots at one price of one side, so that sums of lots never wrap."""

assert (MESSAGE.itemsize, REPORT.itemsize) == (24, 40)
