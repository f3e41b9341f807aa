"""Units. Every amount in this project is an integer in one of these units.

Limits are proven here at import: numba wraps int64 silently, so each product that a kernel
forms must fit, or go through the 128-bit multiply-divide of `matching.intmath`.
"""

from typing import Final, NewType

PriceTicks = NewType("PriceTicks", int)
QtyLots = NewType("QtyLots", int)
AmountMinor = NewType("AmountMinor", int)
RatePpm = NewType("RatePpm", int)
TimeNs = NewType("TimeNs", int)

AccountId = NewType("AccountId", int)
AssetId = NewType("AssetId", int)
InstrumentId = NewType("InstrumentId", int)
OrderId = NewType("OrderId", int)
"""The sequence number of the command that created the order: unique, dense enough, and public."""

PRICE_TICKS_MAX: Final = 2**31 - 1
QTY_LOTS_MAX: Final = 2**53 - 1
AMOUNT_MINOR_MAX: Final = 2**62 - 1
"""Largest balance, and largest supply of one asset, in ledger units."""
PPM: Final = 1_000_000
SEQ_MAX: Final = 2**53 - 1
"""Sequence numbers stay exact in JSON readers that only have doubles."""

# Two balances can be added before the limit is checked.
assert 2 * AMOUNT_MINOR_MAX < 2**63
# A price times a quantity needs 128 bits: it never fits int64 by itself.
assert PRICE_TICKS_MAX * QTY_LOTS_MAX < 2**127
